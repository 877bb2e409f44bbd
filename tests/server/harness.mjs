// Starts `sotto serve` on a free port with a state folder of its own, and speaks to it as a client would.

import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import tls from 'node:tls';
import { WebSocket } from 'ws';

export const SOTTO = process.env.SOTTO ?? 'build/sotto';
const PATIENCE = 60_000;

/** Fails with a sentence when a promise takes too long; machines are slow, tests don't measure time. */
export function within(promise, what, ms = PATIENCE) {
  let timer;
  const late = new Promise((_, no) => { timer = setTimeout(() => no(new Error(`waited too long for ${what}`)), ms); });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export function folder(t) {
  const dir = mkdtempSync(join(tmpdir(), 'sotto-test-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Four ports in a row, even first, that nobody has now. */
export async function freePorts() {
  for (let port = 20000 + 4 * Math.floor(Math.random() * 8000); ; port += 4) {
    const sockets = [0, 1, 2, 3].map(() => createSocket('udp4'));
    const bound = await Promise.allSettled(sockets.map((socket, i) => new Promise((done, fail) => {
      socket.once('error', fail);
      socket.bind(port + i, '127.0.0.1', done);
    })));
    await Promise.all(sockets.map((socket) => new Promise((done) => socket.close(done))));
    if (bound.every(({ status }) => status === 'fulfilled')) return port;
  }
}

/** Runs the command to its end. @returns {Promise<{code: number | null, out: string, err: string}>} */
export function command(args, env = {}) {
  return within(new Promise((done, fail) => {
    const child = spawn(SOTTO, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '', err = '';
    child.stdout.on('data', (d) => { out += d; });
    child.stderr.on('data', (d) => { err += d; });
    child.on('error', fail);
    child.on('close', (code) => done({ code, out, err }));
  }), `sotto ${args.join(' ')}`);
}

/** localhost is 127.0.0.1 here: older Nodes try ::1 alone, where nobody listens. */
const lookup = (host, options, done) => (options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4));

export class Server {
  events = [];
  #waiters = [];

  /** @param {import('node:test').TestContext} t @param {string[]} [args] */
  static async start(t, args = [], { state = folder(t), env = {}, listen = ['--listen', '127.0.0.1:0'] } = {}) {
    const s = new Server();
    s.state = state;
    s.child = spawn(SOTTO, ['serve', '--json', '--state', state, ...listen, ...args],
      { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    s.errors = '';
    s.child.stderr.on('data', (d) => { s.errors += d; });
    s.ended = new Promise((done) => s.child.on('close', (code, signal) => done({ code, signal })));
    createInterface({ input: s.child.stdout }).on('line', (line) => s.#take(JSON.parse(line)));
    t.after(async () => {
      s.child.kill('SIGKILL');
      await s.ended;
    });
    s.listening = await Promise.race([s.event('listening'), s.ended.then(() => { throw new Error(`did not start: ${s.errors}`); })]);
    s.port = Number(/:(\d+)$/.exec(s.listening.listen[0])[1]);
    s.ca = s.listening.ca ? readFileSync(s.listening.ca) : undefined;
    return s;
  }

  #take(event) {
    this.events.push(event);
    this.#waiters = this.#waiters.filter((w) => !w(event));
  }

  /** The first event of this name that comes, or has come, for which test holds. */
  event(name, test = () => true) {
    const there = this.events.find((e) => e.event === name && test(e));
    if (there) return Promise.resolve(there);
    return within(new Promise((done) => this.#waiters.push((e) => {
      if (e.event !== name || !test(e)) return false;
      done(e);
      return true;
    })), `the event ${name}; stderr: ${this.errors}`);
  }

  async stop(signal = 'SIGTERM') {
    this.child.kill(signal);
    return within(this.ended, 'the server to end');
  }

  get url() { return `https://localhost:${this.port}`; }

  /** A raw TLS connection. @returns {Promise<tls.TLSSocket>} */
  tls(options = {}) {
    return within(new Promise((ok, no) => {
      const socket = tls.connect({ host: '127.0.0.1', port: this.port, servername: 'localhost', ca: this.ca, ...options },
        () => ok(socket));
      socket.on('error', no);
    }), 'a TLS connection');
  }

  /** @returns {Promise<{head: string, body: string, status: number}>} */
  async http(request) {
    const socket = await this.tls();
    socket.end(request);
    const text = await within(readAll(socket), 'an HTTP answer');
    const at = text.indexOf('\r\n\r\n');
    return { head: text.slice(0, at + 2), body: text.slice(at + 4), status: Number(text.slice(9, 12)) };
  }

  get(target, more = '') {
    return this.http(`GET ${target} HTTP/1.1\r\nHost: localhost:${this.port}\r\nConnection: close\r\n${more}\r\n`);
  }

  /** @returns {Promise<Client>} */
  async client(options = {}) {
    const c = new Client(this, options);
    await c.opened;
    return c;
  }
}

export function readAll(stream) {
  return new Promise((done, fail) => {
    let text = '';
    stream.setEncoding('latin1');
    stream.on('data', (d) => { text += d; });
    stream.on('end', () => done(text));
    stream.on('error', fail);
  });
}

/** One end of the signaling. */
export class Client {
  messages = [];
  #waiters = [];

  constructor(server, options) {
    this.ws = new WebSocket(`wss://localhost:${options.port ?? server.port}/signal`, ['sotto.v1'],
      { ca: server.ca, origin: `https://localhost:${options.port ?? server.port}`, perMessageDeflate: false, lookup, ...options });
    this.opened = within(new Promise((ok, no) => { this.ws.on('open', ok); this.ws.on('error', no); }), 'the upgrade');
    this.closed = new Promise((done) => this.ws.on('close', (code, reason) => done({ code, reason: String(reason) })));
    this.ws.on('message', (data) => {
      const message = JSON.parse(String(data));
      this.messages.push(message);
      this.#waiters = this.#waiters.filter((w) => !w(message));
    });
  }

  send(message) {
    this.ws.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** The first message of this kind that comes, or has come; it is taken out. */
  next(kind) {
    const at = this.messages.findIndex((m) => m.kind === kind);
    if (at >= 0) return Promise.resolve(this.messages.splice(at, 1)[0]);
    return within(new Promise((done) => this.#waiters.push((m) => {
      if (m.kind !== kind) return false;
      this.messages.splice(this.messages.indexOf(m), 1);
      done(m);
      return true;
    })), `the message ${kind}`);
  }

  async join(room, resume) {
    this.send({ kind: 'join', room, ...(resume && { resume }) });
    return this.next('welcome');
  }

  close() {
    return within(this.closed, 'the end of the connection');
  }
}

let rooms = 0;
/** A room of its own for each test. */
export function freshRoom() {
  return `room${String(++rooms).padStart(16, '0')}AA`;
}
