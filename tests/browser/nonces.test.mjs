// Attack 10, nonce reuse: over a long call with many resumes no key ever meets a counter twice.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Evil } from './evil.mjs';
import { PATIENT, World } from './harness.mjs';
import { bothReceive, call, hangUp, panelsAgree } from './pairs.mjs';

const world = new World();
let evil, browsers;

before(async () => {
  evil = await Evil.start(world);
  browsers = { Chromium: await world.chromium(evil.server), Firefox: await world.firefox(evil.server) };
}, PATIENT);
after(() => world.close());

/** @param {import('./evil.mjs').Envelope[]} said @returns {number} epochs, after a look at every envelope */
function nothingTwice(said) {
  /** @type {Map<string, Set<string>>} to which other sids an end's sid was ever bound */ const partners = new Map();
  /** @type {Map<string, bigint>} */ const next = new Map();
  /** @type {Map<string, string>} */ const owner = new Map();
  for (const { end, kind, sid, re, counter } of said) {
    assert.equal(owner.get(sid) ?? end, end, 'a session id belongs to one end');
    owner.set(sid, end);
    if (kind === 'hello') {
      assert.ok(!partners.has(sid), 'a session id is in one hello only');
      partners.set(sid, new Set());
      if (!/^0+$/.test(re)) for (const [one, other] of [[sid, re], [re, sid]]) partners.get(one).add(other);
      continue;
    }
    // A key is made of both session ids, and each takes part in one epoch, so a sid stands for a key.
    assert.ok(partners.has(sid), `${kind} under a session id that no hello named`);
    assert.equal(counter, next.get(sid) ?? 0n, `${end}: counters of a key are consecutive from 0`);
    next.set(sid, counter + 1n);
  }
  for (const [sid, others] of partners) assert.ok(others.size <= 1, `${sid} took part in ${others.size} epochs`);
  return [...partners.values()].filter((others) => others.size === 1).length / 2;
}

test('nonces of all envelopes of a call with many resumes are unique under their key', PATIENT, async () => {
  evil.play();
  const [a, b] = [await browsers.Chromium.visitor('A'), await browsers.Firefox.visitor('B')];
  await call(a, b, await evil.server.link());
  await bothReceive(a, b);
  const seen = (await panelsAgree(a, b)).map(({ doors }) => doors.fingerprints.fields.seen);
  // Who was cut off comes last and opens the next epoch, so each end does it both ways around. What is said of the
  // microphone in between makes the epochs longer.
  let epoch = 1;
  for (const name of ['first', 'last', 'last', 'first', 'first', 'last']) {
    evil.cut(name);
    epoch++;
    for (const visitor of [a, b]) {
      await visitor.until(`is in epoch ${epoch}`, async () => {
        const { verdict, doors } = await visitor.panel();
        return verdict === 'failed' || doors.seal.fields.epoch === String(epoch);
      });
      assert.equal(await visitor.state(), 'in-call', `after resume ${epoch - 1}, by ${name}`);
    }
    await bothReceive(a, b);
    await a.press('mute');
    await b.press('mute');
  }
  const now = (await panelsAgree(a, b)).map(({ doors }) => doors.fingerprints.fields.seen);
  assert.deepEqual(now, seen, 'the same call all the time');
  await hangUp(a, b);
  assert.equal(nothingTwice(evil.said), epoch);
  for (const visitor of [a, b]) await visitor.close();
});
