// web/trust.js: who is let in, when, and what ends a call; two ends in one process, with a clock that the test turns.

import './browser.mjs';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { identityOf, introduce, newKey } from '../../web/introduction.js';
import { met, remember, takeKey } from '../../web/known.js';
import { Trust } from '../../web/trust.js';

const T = Date.UTC(2026, 10, 24);
const LINK = 'l'.repeat(21) + 'A';
const filled = (length, value) => new Uint8Array(length).fill(value);
const fingerprints = [filled(32, 1), filled(32, 2)];
const sids = [filled(16, 3), filled(16, 4)];
const person = async () => identityOf(await newKey());
const vectors = JSON.parse(readFileSync(new URL('../vectors/trust.json', import.meta.url), 'utf8'));
const bytes = (hex) => new Uint8Array(Buffer.from(hex, 'hex'));

/** All that is under way at these ends, and what comes of it, has been done. No message is answered more than thrice. */
const settled = async (...ends) => {
  for (let i = 0; i < 8; i++) for (const { trust } of ends) await trust.idle;
};

/** One end, what it said, and what became of it. */
function end(client, identity, { pins = [], named = null, admitted = new Set(), ends = { fingerprints, sids }, rules } = {}) {
  const one = { sent: [], failed: null, admits: 0, pins, late: [] };
  const company = { identity: Promise.resolve(identity), people: async () => one.pins, link: Promise.resolve(LINK), named, admitted };
  one.trust = new Trust({ client, ...ends }, company, {
    send: (message) => {
      one.sent.push(message);
      one.other?.trust.take(message);
    },
    fail: (code) => { one.failed = code; },
    changed() {},
    admit: () => one.admits++,
  }, { now: () => T, after: (ms, work) => void one.late.push([ms, work]) }, rules && (() => ({ compare: false, known_only: false, ...rules })));
  return one;
}

/** What the end waits for does not come. */
async function wait(one) {
  const [[ms, work]] = one.late;
  assert.equal(ms, 10000);
  work();
  await settled(one);
}

/** Two ends that hear each other. */
async function pair(a, b) {
  Object.assign(a, { other: b });
  Object.assign(b, { other: a });
  a.trust.begin();
  b.trust.begin();
  await settled(a, b);
}

const pin = (name, { thumbprint }, links = [LINK]) => ({ name, key: thumbprint, since: '2026-01-01T00:00:00Z', compared: null, links });
const standing = ({ trust: { standing: { identity, alarm, admitted } } }) => [identity, alarm, admitted];
const [ANN, BOB, EVE] = [await person(), await person(), await person()];

test('two strangers: let in at once, the same string, and the other one’s key', async () => {
  const [a, b] = [end(true, ANN), end(false, BOB)];
  await settled(a, b);
  assert.deepEqual([a.admits, b.admits], [1, 1], 'before anything is said');
  await pair(a, b);
  assert.deepEqual(standing(a), ['unknown', false, true]);
  assert.deepEqual([a.trust.standing.key, b.trust.standing.key], [BOB.thumbprint, ANN.thumbprint]);
  assert.equal(a.trust.standing.string.length, 4);
  assert.deepEqual(a.trust.standing.string, b.trust.standing.string);
  assert.deepEqual(a.sent.map(([kind]) => kind), [1, 16, 3]);
  assert.deepEqual(b.sent.map(([kind]) => kind).sort(), [16, 2]);
  assert.deepEqual([a.failed, b.failed], [null, null]);
  await wait(a);
  assert.deepEqual(standing(a), ['unknown', false, true], 'it is not silent');
});

test('what people say when they have compared', async () => {
  const [a, b] = [end(true, ANN), end(false, BOB)];
  a.trust.compare(true);
  assert.equal(a.trust.standing.compared, null, 'there is nothing to compare yet');
  await pair(a, b);
  a.trust.compare(true);
  assert.equal(a.trust.standing.compared, '2026-11-24T00:00:00Z');
  assert.equal(b.trust.standing.compared, null, 'it stays at one end');
  b.trust.compare(false);
  assert.equal(b.failed, 'sas-different');
});

for (const vector of vectors.sas_taken) {
  test(`channel 0, ${vector.role}: ${vector.about} (${vector.result})`, async () => {
    const ends = { fingerprints: [bytes(vector.client_fingerprint), bytes(vector.server_fingerprint)], sids: [bytes(vector.client_sid), bytes(vector.server_sid)] };
    const { getRandomValues } = crypto;
    crypto.getRandomValues = () => bytes(vector.own_nonce);
    const one = end(vector.role === 'client', ANN, { ends });
    crypto.getRandomValues = getRandomValues;
    one.trust.begin();
    // What begins with 0x10 is no part of the short string, and on this channel an introduction.
    for (const message of vector.take.filter((hex) => !hex.startsWith('10'))) one.trust.take(bytes(message));
    await settled(one);
    assert.equal(one.failed, vector.result === 'done' ? null : vector.result);
    if (vector.result === 'done') assert.equal(one.trust.standing.string.length, 4);
  });
}

test('text, and what is of no known kind, is of no effect', async () => {
  const a = end(true, ANN);
  a.trust.begin();
  for (const message of ['\u0010', '', filled(0, 0), filled(9, 0x11), filled(33, 0xff)]) a.trust.take(message);
  await settled(a);
  assert.deepEqual([a.failed, ...standing(a)], [null, null, false, true]);
});

test('a flood ends the call', async () => {
  const a = end(false, ANN);
  for (let i = 0; i < 1000; i++) a.trust.take(filled(33, 3));
  assert.equal(a.failed, 'sas-order');
});

test('a second introduction, and one that was meant for another, end the call', async () => {
  for (const said of [
    await introduce(BOB, { client: false, fingerprints, sids }, T / 1000),
    await introduce(EVE, { client: false, fingerprints, sids: [sids[0], filled(16, 9)] }, T / 1000),
    await introduce(ANN, { client: true, fingerprints, sids }, T / 1000),
  ]) {
    const [a, b] = [end(true, ANN), end(false, BOB)];
    await pair(a, b);
    a.trust.take(said);
    await settled(a);
    assert.equal(a.failed, 'identity-refused');
  }
});

test('who is expected is let in on showing the key, and not before', async () => {
  const a = end(true, ANN, { pins: [pin('Bob', BOB)] });
  a.trust.begin();
  await settled(a);
  assert.deepEqual([a.admits, ...standing(a)], [0, null, false, false]);
  assert.equal(a.trust.standing.awaited.name, 'Bob');
  const b = end(false, BOB);
  await pair(a, b);
  assert.deepEqual([a.admits, ...standing(a)], [1, 'known', false, true]);
});

for (const [what, pins, named, who, identity] of [
  ['a stranger with the link', [pin('Bob', BOB)], null, EVE, 'changed'],
  ['somebody else whom one knows', [pin('Bob', BOB), pin('Eve', EVE, [])], null, EVE, 'other'],
  ['not the one who was named', [pin('Bob', BOB), pin('Eve', EVE, [])], EVE.thumbprint, BOB, 'other'],
]) {
  test(`alarm: ${what} (${identity})`, async () => {
    for (const goOn of [false, true]) {
      const [a, b] = [end(true, ANN, { pins, named }), end(false, who)];
      await pair(a, b);
      assert.deepEqual([a.admits, ...standing(a)], [0, identity, true, false]);
      await wait(a);
      assert.deepEqual(standing(a), [identity, true, false], 'time decides nothing');
      a.trust.decide(goOn);
      assert.deepEqual([a.admits, a.failed], goOn ? [1, null] : [0, 'identity-alarm']);
    }
  });
}

test('alarm: silence, and whoever speaks up after all', async () => {
  for (const [who, after] of [[BOB, ['known', false, true]], [EVE, ['changed', true, false]]]) {
    const a = end(true, ANN, { pins: [pin('Bob', BOB)] });
    a.trust.begin();
    await settled(a);
    await wait(a);
    assert.deepEqual([a.admits, ...standing(a)], [0, 'silent', true, false]);
    a.trust.take(await introduce(who, { client: false, fingerprints, sids }, T / 1000));
    await settled(a);
    assert.deepEqual(standing(a), after);
  }
});

test('silence is no alarm where nobody is expected', async () => {
  const a = end(true, ANN);
  a.trust.begin();
  await settled(a);
  await wait(a);
  assert.deepEqual(standing(a), ['silent', false, true]);
});

test('whom one let in is let in again in the same call, and nobody else', async () => {
  const admitted = new Set();
  const meets = async (who) => {
    const [a, b] = [end(true, ANN, { pins: [pin('Bob', BOB)], admitted }), end(false, who)];
    await pair(a, b);
    return a;
  };
  (await meets(EVE)).trust.decide(true);
  assert.deepEqual(standing(await meets(EVE)), ['changed', false, true]);
  assert.deepEqual(standing(await meets(await person())), ['changed', true, false]);
});

test('a new key in the place of the old one is known from then on', async () => {
  const [a, b] = [end(true, ANN, { pins: [pin('Bob', BOB)] }), end(false, EVE)];
  await pair(a, b);
  a.pins = takeKey(a.pins, BOB.thumbprint, EVE.thumbprint, '2026-11-24T00:00:00Z');
  a.trust.review();
  await settled(a);
  assert.deepEqual([a.admits, ...standing(a)], [1, 'known', false, true]);
  assert.equal(a.trust.standing.pin.name, 'Bob');
});

test('whoever is remembered in the call is known; forgetting somebody raises no alarm', async () => {
  const [a, b] = [end(true, ANN), end(false, BOB)];
  await pair(a, b);
  a.pins = remember([], pin('Bob', BOB, []));
  a.trust.review();
  await settled(a);
  assert.deepEqual(standing(a), ['known', false, true]);
  a.pins = met(remember([], pin('Eve', EVE)), EVE.thumbprint, LINK);
  a.trust.review();
  await settled(a);
  assert.deepEqual([a.failed, ...standing(a)], [null, 'changed', false, true]);
});

test('what is closed says and hears nothing any more', async () => {
  const [a, b] = [end(true, ANN, { pins: [pin('Bob', BOB)] }), end(false, BOB)];
  a.trust.close();
  await pair(a, b);
  a.trust.decide(true);
  assert.deepEqual([a.admits, a.sent, ...standing(a)], [0, [], null, false, false]);
});

test('where people must compare first nobody is let in before', async () => {
  const [a, b] = [end(true, ANN, { rules: { compare: true } }), end(false, BOB)];
  await pair(a, b);
  assert.deepEqual([a.admits, b.admits, a.trust.standing.wanted, b.trust.standing.wanted], [0, 1, true, false]);
  await wait(a);
  assert.deepEqual([a.admits, a.failed], [0, null], 'people take their time');
  a.trust.compare(true);
  assert.deepEqual([a.admits, a.trust.standing.admitted, a.trust.standing.wanted], [1, true, false]);

  const [c, d] = [end(true, ANN, { rules: { compare: true } }), end(false, BOB)];
  await pair(c, d);
  c.trust.compare(false);
  assert.deepEqual([c.admits, c.failed], [0, 'sas-different']);

  const silent = end(true, ANN, { rules: { compare: true } });
  silent.trust.begin();
  await settled(silent);
  await wait(silent);
  assert.deepEqual([silent.admits, silent.failed], [0, 'sas-missing']);
});

test('an alarm is set aside before people compare, and does not do in its place', async () => {
  const [a, b] = [end(true, ANN, { pins: [pin('Bob', BOB)], rules: { compare: true } }), end(false, EVE)];
  await pair(a, b);
  assert.deepEqual([...standing(a), a.trust.standing.wanted], ['changed', true, false, false]);
  a.trust.decide(true);
  assert.deepEqual([...standing(a), a.trust.standing.wanted, a.admits], ['changed', false, false, true, 0]);
  a.trust.compare(true);
  assert.equal(a.admits, 1);
});

test('where only known people may call, anybody else is refused', async () => {
  const [a, b] = [end(true, ANN, { pins: [pin('Bob', BOB, [])], rules: { known_only: true } }), end(false, BOB)];
  await settled(a, b);
  assert.equal(a.admits, 0, 'before the key came');
  await pair(a, b);
  assert.deepEqual([a.admits, a.failed], [1, null]);

  const [c, d] = [end(true, ANN, { pins: [pin('Bob', BOB, [])], rules: { known_only: true } }), end(false, EVE)];
  await pair(c, d);
  assert.deepEqual([c.admits, c.failed], [0, 'policy-known-only']);

  const silent = end(true, ANN, { rules: { known_only: true } });
  silent.trust.begin();
  await settled(silent);
  await wait(silent);
  assert.deepEqual([silent.admits, silent.failed], [0, 'policy-known-only']);
});
