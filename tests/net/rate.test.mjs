// A path of 2 Mbit/s that drops to 500 kbit/s and comes back: no queue builds up, and the picture's rate follows.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { World } from '../browser/harness.mjs';
import { Far } from './far.mjs';
import { counted, longestPause, watchClock, worstDelay } from './quality.mjs';

const world = new World();
let far, server, chromium;

before(async () => {
  far = await Far.start(world, 'seed', '2', 'delay', '20', 'queue', '1000');
  server = await far.server();
  chromium = await world.chromium(server);
}, { timeout: 120_000 });
after(() => world.close());

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** What came through from the native end in so many ms, in bits a second; and the worst queue of each second. */
async function through(ms) {
  const queues = [];
  let bytes = (await far.stats()).ba.bytes;
  const first = bytes;
  for (let at = 0; at < ms; at += 1000) {
    await pause(1000);
    const { ba } = await far.stats();
    queues.push(ba.queue);
    bytes = ba.bytes;
  }
  return { rate: (bytes - first) * 8000 / ms, queues };
}

// Figures need a machine that does nothing else: `make net` looks at them.
const skip = process.env.SOTTO_NET_FIGURES !== '1' && 'make net measures it';

test('the rate follows a path that becomes slow and fast again', { timeout: 240_000, skip }, async (t) => {
  const visitor = await chromium.visitor('Chromium');
  const link = await server.link();
  far.set('rate 2000000');
  await visitor.join(link);
  await visitor.reaches('waiting');
  const native = far.call(server, link, '--in', 'test');
  await visitor.reaches('in-call');
  await visitor.receives();
  const clock = await watchClock(visitor);
  await pause(10_000);
  const fast = await through(5_000);
  far.set('rate 500000');
  const falling = await through(5_000);
  const slow = await through(10_000);
  far.set('rate 2000000');
  await pause(15_000);
  const again = await through(5_000);
  const seen = await clock.seen();
  t.diagnostic(JSON.stringify({ fast, falling, slow, again, counted: await counted(visitor), pause: longestPause(seen), delay: worstDelay(seen) }));
  t.diagnostic(native.events.filter(({ event }) => event === 'rate').map(({ bits }) => Math.round(bits / 1000)).join(' '));
  await visitor.press('hangup');
  assert.equal(await native.ends(), 0);
  assert.ok(Math.max(...fast.queues) < 500, `a queue of ${Math.max(...fast.queues)} ms at 2 Mbit/s`);
  // The queue of the moment in which the rate fell is gone within five seconds, and none comes after it.
  assert.ok(slow.rate < 500_000 && slow.rate > 200_000, `${slow.rate} bits a second at 500 kbit/s`);
  assert.ok(Math.max(...slow.queues) < 500, `a queue of ${Math.max(...slow.queues)} ms at 500 kbit/s`);
  assert.ok(again.rate > 2 * slow.rate, `${again.rate} bits a second when the path was fast again`);
  assert.ok(longestPause(seen) < 1500, `the picture stood still for ${longestPause(seen)} ms`);
  await visitor.close();
});
