// What data channels between our end and a foreign one must come to, whoever offers and whoever opens.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { foreign, negotiate, ours } from './harness.mjs';

const patterned = (length) => createHash('sha256').update(Buffer.from(Array.from({ length }, (_, i) => (i ^ i >> 8) & 255))).digest('hex');

async function opens(from, to, options) {
  const at = to.events.length;
  const { id } = await from.ask({ do: 'open-channel', ...options }, 'channel', (e) => e.kind === 'made');
  if (options.negotiated) return { id };
  return to.next('channel', (e) => e.kind === 'opened' && e.label === options.label, at, `the channel ${options.label}`);
}

async function says(from, to, id, what) {
  const at = to.events.length;
  from.tell({ do: 'send', id, ...what });
  return to.next('message', (e) => e.id === id, at, `a message in ${id}`);
}

/** Lines, bytes, nothing at all, and as much as may be, in one channel. */
async function carries(from, to, id, lengths = [1, 1100, 65_536, Math.min(to.takes, 262_144)]) {
  const line = await says(from, to, id, { text: 'grüße "✓"' });
  assert.deepEqual([line.text, line.body], [true, 'grüße "✓"']);
  const none = await says(from, to, id, { text: '' });
  assert.deepEqual([none.text, none.length], [true, 0]);
  for (const length of lengths) {
    const { text, length: got, sha256 } = await says(from, to, id, { length });
    assert.deepEqual([text, got, sha256], [false, length, patterned(length)], `${length} bytes`);
  }
}

const kinds = [
  [{}, { unordered: false }],
  [{ unordered: true }, { unordered: true }],
  [{ unordered: true, repeats: 3 }, { unordered: true, repeats: 3 }],
  [{ life: 5000 }, { unordered: false, life: 5000 }],
];

/** What an end tells of a channel that the other one opened, in the words of either. */
function assertKind(opened, { unordered, repeats, life }) {
  assert.equal(opened.unordered, unordered);
  if ('reliability' in opened) {
    assert.equal(opened.reliability, repeats !== undefined ? 1 : life !== undefined ? 2 : 0);
    assert.equal(opened.limit, repeats ?? life ?? 0);
  } else {
    assert.deepEqual([opened.repeats ?? undefined, opened.life ?? undefined], [repeats, life]);
  }
}

/** Each opens one of each kind, in which both speak. */
async function assertKinds(here, there) {
  for (const [from, to] of [[here, there], [there, here]]) {
    for (const [options, wanted] of kinds) {
      const label = `${from.name} ${JSON.stringify(options)}`;
      const opened = await opens(from, to, { ...options, label, protocol: 'p/1' });
      assert.equal(opened.protocol, 'p/1');
      assertKind(opened, wanted);
      // Of what may be given up, only what no buffer on the way is too small for.
      const lengths = options.repeats || options.life ? [1, 1100] : undefined;
      await carries(from, to, opened.id, lengths);
      await carries(to, from, opened.id, lengths);
    }
  }
}

/** Both open it by themselves. */
async function assertAgreed(here, there) {
  for (const end of [here, there]) await opens(end, end, { label: 'agreed', negotiated: true, id: 200 });
  await carries(here, there, 200);
  await carries(there, here, 200);
}

/** Closed by one, it is closed at both. */
async function assertClosed(here, there) {
  for (const [from, to] of [[here, there], [there, here]]) {
    const { id } = await opens(from, to, { label: `to be closed by ${from.name}` });
    await says(from, to, id, { text: 'last' });
    const [a, b] = [from.events.length, to.events.length];
    from.tell({ do: 'close-channel', id });
    await to.next('channel', (e) => e.kind === 'closed' && e.id === id, b);
    await from.next('channel', (e) => e.kind === 'closed' && e.id === id, a);
  }
}

/**
 * @param {(t: object, begins: string) => Promise<End>} meet the foreign end
 * @param {{takes: number}} about takes: the longest message of the foreign end, by its description
 */
export function dataWith(program, { takes }, meet = async (t, begins) => foreign(t, program, '--begins-with', begins)) {
  for (const begins of ['data', 'sound']) {
    for (const first of ['ours', 'theirs']) {
      test(`${program}: data channels, ${begins === 'data' ? 'and nothing else' : 'beside sound'}; ${first} offers`, { timeout: 120_000 }, async (t) => {
        const here = ours(t, '--begins-with', begins), there = await meet(t, begins);
        const [offerer, answerer] = first === 'ours' ? [here, there] : [there, here];
        here.takes = 262_144;
        there.takes = takes;
        // A foreign end wants to know before its offer that there are to be any.
        if (first === 'ours') here.tell({ do: 'add-data' });
        else there.tell({ do: 'open-channel', label: 'early', negotiated: true, id: 100 });
        const said = await negotiate(offerer, answerer);
        assert.match(first === 'ours' ? said.answer : said.offer, new RegExp(`^a=max-message-size:${takes}\\r?$`, 'm'));
        await here.next('channel', (e) => e.kind === 'ready');
        const facts = await here.facts();
        assert.ok(facts.verified && facts.state === 'open', JSON.stringify(facts));
        await assertKinds(here, there);
        await assertAgreed(here, there);
        await assertClosed(here, there);
        await there.closes();
        await here.closes();
      });
    }
  }
}
