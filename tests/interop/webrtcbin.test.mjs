// Calls with GStreamer's webrtcbin, which trickles its candidates.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callsWith } from './calls.mjs';
import { foreign, negotiate, ours } from './harness.mjs';

callsWith('webrtcbin', { takesRejections: true, keyFrames: ['VP8', 'H264'], takesAnyRole: true, verifies: false, reports: false, saysGoodbye: false });

test('webrtcbin: tells of each packet (transport-cc), so that its silence is noticed', { timeout: 60_000 }, async (t) => {
  const here = ours(t), there = foreign(t, 'webrtcbin');
  await negotiate(here, there);
  await there.reaches('pictures', (f) => f.clocks > 10);
  const { rate } = await here.facts();
  there.child.kill('SIGKILL');
  await there.ended;
  const from = Date.now();
  // Halves from half a second of silence on; where there were only reports, from ten seconds on.
  await here.reaches('less', (f) => f.rate < rate / 2);
  assert.ok(Date.now() - from < 8000);
  await here.closes();
});
