// A signaling server that turned evil: it has a certificate that the browsers trust, sits between them and a real
// `sotto serve`, and may do to envelopes what it likes. For tests only.

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, request } from 'node:https';
import WebSocket, { WebSocketServer } from 'ws';
import { World } from './harness.mjs';

/**
 * @typedef {object} Envelope as an end sent it
 * @property {string} end 'first' (who was there) or 'last' (who came last, and opens)
 * @property {string} payload
 * @property {Buffer} bytes of the payload
 * @property {string} kind 'hello', 'state', 'offer', 'answer', 'candidate', 'bye' or '?'
 * @property {string} sid of the sender, hex
 * @property {string} [re] of a hello
 * @property {bigint} [counter] of a sealed message
 */

const KINDS = ['state', 'offer', 'answer', 'candidate', 'bye'];

/** @param {string} end @param {string} payload @returns {Envelope} */
export function readEnvelope(end, payload) {
  const bytes = Buffer.from(payload, 'base64url');
  const sid = bytes.toString('hex', 2, 18);
  if (bytes[0] === 1) return { end, payload, bytes, kind: 'hello', sid, re: bytes.toString('hex', 18, 34) };
  if (bytes[0] !== 2) return { end, payload, bytes, kind: '?', sid };
  return { end, payload, bytes, kind: KINDS[bytes[1]] ?? '?', sid, counter: bytes.readBigUInt64BE(18) };
}

/** @param {Buffer} sid @param {Buffer} [re] @returns {string} a hello, which nothing protects */
export function forgeHello(sid = randomBytes(16), re = Buffer.alloc(16)) {
  return Buffer.concat([Buffer.of(1, 1), sid, re]).toString('base64url');
}

/**
 * A message as somebody without the link would make it.
 * @param {number} kind @param {Buffer} sid @param {bigint} counter @param {string} text
 */
export function forgeSealed(kind, sid, counter, text) {
  const head = Buffer.concat([Buffer.of(2, kind), sid, Buffer.alloc(8)]);
  head.writeBigUInt64BE(counter, 18);
  const hash = kind === 2 ? randomBytes(32) : Buffer.alloc(0);
  return Buffer.concat([head, hash, Buffer.from(text), randomBytes(16)]).toString('base64url');
}

export class Evil {
  /** @type {Envelope[]} all that the ends said, in order */ said = [];
  /** @type {Map<string, {name: string, socket: WebSocket, upstream: WebSocket, id: string, other: string}>} */
  ends = new Map();
  /** @type {((envelope: Envelope) => string[] | void)} what goes on in place of an envelope; nothing: itself */
  scheme = () => {};
  /** @type {(room: string) => string} in which room an end is really seated */ seat = (room) => room;
  /** @type {(text: string) => string} what an end gets in place of its welcome */ welcome = (text) => text;

  /** @param {World} world a server behind, and this in front of it */
  static async start(world) {
    const evil = new Evil();
    // The proxy has the public port, so that page, origin and policy are those of an honest server.
    const front = createServer((req, res) => evil.#pass(req, res));
    await new Promise((done) => front.listen(0, '127.0.0.1', done));
    evil.server = await world.server({ publicPort: front.address().port });
    evil.url = evil.server.url;
    const { cert, key } = await evil.server.issue();
    front.setSecureContext({ cert: readFileSync(cert), key: readFileSync(key) });
    evil.ca = readFileSync(evil.server.ca);
    const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'sotto.v1' });
    front.on('upgrade', (req, socket, head) => {
      sockets.handleUpgrade(req, socket, head, (client) => evil.#connect(client, req.headers));
    });
    world.atEnd(() => {
      front.close();
      front.closeAllConnections();
      for (const client of sockets.clients) client.terminate();
    });
    return evil;
  }

  /** A new game on the same board. @param {Evil['scheme']} [scheme] */
  play(scheme = () => {}) {
    this.said = [];
    this.ends = new Map();
    this.scheme = scheme;
    this.seat = (room) => room;
    this.welcome = (text) => text;
  }

  #pass(req, res) {
    const on = request({ host: '127.0.0.1', port: this.server.port, servername: 'localhost', ca: this.ca, method: req.method,
      path: req.url, headers: req.headers }, (answer) => {
      res.writeHead(answer.statusCode, answer.headers);
      answer.pipe(res);
    });
    on.on('error', () => res.destroy());
    req.pipe(on);
  }

  #connect(socket, { origin, host }) {
    const upstream = new WebSocket(`wss://127.0.0.1:${this.server.port}/signal`, ['sotto.v1'],
      { ca: this.ca, servername: 'localhost', headers: { host, origin } });
    const end = { name: '', socket, upstream, id: '', other: '' };
    const ready = new Promise((done) => upstream.once('open', done));
    // Before the server answers, the page has nothing to say but its join.
    socket.on('message', (data) => void ready.then(() => this.#fromEnd(end, String(data))));
    upstream.on('message', (data) => this.#fromServer(end, String(data)));
    const leave = (one) => (code) => {
      if (code >= 4000 || code === 1000 || code === 1012) one.close(code);
      else one.terminate();
    };
    socket.on('close', leave(upstream));
    upstream.on('close', leave(socket));
    for (const one of [socket, upstream]) one.on('error', () => {});
  }

  #fromServer(end, data) {
    const message = JSON.parse(data);
    if (message.kind === 'welcome') {
      end.id = message.id;
      end.name = [...this.ends.values()].find(({ id }) => id === end.id)?.name ?? (this.ends.size ? 'last' : 'first');
      end.other = message.members[0] ?? '';
      this.ends.set(end.name, end);
    } else if (message.kind === 'joined') end.other = message.id;
    end.socket.send(message.kind === 'welcome' ? this.welcome(data) : data);
  }

  #fromEnd(end, data) {
    const message = JSON.parse(data);
    if (message.kind === 'join') return void end.upstream.send(JSON.stringify({ ...message, room: this.seat(message.room) }));
    if (message.kind !== 'envelope') return void end.upstream.send(data);
    const envelope = readEnvelope(end.name, message.payload);
    this.said.push(envelope);
    for (const payload of this.scheme(envelope) ?? [message.payload]) {
      end.upstream.send(JSON.stringify({ ...message, payload }));
    }
  }

  /** Says something to an end, as if it came from the other one. @param {string} name @param {string} payload */
  tell(name, payload) {
    const { socket, id, other } = this.ends.get(name);
    socket.send(JSON.stringify({ kind: 'envelope', from: other, to: id, payload }));
  }

  /** The connection of an end breaks. @param {string} name */
  cut(name) {
    this.ends.get(name).socket.terminate();
  }
}
