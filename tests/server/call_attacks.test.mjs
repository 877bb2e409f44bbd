// Attacks 21 and 23 on `sotto call` as it is run: a signaling server that turned evil, with a certificate that both ends
// trust, between two native ends; and somebody in the room who does not have the link.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { WebSocketServer } from 'ws';
import { command, folder, Server, SOTTO, within } from './harness.mjs';

const HELLO = 'hello';
const KINDS = ['state', 'offer', 'answer', 'candidate', 'bye'];
const kindOf = (bytes) => (bytes[0] === 1 ? HELLO : KINDS[bytes[1]] ?? '?');

/** A server of our own: seats and delivery as docs/protocol.md has them, and a scheme. */
class Evil {
  seats = [];
  /** What arrives in place of an envelope, in order: [to whom, bytes]. @type {(from: number, bytes: Buffer, kind: string) => [number, Buffer][]} */
  scheme = (from, bytes) => [[1 - from, bytes]];
  said = [];

  static async start(t, scheme) {
    const evil = new Evil();
    if (scheme) evil.scheme = scheme;
    const honest = await Server.start(t); // for its CA
    const dir = folder(t);
    execFileSync(SOTTO, ['ca', 'issue', 'localhost', '--out', dir, '--state', honest.state]);
    evil.ca = honest.listening.ca;
    const server = https.createServer({ cert: readFileSync(join(dir, 'server.pem')), key: readFileSync(join(dir, 'server.key')) });
    const sockets = new WebSocketServer({ server, handleProtocols: () => 'sotto.v1' });
    sockets.on('connection', (socket) => evil.#connect(socket));
    await new Promise((ok) => server.listen(0, '127.0.0.1', ok));
    t.after(() => {
      for (const client of sockets.clients) client.terminate();
      server.close();
      server.closeAllConnections?.();
    });
    const { out } = await command(['link', `https://localhost:${server.address().port}`]);
    evil.link = out.trim();
    return evil;
  }

  #connect(socket) {
    const number = this.seats.length;
    const id = randomBytes(8).toString('base64url');
    this.seats.push({ socket, id });
    socket.on('error', () => {});
    socket.on('message', (data) => {
      const message = JSON.parse(String(data));
      if (message.kind === 'join') {
        this.#send(1 - number, { kind: 'joined', id, resumed: false });
        this.#send(number, { kind: 'welcome', id, members: this.seats[1 - number] ? [this.seats[1 - number].id] : [], resumed: false,
          resume: randomBytes(16).toString('base64url'), ice: [], tls: {}, limits: { message: 65536, rate: 50 } });
      } else if (message.kind === 'envelope') {
        const bytes = Buffer.from(message.payload, 'base64url');
        this.said.push({ from: number, kind: kindOf(bytes), bytes });
        for (const [to, altered] of this.scheme(number, Buffer.from(bytes), kindOf(bytes))) this.tell(to, altered);
      } else if (message.kind === 'bye') {
        this.#send(1 - number, { kind: 'left', id, reason: 'bye' });
      }
    });
  }

  #send(to, message) {
    if (this.seats[to]) this.seats[to].socket.send(JSON.stringify(message));
  }

  /** Arrives as if the other one had said it. */
  tell(to, bytes) {
    this.#send(to, { kind: 'envelope', from: this.seats[1 - to].id, to: this.seats[to].id, payload: bytes.toString('base64url') });
  }
}

/** `sotto call --json`, read line by line. */
function call(t, evil, ...args) {
  const child = spawn(SOTTO, ['call', '--json', '--loopback', '--ca', evil.ca, '--connect', '127.0.0.1', ...args, evil.link],
    { stdio: ['ignore', 'pipe', 'inherit'] });
  const events = [], waiters = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    events.push(JSON.parse(line));
    for (const waiter of waiters) waiter();
  });
  const ended = new Promise((done) => child.on('close', done));
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const event = (wanted) => within(new Promise((done) => {
    const look = () => {
      const found = events.find(wanted);
      if (found) done(found);
    };
    waiters.push(look);
    look();
  }), "an event of sotto call");
  return {
    child,
    event,
    reaches: (state) => event((e) => e.state === state),
    code: () => within(ended, 'sotto call to end'),
    silent: () => event(({ event: name }) => name === 'totals').then(({ sent, received }) => assert.deepEqual([sent, received], [0, 0])),
    verdict: () => event(({ event: name }) => name === 'report').then(({ report }) => report.verdict),
  };
}

async function pair(t, scheme, ...args) {
  const evil = await Evil.start(t, scheme);
  const first = call(t, evil, '--in', 'test', ...args);
  await first.reaches('waiting');
  const last = call(t, evil, '--in', 'test', ...args); // opens, and offers
  return { evil, ends: [first, last] };
}

test('the control: the same server, when it does nothing, carries a call', async (t) => {
  const { evil, ends } = await pair(t, undefined, '--duration', '2');
  await Promise.all(ends.map((end) => end.event(({ event }) => event === 'open')));
  assert.deepEqual(await Promise.all(ends.map((end) => end.code())), [0, 0]);
  for (const kind of [HELLO, 'state', 'offer', 'answer']) assert.ok(evil.said.some((s) => s.kind === kind), kind);
});

/** Does it to the first envelope of this kind; the rest goes as it is. */
const once = (kind, from, change) => {
  let done = false;
  return (who, bytes, what) => {
    if (done || what !== kind || (from !== undefined && who !== from)) return [[1 - who, bytes]];
    done = true;
    return change(who, bytes);
  };
};
const flip = (bytes, at) => {
  bytes[at < 0 ? bytes.length + at : at] ^= 1;
  return bytes;
};

for (const [what, reason, victim, scheme] of [
  ['alters an offer, where the fingerprint is', 'altered', 0, () => once('offer', 1, (who, b) => [[1 - who, flip(b, 300)]])],
  ['alters an answer', 'altered', 1, () => once('answer', 0, (who, b) => [[1 - who, flip(b, -20)]])],
  ['splices an answer to another offer', 'spliced', 1, () => once('answer', 0, (who, b) => [[1 - who, flip(b, 30)]])],
  ['replays an offer', 'replayed', 0, () => once('offer', 1, (who, b) => [[1 - who, b], [1 - who, b]])],
  ['drops a state', 'gap', 0, () => once('state', 1, () => [])],
  ['reflects a state', 'reflected', 1, () => once('state', 1, (who, b) => [[who, b]])],
  ['makes something up', 'malformed', 0, () => once('offer', 1, (who) => [[1 - who, Buffer.from('no envelope')]])],
]) {
  test(`attack 23: a server that ${what} is caught by the seal (7), and no media leaves`, async (t) => {
    const { ends } = await pair(t, scheme());
    assert.equal(await ends[victim].code(), 7);
    const verdict = await ends[victim].verdict();
    assert.equal(verdict.door, 'seal');
    assert.equal(verdict.reason, reason);
    await ends[victim].silent();
    ends[1 - victim].child.kill('SIGTERM');
    await ends[1 - victim].code();
    await ends[1 - victim].silent();
  });
}

test('attack 23: an invention in mid-call ends it', async (t) => {
  const { evil, ends } = await pair(t);
  await Promise.all(ends.map((end) => end.event(({ event }) => event === 'open')));
  evil.tell(0, Buffer.from([9, 9, 9]));
  assert.equal(await ends[0].code(), 7);
  assert.equal((await ends[0].verdict()).reason, 'malformed');
  assert.equal(await ends[1].code(), 0, 'the other one was left');
});

test('attack 21: who knows the room and not the link hears a hello and one sealed state, and nothing of an address', async (t) => {
  const evil = await Evil.start(t, () => []);
  const victim = call(t, evil, '--in', 'test', '--wait', '4');
  await victim.reaches('waiting');
  evil.seats.push({ socket: { send() {} }, id: 'sitterAAAAA' });
  evil.seats[0].socket.send(JSON.stringify({ kind: 'joined', id: 'sitterAAAAA', resumed: false }));
  evil.tell(0, Buffer.concat([Buffer.of(1, 1), randomBytes(16), Buffer.alloc(16)]));
  assert.equal(await victim.code(), 6, 'nobody came');
  await victim.silent();
  assert.deepEqual(evil.said.map(({ kind }) => kind), [HELLO, 'state']);
  const heard = Buffer.concat(evil.said.map(({ bytes }) => bytes));
  for (const word of ['127.0.0.1', 'candidate', 'fingerprint', 'ufrag', 'native']) assert.ok(!heard.includes(word), word);
});

test('a server that refuses with commands for a terminal is quoted without them', async (t) => {
  const honest = await Server.start(t);
  const dir = folder(t);
  execFileSync(SOTTO, ['ca', 'issue', 'localhost', '--out', dir, '--state', honest.state]);
  const server = https.createServer({ cert: readFileSync(join(dir, 'server.pem')), key: readFileSync(join(dir, 'server.key')) });
  const body = Buffer.from('no\x1b]0;evil\x07 \x9b2J\x00 seat', 'latin1');
  server.on('upgrade', (_, socket) => {
    socket.write(`HTTP/1.1 403 Forbidden\r\nContent-Length: ${body.length}\r\n\r\n`);
    socket.end(body);
  });
  await new Promise((ok) => server.listen(0, '127.0.0.1', ok));
  const link = (await command(['link', `https://localhost:${server.address().port}`])).out.trim();
  const { code, err } = await command(['call', '--ca', honest.listening.ca, '--connect', '127.0.0.1', link]);
  server.close();
  assert.equal(code, 5);
  assert.match(err, /403: no/);
  assert.doesNotMatch(err, /[\x00-\x09\x0b-\x1f\x7f-\x9f\ufffd]/);
});
