// A while over a network that loses one packet in twenty, delays them unevenly and mixes them up: with each browser,
// sound and picture both ways.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { World } from '../browser/harness.mjs';
import { Far } from './far.mjs';
import { counted, longestPause, watchClock } from './quality.mjs';

// Figures need a machine that does nothing else: `make net` looks at them. Else it is enough that the call holds.
const FIGURES = process.env.SOTTO_NET_FIGURES === '1';
const LENGTH = FIGURES ? 60_000 : 8_000;
const world = new World();
let far, server, browsers;

before(async () => {
  far = await Far.start(world, 'seed', '1', 'loss', '5', 'delay', '20', 'jitter', '50', 'reorder', '10');
  server = await far.server();
  browsers = { Chromium: await world.chromium(server), Firefox: await world.firefox(server) };
}, { timeout: 120_000 });
after(() => world.close());

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

for (const name of ['Chromium', 'Firefox']) {
  test(`${name}: ${LENGTH / 1000} s of 5 % loss, 50 ms jitter and reordering`, { timeout: 240_000 }, async (t) => {
    const visitor = await browsers[name].visitor(name);
    const link = await server.link();
    await visitor.join(link);
    await visitor.reaches('waiting');
    const native = far.call(server, link, '--in', 'test', '--rtp-out', '127.0.0.1:5004');
    await visitor.reaches('in-call');
    await visitor.receives();
    const clock = await watchClock(visitor);
    const first = await counted(visitor);
    await pause(LENGTH);
    const last = await counted(visitor);
    const seen = await clock.seen();
    await visitor.press('hangup');
    assert.equal(await native.ends(), 0);
    const totals = await native.told('totals');
    const concealed = (last.concealed - first.concealed) / (last.samples - first.samples);
    t.diagnostic(`${name}: ${(100 * concealed).toFixed(2)} % of sound concealed, ${last.frames - first.frames} pictures, longest pause ${longestPause(seen).toFixed(0)} ms`);
    t.diagnostic(`rates in kbit/s: ${native.events.filter(({ event }) => event === 'rate').map(({ bits }) => Math.round(bits / 1000)).join(' ')}`);
    t.diagnostic(`pauses over 300 ms: ${seen.slice(1).map(({ at, shown }, i) => [at - seen[i].at, shown]).filter(([gap]) => gap > 300).map(([gap, shown]) => `${gap.toFixed(0)} at ${shown}`).join(', ')}`);
    t.diagnostic(JSON.stringify({ last, totals, link: await far.stats() }));
    if (FIGURES && name === 'Chromium') assert.ok(concealed < 0.01, `${concealed} of the sound was concealed`);
    if (FIGURES) assert.ok(longestPause(seen) < 1000, `the picture stood still for ${longestPause(seen)} ms`);
    for (let i = 1; i < seen.length; i++) assert.ok(seen[i].shown > seen[i - 1].shown, 'pictures are in order');
    // Neither browser repeats its sound by itself: what the path loses is lost here, and no more.
    if (FIGURES) assert.ok(totals.lost / totals.received < 0.08, `${totals.lost} of ${totals.received} packets of sound were lost here`);
    assert.ok(seen.length > 20, `${seen.length} pictures were seen`);
    assert.ok(totals.picture.frames > (FIGURES ? 600 : 10), `${totals.picture.frames} pictures of the browser were whole`);
    await visitor.close();
  });
}
