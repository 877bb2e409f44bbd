// `sotto call` as a program: two of them through a real server, every exit code, and what ends can do to each other.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import '../page/browser.mjs';
import { readLink } from '../../web/link.js';
import { KIND, Seal } from '../../web/seal.js';
import { Call, linkOf } from './call.mjs';
import { command, folder, Server, SOTTO, within } from './harness.mjs';

/** Somebody who has the link, speaks the protocol, and says whatever a test wants. */
class Peer {
  static async join(server, link) {
    return (await Peer.seat(server, link)).meets();
  }

  /** In the room, and perhaps alone there. */
  static async seat(server, link) {
    const peer = new Peer();
    const invitation = await readLink(new URL(link).hash.slice(1));
    peer.seal = new Seal(invitation.key, invitation.room);
    peer.client = await server.client();
    peer.welcome = await peer.client.join(invitation.roomText);
    return peer;
  }

  async meets() {
    this.other = this.welcome.members[0] ?? (await this.client.next('joined')).id;
    return this;
  }

  deliver(payload) {
    this.client.send({ kind: 'envelope', to: this.other, payload });
  }

  /** The next thing said by the other end, opened. */
  async hears() {
    return this.seal.open((await this.client.next('envelope')).payload);
  }

  /** Both hellos, and the other end's first state. */
  async epoch() {
    if (this.welcome.members.length) this.deliver(await this.seal.hello());
    const { reply } = await this.hears();
    if (reply) this.deliver(reply);
    const { kind, value } = await this.hears();
    assert.equal(kind, KIND.state);
    assert.equal(value.agent, 'native');
  }

  async says(kind, value, hash) {
    this.deliver(await this.seal.seal(kind, value, hash));
  }

  /** As the one who came last: state and an offer. */
  async offers(sdp) {
    await this.epoch();
    await this.says(KIND.state, { call: null, audio: true, video: false, screen: false, agent: 'native' });
    await this.says(KIND.offer, { type: 'offer', sdp });
  }
}

const PRINT = Array.from({ length: 32 }, (_, i) => i.toString(16).padStart(2, '0').toUpperCase()).join(':');
const OFFER = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0', 'a=ice-options:trickle',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'c=IN IP4 0.0.0.0', 'a=mid:0', 'a=sendrecv', 'a=rtcp-mux', 'a=ice-ufrag:abcd',
  'a=ice-pwd:0123456789abcdefghijkl', 'a=setup:actpass', `a=fingerprint:sha-256 ${PRINT}`, 'a=rtpmap:111 opus/48000/2', '']
  .join('\r\n');

test('two of them: every door holds, the tone arrives, and both reports agree', async (t) => {
  const server = await Server.start(t);
  const link = await linkOf(server);
  const dir = folder(t);
  const one = new Call(t, server, link, '--in', 'test', '--out', join(dir, 'one.ogg'), '--report', join(dir, 'one.json'));
  await one.reaches('waiting');
  const two = new Call(t, server, link, '--echo', '--report', join(dir, 'two.json'), '--duration', '3');
  const reports = await Promise.all([one, two].map(async (call) => (await call.event('open')).report));
  assert.deepEqual(await Promise.all([one.code(), two.code()]), [0, 0]);

  for (const [i, name] of ['one', 'two'].entries()) {
    const saved = JSON.parse(readFileSync(join(dir, `${name}.json`), 'utf8')).report;
    assert.equal(saved.verdict.state, 'ended');
    assert.equal(saved.verdict.detail, 'It was encrypted end to end and verified to its end.');
    const doors = Object.fromEntries(saved.doors.map((door) => [door.door, door]));
    const before = Object.fromEntries(reports[i].doors.map((door) => [door.door, door]));
    const there = Object.fromEntries(reports[1 - i].doors.map((door) => [door.door, door]));
    for (const [door, { state }] of Object.entries(doors)) assert.equal(state, door === 'person' ? 'pending' : 'held', `${name}: ${door}`);
    assert.equal(doors.fingerprints.fields.mine, there.fingerprints.fields.seen);
    assert.equal(doors.fingerprints.fields.mine, there.fingerprints.fields.signaled);
    for (const field of ['dtls', 'cipher', 'srtp', 'group']) assert.equal(doors.media.fields[field], there.media.fields[field]);
    assert.equal(doors.media.fields.role, before.media.fields.role);
    assert.equal(doors.path.fields.kind, 'direct');
    assert.equal(doors.signaling.fields.chain.length, 2);
    assert.equal(doors.signaling.fields.chain[0].issuer, doors.signaling.fields.chain[1].subject);
    const text = JSON.stringify(saved);
    for (const secret of ['127.0.0.1', link.split('#')[1]]) assert.ok(!text.includes(secret), `the report tells ${secret}`);
  }
  const totals = one.events.find(({ event }) => event === 'totals');
  assert.ok(totals.sent > 100 && totals.received > 100, JSON.stringify(totals));
  assert.ok(totals.level > -30 && totals.level < 0, `the tone came back: ${totals.level} dBov`);
  assert.match(readFileSync(join(dir, 'one.ogg')).toString('latin1'), /^OggS[\s\S]*OpusHead/);
});

test('--answer takes callers one after another', async (t) => {
  const server = await Server.start(t);
  const link = await linkOf(server);
  const host = new Call(t, server, link, '--answer', '--echo');
  await host.reaches('waiting');
  for (let i = 0; i < 3; i++) {
    const guest = new Call(t, server, link, '--in', 'test', '--duration', '1');
    assert.equal(await guest.code(), 0, `caller ${i}`);
    await host.event('report', () => host.events.filter(({ event }) => event === 'report').length === i + 1);
  }
  host.child.kill('SIGTERM');
  assert.equal(await host.code(), 0);
});

test('wrong usage is 2, and says what is wrong', async () => {
  for (const [args, said] of [[[], /invitation link/], [['https://localhost:1/'], /no secret/], [['https://localhost:1/#abc'], /link/],
    [['http://localhost/#abc'], /https/], [['--duration', 'x', 'https://localhost/#a'], /seconds/], [['--nonsense'], /unrecognized/],
    [['--echo', '--in', 'test', 'https://localhost/#a'], /one of them/]]) {
    const { code, err } = await command(['call', ...args]);
    assert.equal(code, 2, args.join(' '));
    assert.match(err, said);
  }
});

test('a file that is not there, or not Opus, is 1 before anything is sent', async (t) => {
  const server = await Server.start(t);
  const link = await linkOf(server);
  const dir = folder(t);
  writeFileSync(join(dir, 'noise.ogg'), 'no sound at all');
  for (const file of [join(dir, 'absent.ogg'), join(dir, 'noise.ogg')]) {
    const { code, err } = await command(['call', '--ca', server.listening.ca, '--in', file, link]);
    assert.equal(code, 1);
    assert.ok(err.includes(file), err);
  }
});

test('a server that is not there is 3', async () => {
  const probe = createServer();
  await new Promise((ok) => probe.listen(0, '127.0.0.1', ok));
  const { port } = probe.address();
  await new Promise((ok) => probe.close(ok));
  const { out } = await command(['link', `https://localhost:${port}`]);
  const { code, err } = await command(['call', '--connect', '127.0.0.1', out.trim()]);
  assert.equal(code, 3);
  assert.match(err, /cannot be reached/);
});

test('attack 25: an impostor of each kind is 4, and hears nothing', async (t) => {
  const dir = folder(t);
  execFileSync(join(dirname(SOTTO), 'tests', 'make_impostors'), [dir, 'localhost']);
  const kinds = readFileSync(join(dir, 'kinds.tsv'), 'utf8').trim().split('\n').map((line) => line.split('\t'));
  for (const [kind, number, because] of kinds) {
    if (number === '0') continue;
    let said = 0;
    const server = https.createServer({ cert: readFileSync(join(dir, `${kind}.pem`)), key: readFileSync(join(dir, `${kind}.key`)) },
      (_, response) => { said++; response.end(); });
    server.on('upgrade', (_, socket) => { said++; socket.destroy(); });
    server.on('tlsClientError', () => {});
    await new Promise((ok) => server.listen(0, '127.0.0.1', ok));
    const { out } = await command(['link', `https://localhost:${server.address().port}`]);
    const { code, err } = await command(['call', '--ca', join(dir, 'ca.pem'), '--connect', '127.0.0.1', out.trim()]);
    server.closeAllConnections?.();
    server.close();
    assert.equal(code, 4, kind);
    assert.equal(said, 0, kind);
    assert.ok(err.includes(because), `${kind}: "${because}" is not in: ${err}`);
  }
});

test('without --ca the local CA is not trusted: 4', async (t) => {
  const server = await Server.start(t);
  const { code, err } = await command(['call', await linkOf(server)]);
  assert.equal(code, 4);
  assert.match(err, /--ca FILE/);
});

test('a room that is full is 5; so is a server that is none of Sotto’s', async (t) => {
  const server = await Server.start(t);
  const link = await linkOf(server);
  const invitation = await readLink(new URL(link).hash.slice(1));
  for (let i = 0; i < 2; i++) await (await server.client()).join(invitation.roomText);
  const { code, err } = await command(['call', '--ca', server.listening.ca, link]);
  assert.equal(code, 5);
  assert.match(err, /two people/);

  const dir = folder(t);
  execFileSync(SOTTO, ['ca', 'issue', 'localhost', '--out', dir, '--state', server.state]);
  const other = https.createServer({ cert: readFileSync(join(dir, 'server.pem')), key: readFileSync(join(dir, 'server.key')) },
    (_, response) => { response.statusCode = 404; response.end('nothing here'); });
  other.on('upgrade', (_, socket) => socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 12\r\n\r\nnothing here'));
  await new Promise((ok) => other.listen(0, '127.0.0.1', ok));
  const stranger = await command(['link', `https://localhost:${other.address().port}`]);
  const refused = await command(['call', '--ca', server.listening.ca, '--connect', '127.0.0.1', stranger.out.trim()]);
  other.closeAllConnections?.();
  other.close();
  assert.equal(refused.code, 5);
  assert.match(refused.err, /404/);
});

test('nobody came is 6', async (t) => {
  const server = await Server.start(t);
  const { code, err } = await command(['call', '--ca', server.listening.ca, '--wait', '1', await linkOf(server)]);
  assert.equal(code, 6);
  assert.match(err, /Nobody came/);

  const stopped = new Call(t, server, await linkOf(server));
  await stopped.reaches('waiting');
  stopped.child.kill('SIGINT');
  assert.equal(await stopped.code(), 6, 'stopped before anybody came');
});

test('a broken seal is 7, and says how it was broken', async (t) => {
  const server = await Server.start(t);
  const link = await linkOf(server);
  const call = new Call(t, server, link);
  await call.reaches('waiting');
  const peer = await Peer.join(server, link);
  await peer.epoch();
  const payload = await peer.seal.seal(KIND.state, { call: null, audio: false, video: false, screen: false, agent: 'native' });
  const bytes = Buffer.from(payload, 'base64url');
  bytes[bytes.length - 20] ^= 1;
  peer.deliver(bytes.toString('base64url'));
  assert.equal(await call.code(), 7);
  const { report } = call.events.find(({ event }) => event === 'report');
  assert.equal(report.verdict.door, 'seal');
  assert.equal(report.verdict.reason, 'altered');
});

for (const [what, change, exit, reason, door] of [
  ['no fingerprint', (sdp) => sdp.replace(/a=fingerprint.*\r\n/, ''), 8, 'fingerprint-missing', 'fingerprints'],
  ['a weak fingerprint only', (sdp) => sdp.replace(/sha-256 .*/, `sha-1 ${PRINT.slice(0, 59)}`), 8, 'fingerprint-weak', 'fingerprints'],
  ['two fingerprints', (sdp) => `${sdp}a=fingerprint:sha-256 ${PRINT.replace('00', 'FF')}\r\n`, 8, 'fingerprint-several', 'fingerprints'],
  ['keys in the open', (sdp) => `${sdp}a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${'A'.repeat(40)}\r\n`, 9, 'sdes', 'media'],
  ['media without DTLS', (sdp) => sdp.replace('UDP/TLS/RTP/SAVPF', 'RTP/AVP'), 9, 'profile', 'media'],
]) {
  test(`an offer with ${what} is ${exit}, and the other end is told`, async (t) => {
    const server = await Server.start(t);
    const link = await linkOf(server);
    const call = new Call(t, server, link, '--in', 'test');
    await call.reaches('waiting');
    const peer = await Peer.join(server, link);
    await peer.offers(change(OFFER));
    const { kind, value } = await peer.hears();
    assert.equal(kind, KIND.bye);
    assert.equal(value.reason, reason);
    assert.equal(await call.code(), exit);
    const { report } = call.events.find(({ event }) => event === 'report');
    assert.equal(report.verdict.reason, reason);
    assert.equal(report.verdict.door, door);
    assert.equal(call.events.find(({ event }) => event === 'totals').sent, 0, 'nothing of media left');
  });
}

/** Says to one end what the other said, until either is gone. @param {(value: any) => any} [change] */
async function carry(from, to, hashes, change = (value) => value) {
  for (;;) {
    const { kind, value, hash } = await from.hears();
    if (kind === KIND.bye) return;
    if (kind === KIND.offer) hashes.set(to, hash);
    if (kind !== undefined && kind !== KIND.state) await to.says(kind, change(value), kind === KIND.answer ? hashes.get(from) : undefined);
  }
}

test('another certificate in the handshake is 8, and 10 at the end that has it', async (t) => {
  // Somebody who has both links stands between the two, and tells one of them of another certificate.
  const server = await Server.start(t);
  const [one, two] = [await linkOf(server), await linkOf(server)];
  const a = await Peer.seat(server, one);
  const liar = new Call(t, server, one, '--in', 'test');
  const victim = new Call(t, server, two, '--in', 'test');
  await victim.reaches('waiting');
  const b = await Peer.join(server, two);
  await a.meets();
  await Promise.all([a.epoch(), b.epoch()]);
  for (const peer of [a, b]) await peer.says(KIND.state, { call: null, audio: true, video: false, screen: false, agent: 'native' });
  const hashes = new Map();
  const swap = (value) => (value.sdp ? { ...value, sdp: value.sdp.replaceAll(/a=fingerprint:sha-256 .*/g, `a=fingerprint:sha-256 ${PRINT}`) } : value);
  const carried = Promise.all([carry(a, b, hashes, swap), carry(b, a, hashes)]).catch(() => {});
  assert.deepEqual(await Promise.all([victim.code(), liar.code()]), [8, 10], `${JSON.stringify(liar.events)}`);
  for (const [call, reason] of [[victim, 'fingerprint-mismatch'], [liar, 'peer-refused']]) {
    const { report } = call.events.find(({ event }) => event === 'report');
    assert.equal(report.verdict.reason, reason);
    assert.equal(call.events.find(({ event }) => event === 'totals').sent, 0, 'nothing of media left');
  }
  void carried;
});

test('no path is 9, after half a minute of looking for one', async (t) => {
  const server = await Server.start(t);
  const link = await linkOf(server);
  const call = new Call(t, server, link);
  await call.reaches('waiting');
  const peer = await Peer.join(server, link);
  await peer.offers(OFFER); // and no candidate ever comes
  assert.equal(await call.code(), 9);
  const { report } = call.events.find(({ event }) => event === 'report');
  assert.equal(report.verdict.reason, 'no-path');
  assert.equal(report.verdict.door, 'path');
});

test('who answers callers and is stopped between them keeps the report of the last one', async (t) => {
  const server = await Server.start(t);
  const link = await linkOf(server);
  const saved = join(folder(t), 'report.json');
  const answer = new Call(t, server, link, '--answer', '--echo', '--report', saved);
  await answer.reaches('waiting');
  const caller = new Call(t, server, link, '--in', 'test', '--duration', '1');
  assert.equal(await caller.code(), 0);
  const waits = () => answer.events.filter(({ event, state }) => event === 'state' && state === 'waiting').length;
  await answer.event('state', ({ state }) => state === 'waiting' && waits() === 2);
  answer.child.kill('SIGTERM');
  assert.equal(await answer.code(), 0);
  const { verdict, doors } = JSON.parse(readFileSync(saved, 'utf8')).report;
  assert.equal(verdict.detail, 'It was encrypted end to end and verified to its end.');
  for (const { door, state } of doors) assert.equal(state, door === 'person' ? 'pending' : 'held', door);
});

test('an end that finds something wrong and says so is 10', async (t) => {
  const server = await Server.start(t);
  const link = await linkOf(server);
  const call = new Call(t, server, link);
  await call.reaches('waiting');
  const peer = await Peer.join(server, link);
  await peer.epoch();
  await peer.says(KIND.state, { call: null, audio: false, video: false, screen: false, agent: 'native' });
  await peer.says(KIND.bye, { reason: 'fingerprint-mismatch' });
  assert.equal(await call.code(), 10);
  assert.match(JSON.stringify(call.events), /fingerprint-mismatch/);
});

test('the link is not in the process list, and can come on standard input', async (t) => {
  const server = await Server.start(t);
  const link = await linkOf(server);
  const call = new Call(t, server, link);
  await call.reaches('waiting');
  if (existsSync(`/proc/${call.child.pid}/cmdline`)) {
    assert.ok(!readFileSync(`/proc/${call.child.pid}/cmdline`, 'utf8').includes(link.split('#')[1]));
  }
  const piped = spawn(SOTTO, ['call', '--json', '--loopback', '--ca', server.listening.ca, '--duration', '1', '-'], { stdio: ['pipe', 'pipe', 'pipe'] });
  piped.stdin.end(`${link}\n`);
  assert.equal(await within(new Promise((done) => piped.on('close', done)), 'the piped call'), 0);
  assert.equal(await call.code(), 0);
});
