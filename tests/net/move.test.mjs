// A native end goes from one network to another in mid-call: media is back at once, and nothing is negotiated anew but
// the path.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { World, until } from '../browser/harness.mjs';
import { meet } from '../browser/native.mjs';
import { Far } from './far.mjs';
import { longestPause, watchClock } from './quality.mjs';

// Figures need a machine that does nothing else: `make net` looks at them. Else it is enough that media comes back.
const FIGURES = process.env.SOTTO_NET_FIGURES === '1';
const world = new World();
let far, server, browsers;

before(async () => {
  far = await Far.start(world, 'delay', '20');
  await far.another('delay', '30');
  server = await far.server();
  browsers = { Chromium: await world.chromium(server), Firefox: await world.firefox(server) };
}, { timeout: 120_000 });
after(() => world.close());

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** The picture goes on for two seconds and more. */
async function goesOn(native, clock, when) {
  await native.until('is seen again', async () => (await clock.seen()).filter(({ at }) => at > when + 2000).length > 20);
}

/** Packets come over there, by the second network. */
async function arrives(native) {
  const first = (await far.stats('call1')).ab.passed;
  await native.until('is sent the browser\'s media over the other network', async () => (await far.stats('call1')).ab.passed > first + 100);
}

for (const name of ['Chromium', 'Firefox']) {
  for (const gap of [0, 1000]) {
    test(`${name}: ${gap === 0 ? 'the other network is there before the first one goes' : 'a second without any network'}`, { timeout: 120_000 }, async (t) => {
      await far.go('call1');
      await far.come('call0');
      const visitor = await browsers[name].visitor(name);
      const link = await server.link();
      const start = () => far.call(server, link, '--in', 'test');
      const native = await meet(visitor, link, start, gap === 0 ? 'native' : 'browser');
      await visitor.receives();
      const clock = await watchClock(visitor);
      const before = (await visitor.panel()).doors;
      await until('the clock in the picture is read', async () => (await clock.seen()).length > 20);

      if (gap === 0) await far.come('call1');
      await far.go('call0');
      if (gap > 0) {
        await pause(gap);
        await far.come('call1');
      }
      const moved = await visitor.page.evaluate(() => performance.now());
      await goesOn(native, clock, moved);
      await arrives(native);
      const stood = longestPause((await clock.seen()).filter(({ at }) => at > moved - gap - 1000));
      t.diagnostic(`${name}: the picture stood still for ${stood.toFixed(0)} ms`);
      if (FIGURES) assert.ok(stood < gap + 3000, `it stood still for ${stood} ms`);
      await visitor.until('has every door again', async () => {
        const { notice, verdict } = await visitor.panel();
        return notice === '' && verdict === 'verified';
      });
      assert.equal((await visitor.panel()).doors.fingerprints.fields.seen, before.fingerprints.fields.seen);
      assert.equal((await visitor.did()).peers, 1, 'the same peer connection');
      await visitor.press('hangup');
      assert.equal(await native.ends(), 0, native.complaints);
      await visitor.close();
    });
  }
}
