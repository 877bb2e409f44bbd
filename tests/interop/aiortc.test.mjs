// Calls with aiortc: every candidate in the descriptions, either end as the one that offers.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertHeardAndSeen, foreign, negotiate, ours, record, assertVerified } from './harness.mjs';

test('aiortc offers', { timeout: 30_000 }, async (t) => {
  const here = ours(t, '--video', 'VP8'), there = foreign(t, 'aiortc');
  const { answer } = await negotiate(there, here);
  assert.match(answer, /a=setup:active/);
  await assertVerified(here, { client: true });
  await assertHeardAndSeen(here, there, await record(t, here));
  await here.closes();
  await there.next('ended', (e) => e.kind === 'video');
  await there.closes();
});

test('aiortc answers', { timeout: 30_000 }, async (t) => {
  const here = ours(t, '--video', 'VP8'), there = foreign(t, 'aiortc');
  const { offer, answer } = await negotiate(here, there);
  assert.match(offer, /a=setup:actpass/);
  assert.match(answer, /a=setup:active/);
  await assertVerified(here, { client: false });
  await assertHeardAndSeen(here, there, await record(t, here));
  await there.closes();
  await here.next('state', (e) => e.state === 'closed');
  await here.closes();
});
