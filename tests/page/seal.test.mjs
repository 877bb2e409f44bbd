// web/seal.js and web/link.js against tests/vectors/seal.json, and every refusal by its name.

import './browser.mjs';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fromBase64url, toBase64url } from '../../web/bytes.js';
import { linkText, newLink, readLink } from '../../web/link.js';
import { KIND, Seal, SealError } from '../../web/seal.js';

const vectors = JSON.parse(readFileSync(new URL('../vectors/seal.json', import.meta.url), 'utf8'));
const hex = (text) => new Uint8Array(Buffer.from(text, 'hex'));
const state = { call: null, audio: true, video: false, screen: false, agent: 'page' };

/** Two ends with the sids of the vectors, or random ones. */
async function ends({ fixed = false } = {}) {
  const invitation = await readLink(vectors.link);
  const only = (text) => (fixed ? () => hex(text) : undefined);
  return {
    opener: new Seal(invitation.key, invitation.room, only(vectors.opener_sid)),
    answerer: new Seal(invitation.key, invitation.room, only(vectors.answerer_sid)),
  };
}

async function epoch(options) {
  const both = await ends(options);
  const hello = await both.opener.hello();
  const answer = await both.answerer.open(hello);
  const begun = await both.opener.open(answer.reply);
  return { ...both, hello, reply: answer.reply, callIds: [answer.callId, begun.callId], roles: [answer.role, begun.role] };
}

/** An epoch in which both have said their state. */
async function running(options) {
  const both = await epoch(options);
  await both.answerer.open(await both.opener.seal(KIND.state, state));
  await both.opener.open(await both.answerer.seal(KIND.state, state));
  return both;
}

const refusal = (reason) => (error) => error instanceof SealError && error.reason === reason;

/** @param {string} payload @param {(bytes: Uint8Array) => void} change */
function changed(payload, change) {
  const bytes = fromBase64url(payload);
  change(bytes);
  return toBase64url(bytes);
}

test('the link of the vectors gives their room', async () => {
  const invitation = await readLink(vectors.link);
  assert.equal(invitation.roomText, vectors.room_text);
  assert.deepEqual(invitation.room, hex(vectors.room));
  assert.equal(invitation.key.extractable, false);
  assert.equal(await linkText(hex(vectors.secret)), vectors.link);
});

test('damaged links are refused, new ones are whole and differ', async () => {
  for (const bad of vectors.bad_links) assert.equal(await readLink(bad), null, JSON.stringify(bad));
  for (const bad of [` ${vectors.link}`, `${vectors.link}=`, vectors.link.toLowerCase()]) assert.equal(await readLink(bad), null);
  const [one, two] = [await newLink(), await newLink()];
  assert.notEqual(one, two);
  assert.ok(await readLink(one));
});

test('hellos, call id and sealed messages are those of the vectors, byte for byte', async () => {
  const { opener, answerer, hello, reply, callIds, roles } = await epoch({ fixed: true });
  assert.equal(hello, vectors.opener_hello);
  assert.equal(reply, vectors.answerer_hello);
  assert.deepEqual(callIds, [vectors.call_id, vectors.call_id]);
  assert.deepEqual(roles, ['answerer', 'opener']);
  let offerHash;
  for (const { from, kind, text, payload } of vectors.messages) {
    const [sender, receiver] = from === 'opener' ? [opener, answerer] : [answerer, opener];
    assert.equal(await sender.seal(kind, JSON.parse(text), offerHash), payload);
    const opened = await receiver.open(payload);
    assert.equal(opened.kind, kind);
    assert.deepEqual(opened.value, JSON.parse(text));
    if (kind === KIND.offer) offerHash = opened.hash;
  }
  assert.deepEqual([opener.sealed, opener.opened, answerer.sealed, answerer.opened], [4, 2, 2, 4]);
});

test('operations that are started together keep their order', async () => {
  const { opener, answerer } = await running();
  const sealed = await Promise.all(Array.from({ length: 50 }, (_, i) => opener.seal(KIND.candidate, { candidate: String(i) })));
  const opened = await Promise.all(sealed.map((payload) => answerer.open(payload)));
  assert.deepEqual(opened.map(({ value }) => value.candidate), sealed.map((_, i) => String(i)));
});

test('malformed', async () => {
  const bad = ['', 'A', '====', 'AB', 'Aw', 'AA', vectors.opener_hello.slice(0, -2), `${vectors.opener_hello}AA`,
    changed(vectors.opener_hello, (bytes) => { bytes[1] = 2; }),
    toBase64url(new Uint8Array(41).fill(2)), 7, null, undefined];
  for (const payload of bad) {
    const { answerer } = await running();
    await assert.rejects(answerer.open(payload), refusal('malformed'), String(payload));
  }
  for (const kind of [5, 255]) {
    const { opener, answerer } = await running();
    const payload = changed(await opener.seal(KIND.candidate, {}), (bytes) => { bytes[1] = kind; });
    await assert.rejects(answerer.open(payload), refusal('malformed'));
  }
  const { opener, answerer } = await running();
  await assert.rejects(answerer.open(await opener.seal(KIND.state, [])), refusal('malformed'));
});

test('malformed: anything but state comes first', async () => {
  const { opener, answerer } = await epoch();
  await assert.rejects(answerer.open(await opener.seal(KIND.candidate, { candidate: '' })), refusal('malformed'));
});

test('no-epoch', async () => {
  const { answerer } = await ends();
  await assert.rejects(answerer.open(vectors.messages[0].payload), refusal('no-epoch'));
});

test('no-epoch is stale where an earlier epoch existed: it was on its way when the seat was taken again', async () => {
  const { answerer } = await ends();
  await answerer.forget(true);
  assert.deepEqual(await answerer.open(vectors.messages[0].payload), { type: 'stale' });
  const { opener, answerer: other } = await running();
  const late = await opener.seal(KIND.candidate, {});
  await other.forget();
  assert.deepEqual(await other.open(late), { type: 'stale' });
});

test('stale is counted and changes nothing', async () => {
  const { opener, answerer, reply } = await running();
  assert.deepEqual(await answerer.open(vectors.messages[0].payload), { type: 'stale' });
  assert.deepEqual(await opener.open(reply), { type: 'stale' }, 'a second hello to the same sid');
  assert.deepEqual(await opener.open(vectors.answerer_hello), { type: 'stale' }, 'a hello to another sid');
  assert.deepEqual([opener.stale, answerer.stale], [2, 1]);
  const opened = await answerer.open(await opener.seal(KIND.candidate, { candidate: '' }));
  assert.equal(opened.type, 'message');
});

test('reflected', async () => {
  const { opener } = await running();
  await assert.rejects(opener.open(await opener.seal(KIND.candidate, {})), refusal('reflected'));
  const both = await ends();
  await assert.rejects(both.opener.open(await both.opener.hello()), refusal('reflected'));
  const later = await epoch();
  await assert.rejects(later.answerer.open(later.reply), refusal('reflected'));
});

test('replayed', async () => {
  const { opener, answerer } = await running();
  const payload = await opener.seal(KIND.candidate, {});
  await answerer.open(payload);
  await assert.rejects(answerer.open(payload), refusal('replayed'));
});

test('gap', async () => {
  const { opener, answerer } = await running();
  await opener.seal(KIND.candidate, {});
  await assert.rejects(answerer.open(await opener.seal(KIND.candidate, {})), refusal('gap'));
  const huge = await running();
  const payload = changed(await huge.opener.seal(KIND.candidate, {}), (bytes) => bytes.fill(255, 18, 26));
  await assert.rejects(huge.answerer.open(payload), refusal('gap'));
});

test('spliced', async () => {
  const none = await running();
  const unasked = await none.answerer.seal(KIND.answer, { type: 'answer', sdp: '' }, new Uint8Array(32));
  await assert.rejects(none.opener.open(unasked), refusal('spliced'));
  const { opener, answerer } = await running();
  const first = await answerer.open(await opener.seal(KIND.offer, { type: 'offer', sdp: '1' }));
  await answerer.open(await opener.seal(KIND.offer, { type: 'offer', sdp: '2' }));
  const old = await answerer.seal(KIND.answer, { type: 'answer', sdp: '' }, first.hash);
  await assert.rejects(opener.open(old), refusal('spliced'));
});

test('altered: any bit of kind, offer hash, text or tag', async () => {
  for (const at of [-1, -17, 1]) {
    const { opener, answerer } = await running();
    const payload = changed(await opener.seal(KIND.candidate, { candidate: 'x' }), (bytes) => {
      bytes[at < 0 ? bytes.length + at : at] ^= 1;
      if (at === 1) bytes[1] = KIND.bye;
    });
    await assert.rejects(answerer.open(payload), refusal('altered'));
  }
  const other = await readLink(await newLink());
  const { opener } = await ends();
  const stranger = new Seal(other.key, other.room);
  const answer = await stranger.open(await opener.hello());
  await opener.open(answer.reply);
  await assert.rejects(opener.open(await stranger.seal(KIND.state, state)), refusal('altered'));
});

test('a broken epoch seals and opens nothing more', async () => {
  const { opener, answerer } = await running();
  const payload = await opener.seal(KIND.candidate, {});
  await answerer.open(payload);
  await assert.rejects(answerer.open(payload), refusal('replayed'));
  assert.equal(await answerer.seal(KIND.bye, { reason: 'hangup' }), null);
  assert.equal((await answerer.open(await opener.seal(KIND.candidate, {}))).type, 'stale');
});

test('a sid takes part in one epoch: the same hello twice gives two answers and two keys', async () => {
  const { answerer } = await ends();
  const [one, two] = [await answerer.open(vectors.opener_hello), await answerer.open(vectors.opener_hello)];
  assert.notEqual(one.reply, two.reply);
  assert.notEqual(one.callId, two.callId);
});

test('what was meant for an epoch that is over is not sealed in the next', async () => {
  const { opener, answerer } = await running();
  const late = opener.hello().then((hello) => answerer.open(hello));
  assert.equal(await opener.seal(KIND.candidate, {}), null);
  assert.equal((await late).type, 'epoch');
});

test('base64url is strict', () => {
  for (const bad of ['A', 'AB', 'AAB', 'AA==', 'A A', 'A+', 'A/', 'é', 'AAAA\n']) assert.equal(fromBase64url(bad), null, bad);
  for (let length = 0; length < 70; length++) {
    const bytes = crypto.getRandomValues(new Uint8Array(length));
    assert.equal(toBase64url(bytes), Buffer.from(bytes).toString('base64url'));
    assert.deepEqual(fromBase64url(toBase64url(bytes)), bytes);
  }
});
