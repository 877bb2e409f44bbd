// A thief of the link who also runs the server can read and rewrite what is sealed. What is left is the fingerprint door:
// the certificate in the handshake is not the one that the description named, and nothing is sent.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { after, afterEach, before, test } from 'node:test';
import { Capture, kindOf } from './capture.mjs';
import { Evil } from './evil.mjs';
import { ADDRESS, PATIENT, World } from './harness.mjs';
import { bothReceive, call, hangUp, panelsAgree } from './pairs.mjs';
import { Thief } from './thief.mjs';

const world = new World();
let evil, capture, seats, link, thief;

before(async () => {
  evil = await Evil.start(world);
  capture = await Capture.start(world);
  const [chromium, firefox] = [await world.chromium(evil.server), await world.firefox(evil.server)];
  seats = { Chromium: await chromium.visitor('Chromium'), Firefox: await firefox.visitor('Firefox') };
}, PATIENT);
after(() => world.close());
afterEach(async () => {
  evil.play();
  for (const visitor of Object.values(seats)) await visitor.startOver();
}, PATIENT);

/** A scheme that rewrites the content of some messages. @param {(envelope: object, value: any) => any} rewrite nothing: as it was */
async function steal(rewrite) {
  link = await evil.server.link();
  thief = new Thief(link);
  evil.play((envelope) => {
    thief.listen(envelope);
    if (envelope.counter === undefined) return undefined;
    const value = rewrite(envelope, thief.open(envelope)) ?? thief.open(envelope);
    // What did not change is sealed anew as well, since an answer names the offer.
    return [thief.reseal(envelope, value)];
  });
}

const pairs = (bytes) => bytes.toString('hex').toUpperCase().match(/../g).join(':');
const PRINT = /a=fingerprint:[^\r\n]*/g;

/** @param {string} end whose descriptions @param {string} kind @param {(sdp: string) => string} edit */
function description(end, kind, edit) {
  return (envelope, value) => (envelope.end === end && envelope.kind === kind ? { ...value, sdp: edit(value.sdp) } : undefined);
}

const swapped = (sdp) => sdp.replace(PRINT, `a=fingerprint:sha-256 ${pairs(randomBytes(32))}`);

test('the thief can rewrite descriptions, and a rewrite that changes nothing goes unseen', PATIENT, async () => {
  const read = [];
  await steal((envelope, value) => void read.push(`${envelope.end} ${envelope.kind} ${value.type ?? ''}`));
  const [a, b] = [seats.Chromium, seats.Firefox];
  await call(a, b, link);
  await bothReceive(a, b);
  await panelsAgree(a, b);
  for (const kind of ['last state ', 'last offer offer', 'first answer answer']) assert.ok(read.includes(kind), kind);
  await hangUp(a, b);
});

for (const [victim, liar, kind] of [['first', 'last', 'offer'], ['last', 'first', 'answer']]) {
  for (const [first, last] of [['Chromium', 'Firefox'], ['Firefox', 'Chromium']]) {
    const hurt = victim === 'first' ? first : last;
    test(`the thief swaps the fingerprint of the ${kind}: ${hurt} refuses the certificate`, PATIENT, async () => {
      const mark = await capture.mark();
      await steal(description(liar, kind, swapped));
      const [a, b] = [seats[first], seats[last]];
      await a.join(link);
      await a.reaches('waiting');
      await b.join(link);
      const [one, other] = victim === 'first' ? [a, b] : [b, a];
      // Both browsers make the comparison themselves as well, within the handshake, and then show no certificate to the
      // page: what it can say is that the handshake failed, and that this may be why. Which of the two says so first, and
      // which is told by the other, is chance.
      const states = await Promise.all([one, other].map((visitor) => visitor.until('refuses', async () =>
        (await visitor.state()).match(/^failed (fingerprint-mismatch|dtls-failed|peer-refused)$/)?.[0])));
      assert.ok(states.some((state) => state !== 'failed peer-refused'), states.join());
      const { verdict, doors } = await one.panel();
      assert.equal(verdict, 'failed');
      assert.notEqual(doors.fingerprints.state, 'held');
      if (states[0] === 'failed dtls-failed') assert.match(doors.media.fields.fault + doors.fingerprints.fields.fault, /certificate/);
      await one.sentNothing();
      await capture.mark();
      // The other end was not lied to: it saw the certificate that it was promised, and may hold the call for good until
      // it is told. From the one that was, nothing comes.
      const { ports } = await one.did();
      assert.ok(ports.length > 0);
      const from = capture.since(mark, 'rtp', 'rtcp').map((packet) => Number(packet.from.split(':').at(-1)));
      assert.deepEqual(from.filter((port) => ports.includes(port)), [], 'media packets of the one that was lied to');
      if (kind === 'offer') await other.sentNothing();
    });
  }
}

/** Each: what is rewritten, who must notice, the door, and how the page calls it. */
const cases = [
  ['offer, to name a second fingerprint', 'first', 'fingerprints', 'fingerprint-several', description('last', 'offer', (sdp) =>
    sdp.replace(PRINT, (line) => `${line}\r\na=fingerprint:sha-256 ${pairs(randomBytes(32))}`))],
  ['offer, to name a weak fingerprint only', 'first', 'fingerprints', 'fingerprint-weak', description('last', 'offer', (sdp) =>
    sdp.replace(PRINT, `a=fingerprint:sha-1 ${pairs(randomBytes(20))}`))],
  ['answer, to name no fingerprint', 'last', 'fingerprints', 'fingerprint-missing', description('first', 'answer', (sdp) =>
    sdp.replace(/a=fingerprint:[^\r\n]*\r\n/g, ''))],
  ['offer, to carry keys in the open', 'first', 'media', 'sdes', description('last', 'offer', (sdp) =>
    `${sdp}a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${randomBytes(30).toString('base64')}\r\n`)],
  ['answer, to media without DTLS', 'last', 'media', 'profile', description('first', 'answer', (sdp) =>
    sdp.replaceAll('UDP/TLS/RTP/SAVPF', 'RTP/AVP'))],
];

for (const [what, victim, door, reason, rewrite] of cases) {
  for (const [first, last] of [['Chromium', 'Firefox'], ['Firefox', 'Chromium']]) {
    const hurt = victim === 'first' ? first : last;
    test(`the thief rewrites the ${what}: ${hurt} refuses (${reason})`, PATIENT, async () => {
      const mark = await capture.mark();
      await steal(rewrite);
      const [a, b] = [seats[first], seats[last]];
      await a.join(link);
      await a.reaches('waiting');
      await b.join(link);
      const [one, other] = victim === 'first' ? [a, b] : [b, a];
      await one.reaches(`failed ${reason}`);
      const panel = await one.panel();
      assert.equal(panel.verdict, 'failed');
      assert.equal(panel.doors[door].state, 'failed');
      assert.equal(panel.doors[door].reason, reason);
      // The seal still stands between the two ends, so the one that was not lied to is told.
      await other.reaches('failed peer-refused');
      for (const visitor of [a, b]) {
        await visitor.sentNothing();
        assert.deepEqual((await visitor.did()).violations, []);
      }
      await capture.mark();
      assert.deepEqual(capture.since(mark, 'rtp'), [], 'media packets on the wire');
    });
  }
}

test('another fingerprint in mid-call ends the call', PATIENT, async () => {
  let calm = true;
  await steal((envelope, value) => {
    if (!calm && envelope.kind === 'offer') return { ...value, sdp: swapped(value.sdp) };
    return undefined;
  });
  const [a, b] = [seats.Firefox, seats.Chromium];
  await call(a, b, link);
  await bothReceive(a, b);
  calm = false;
  evil.cut('last');
  await a.reaches('failed fingerprint-changed');
  await b.reaches('failed peer-refused');
  for (const visitor of [a, b]) {
    assert.equal((await visitor.panel()).doors.fingerprints.state, visitor === a ? 'failed' : 'held');
    assert.ok(await visitor.page.evaluate(() => globalThis.sottoSpy.peers.every(({ signalingState }) => signalingState === 'closed')));
  }
});

test('swapped candidates lead packets to the thief, who gets nothing but checks of the path', PATIENT, async () => {
  const socket = createSocket('udp4');
  await new Promise((done) => socket.bind(0, ADDRESS, done));
  const got = [];
  let held = [];
  socket.on('message', (data) => {
    got.push({ proto: 'udp', data });
    for (const payload of held ?? []) evil.tell('first', payload);
    held = null;
  });
  const mine = `candidate:7 1 udp 2122260223 ${ADDRESS} ${socket.address().port} typ host`;
  await steal((envelope, value) => (envelope.end === 'first' && envelope.kind === 'candidate' && value.candidate
    ? { ...value, candidate: mine } : undefined));
  // The end that was lied to must try the thief's candidate first, so the other one hears of no path until it has.
  const rewrite = evil.scheme;
  evil.scheme = (envelope) => {
    const payloads = rewrite(envelope) ?? [envelope.payload];
    if (!held || envelope.end !== 'last' || (held.length === 0 && envelope.kind !== 'candidate')) return payloads;
    held.push(...payloads);
    return [];
  };
  const [a, b] = [seats.Chromium, seats.Firefox];
  await call(a, b, link);
  await bothReceive(a, b);
  await panelsAgree(a, b);
  assert.ok(got.length > 0, 'the candidate of the thief was tried');
  await hangUp(a, b);
  assert.deepEqual([...new Set(got.map(kindOf))], ['stun']);
  socket.close();
});
