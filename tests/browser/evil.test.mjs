// A server that has a trusted certificate and no link: what it does to envelopes is found out, and no media leaves.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, test } from 'node:test';
import { Capture } from './capture.mjs';
import { Evil, forgeHello, forgeSealed } from './evil.mjs';
import { ADDRESS, PATIENT, World } from './harness.mjs';
import { bothReceive, call, hangUp, panelsAgree } from './pairs.mjs';

const world = new World();
let evil, capture, seats;
/** Envelopes of a call that was, under the same link as the one that is tried. */
let earlier, link;

before(async () => {
  evil = await Evil.start(world);
  capture = await Capture.start(world);
  const [chromium, firefox] = [await world.chromium(evil.server), await world.firefox(evil.server)];
  seats = { Chromium: await chromium.visitor('Chromium'), Firefox: await firefox.visitor('Firefox') };
}, PATIENT);
after(() => world.close());

/** @param {Buffer} bytes @param {number} at negative: from the end @param {number} [bit] @returns {string} */
function flipped(bytes, at, bit = 1) {
  const copy = Buffer.from(bytes);
  copy[at < 0 ? copy.length + at : at] ^= bit;
  return copy.toString('base64url');
}

/** Applies a deed to the first envelope of a kind only. @param {string} end @param {string} kind @param {Function} deed */
function once(end, kind, deed) {
  let done = false;
  return (envelope) => {
    if (done || envelope.end !== end || envelope.kind !== kind) return undefined;
    done = true;
    return deed(envelope);
  };
}

/** Keeps an envelope back until the next of the same end has gone. @param {string} end @param {string} kind */
function later(end, kind) {
  let held = null;
  return (envelope) => {
    if (envelope.end !== end) return undefined;
    if (envelope.kind === kind && held === null) {
      held = envelope.payload;
      return [];
    }
    if (!held) return undefined;
    const both = [envelope.payload, held];
    held = '';
    return both;
  };
}

/** Also keeps back the answer and all after it: what comes after the offer is looked at before there can be a connection. */
function unanswered(scheme) {
  return (envelope) => (envelope.end === 'first' && /answer|candidate/.test(envelope.kind) ? [] : scheme(envelope));
}

const sid = (envelope) => envelope.bytes.subarray(2, 18);
const ownSdp = JSON.stringify({ type: 'offer', sdp: `v=0\r\no=- 1 1 IN IP4 ${ADDRESS}\r\n` });

/** Each: what the server does, who must notice, and how the page calls it. The opener ('last') speaks first. */
const attacks = [
  ['alters one bit of a state', 'first', 'altered', () => once('last', 'state', ({ bytes }) => [flipped(bytes, 30)])],
  ['alters one bit of an offer', 'first', 'altered', () => once('last', 'offer', ({ bytes }) => [flipped(bytes, 400, 128)])],
  ['alters one bit of an answer', 'last', 'altered', () => once('first', 'answer', ({ bytes }) => [flipped(bytes, 400)])],
  ['alters one bit of a candidate', 'first', 'altered', () =>
    unanswered(once('last', 'candidate', ({ bytes }) => [flipped(bytes, 30)]))],
  ['alters one bit of a tag', 'first', 'altered', () => once('last', 'offer', ({ bytes }) => [flipped(bytes, -1)])],
  ['turns a candidate into a farewell', 'first', 'altered', () =>
    unanswered(once('last', 'candidate', ({ bytes }) => [flipped(bytes, 1, 3 ^ 4)]))],
  ['replays an offer', 'first', 'replayed', () => once('last', 'offer', ({ payload }) => [payload, payload])],
  ['replays a state', 'last', 'replayed', () => once('first', 'state', ({ payload }) => [payload, payload])],
  ['drops an offer', 'first', 'gap', () => once('last', 'offer', () => [])],
  ['drops a state', 'first', 'gap', () => once('last', 'state', () => [])],
  ['swaps the order of state and offer', 'first', 'gap', () => later('last', 'state')],
  ['swaps the order of answer and candidate', 'last', 'gap', () => later('first', 'answer')],
  ['reflects a hello', 'last', 'reflected', () => once('last', 'hello', ({ payload }) => void evil.tell('last', payload))],
  ['reflects an offer', 'last', 'reflected', () => once('last', 'offer', ({ payload }) => void evil.tell('last', payload))],
  ['reflects an answer', 'first', 'reflected', () => once('first', 'answer', ({ payload }) => {
    evil.tell('first', payload);
    return [];
  })],
  ['says the answer is to an offer of another call', 'last', 'spliced', () => once('first', 'answer', ({ bytes }) => {
    const old = earlier.find(({ kind }) => kind === 'answer').bytes;
    return [Buffer.concat([bytes.subarray(0, 26), old.subarray(26, 58), bytes.subarray(58)]).toString('base64url')];
  })],
  ['puts the answer of an earlier call under the head of this one', 'last', 'altered', () => once('first', 'answer', ({ bytes }) => {
    const old = earlier.find(({ kind }) => kind === 'answer').bytes;
    return [Buffer.concat([bytes.subarray(0, 58), old.subarray(58)]).toString('base64url')];
  })],
  ['puts the offer of an earlier call under the head of this one', 'first', 'altered', () => once('last', 'offer', ({ bytes }) => {
    const old = earlier.find(({ kind }) => kind === 'offer').bytes;
    return [Buffer.concat([bytes.subarray(0, 26), old.subarray(26)]).toString('base64url')];
  })],
  ['forges the hello and the state of an opener', 'first', 'altered', () => once('last', 'hello', () => {
    const forged = randomBytes(16);
    return [forgeHello(forged), forgeSealed(0, forged, 0n, '{"call":null}')];
  })],
  ['forges the hello and the state of an answerer', 'last', 'altered', () => once('first', 'hello', (envelope) => {
    const forged = randomBytes(16);
    return [forgeHello(forged, Buffer.from(envelope.re, 'hex')), forgeSealed(0, forged, 0n, '{"call":null}')];
  })],
  ['sends a sealed message in place of the hello', 'first', 'no-epoch', () => once('last', 'hello', () =>
    [forgeSealed(1, randomBytes(16), 0n, ownSdp)])],
  ['sends a hello of another version', 'first', 'malformed', () => once('last', 'hello', ({ bytes }) => [flipped(bytes, 1, 3)])],
  ['sends a message of no known type', 'last', 'malformed', () => once('first', 'state', ({ bytes }) => [flipped(bytes, 0, 4)])],
  ['sends an offer of its own in the open', 'first', 'malformed', () => once('last', 'offer', () =>
    [Buffer.from(ownSdp).toString('base64url')])],
  ['sends an offer of its own, with its own fingerprint, under a key of its own', 'first', 'altered', () =>
    once('last', 'offer', (envelope) => [forgeSealed(1, sid(envelope), envelope.counter, ownSdp)])],
  ['sends an answer of its own, with its own fingerprint, under a key of its own', 'last', 'spliced', () =>
    once('first', 'answer', (envelope) => [forgeSealed(2, sid(envelope), envelope.counter, ownSdp)])],
  ['sends a candidate of its own under a key of its own', 'first', 'altered', () => unanswered(once('last', 'candidate', (envelope) =>
    [forgeSealed(3, sid(envelope), envelope.counter, `{"candidate":"candidate:1 1 udp 1 ${ADDRESS} 9 typ host"}`)]))],
];

/** Both leave, whatever became of them, so that one fault is one failed test. */
async function startOver() {
  evil.play();
  for (const visitor of Object.values(seats)) await visitor.startOver();
}

/** @param {string} first who waits @param {string} last who joins */
async function refused(first, last, victim, reason, scheme) {
  const [a, b] = [seats[first], seats[last]];
  const [hurt, other] = victim === 'first' ? [a, b] : [b, a];
  const mark = await capture.mark();
  evil.play(scheme);
  await a.join(link);
  await a.reaches('waiting');
  await b.join(link);
  await hurt.reaches(`failed seal-${reason}`);
  const panel = await hurt.panel();
  assert.equal(panel.verdict, 'failed');
  assert.equal(panel.doors.seal.state, 'failed');
  assert.match(panel.doors.seal.reason, new RegExp(`(^|-)${reason}$`));
  assert.match(panel.text, /^Seal: /);
  assert.ok(panel.over && panel.doors.seal.fields.fault, 'in words for a person');
  // The other end meets silence, or finds out by itself; a call it is not.
  await other.until('is in no call', async () => /^(waiting|failed)/.test(await other.state()));
  for (const visitor of [a, b]) {
    await visitor.sentNothing();
    assert.deepEqual((await visitor.did()).violations, []);
  }
  await capture.mark();
  assert.deepEqual(capture.since(mark, 'rtp', 'rtcp'), [], 'media packets on the wire');
}

afterEach(startOver, PATIENT);

test('an honest call through the same proxy works', PATIENT, async () => {
  link = await evil.server.link();
  const mark = await capture.mark();
  evil.play();
  const [a, b] = [seats.Chromium, seats.Firefox];
  await call(a, b, link);
  await bothReceive(a, b);
  await panelsAgree(a, b);
  // A call that is in order may end before it has sent many packets, so the capture is what is waited for.
  await a.until('sends media that the capture sees', () => capture.since(mark, 'rtp').length > 100);
  await hangUp(a, b);
  earlier = evil.said;
  for (const visitor of [a, b]) {
    const did = await visitor.did();
    assert.ok(did.attached >= 2 && did.packetsSent > 0, 'and so do the counters');
  }
});

// Each browser is the one that must notice in about half of them, and in all of the worst.
for (const [i, [what, victim, reason, scheme]] of attacks.entries()) {
  const [first, last] = i % 2 ? ['Firefox', 'Chromium'] : ['Chromium', 'Firefox'];
  const hurt = victim === 'first' ? first : last;
  test(`the server ${what}: ${hurt} refuses (${reason})`, PATIENT, () => refused(first, last, victim, reason, scheme()));
}

test('envelopes of an earlier call of the same link are stale: counted, and of no effect', PATIENT, async () => {
  const [a, b] = [seats.Firefox, seats.Chromium];
  const old = earlier.filter(({ kind }) => kind !== 'hello').map(({ payload }) => payload);
  evil.play(once('last', 'offer', ({ payload }) => [...old, payload]));
  await call(a, b, link);
  const panels = await panelsAgree(a, b);
  assert.equal(panels[0].doors.seal.fields.stale, String(old.length), 'while the call was set up');
  assert.equal(panels[1].doors.seal.fields.stale, '0');

  for (const payload of old) evil.tell('last', payload);
  await b.until('has counted them', async () => (await b.panel()).doors.seal.fields.stale === String(old.length));
  await bothReceive(a, b);
  await panelsAgree(a, b);
  await hangUp(b, a);
  for (const visitor of [a, b]) await visitor.isClean(evil.url);
});

test('hellos that a server forges in mid-call gain it nothing: the call goes on', PATIENT, async () => {
  const [a, b] = [seats.Chromium, seats.Firefox];
  evil.play();
  await call(a, b, link);
  const before = await panelsAgree(a, b);
  const said = evil.said.length;
  evil.tell('first', forgeHello());
  evil.tell('last', forgeHello(randomBytes(16), randomBytes(16)));
  // The answer and a state under keys that need the link; nothing else is said in an epoch with nobody at the other end.
  await a.until('answers', () => evil.said.slice(said).filter(({ end }) => end === 'first').length >= 2);
  await b.until('has counted', async () => Number((await b.panel()).doors.seal.fields.stale) > 0);
  await bothReceive(a, b);
  assert.deepEqual(evil.said.slice(said).filter(({ end }) => end === 'first').map(({ kind }) => kind), ['hello', 'state']);

  // Any resume heals it.
  evil.cut('last');
  for (const visitor of [a, b]) {
    await visitor.until('is in a new epoch', async () => (await visitor.panel()).doors.seal.fields.epoch === '2');
  }
  await bothReceive(a, b);
  const now = await panelsAgree(a, b);
  assert.equal(now[0].doors.fingerprints.fields.seen, before[0].doors.fingerprints.fields.seen);
  await hangUp(a, b);
});
