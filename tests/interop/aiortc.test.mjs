// Calls with aiortc, whose descriptions have every candidate.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callsWith } from './calls.mjs';
import { dataWith } from './data.mjs';
import { foreign, negotiate, ours } from './harness.mjs';

callsWith('aiortc', { takesRejections: false, keyFrames: ['VP8'], takesAnyRole: false, verifies: true, reports: true, saysGoodbye: true });

test('aiortc: pictures keep to the rate that it says (REMB)', { timeout: 60_000 }, async (t) => {
  const here = ours(t), there = foreign(t, 'aiortc');
  await negotiate(here, there);
  // It knows of no queue here, and says half as much again as what comes: less than pictures begin with.
  const { rate } = await here.reaches('a rate to begin with', (f) => f.rate > 0);
  const later = await here.reaches('its own', (f) => f.rate !== rate);
  assert.ok(later.rate < rate, `${later.rate} after ${rate} bits a second`);
  await there.closes();
  await here.closes();
});

dataWith('aiortc', { takes: 65_536 });
