// Who is at the other end: pictures that two people compare, and keys by which they know each other again.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PATIENT, World } from './harness.mjs';
import { bothReceive, call, hangUp } from './pairs.mjs';

const world = new World();
let server, browsers;

before(async () => {
  server = await world.server();
  browsers = { Chromium: await world.chromium(server), Firefox: await world.firefox(server) };
}, PATIENT);
after(() => world.close());

/** The pictures, names and words that a page shows for comparing. */
function pictures(visitor) {
  return visitor.until('has pictures to compare', () => visitor.page.evaluate(() => {
    const items = [...document.querySelectorAll('#pictures li')].map((item) => [...item.children].map((part) => part.textContent));
    return !document.getElementById('compare').hidden && items.length === 4 && items;
  }));
}

test('both see the same pictures', PATIENT, async () => {
  const [a, b] = [await browsers.Chromium.visitor('A'), await browsers.Firefox.visitor('B')];
  await call(a, b, await server.link());
  await bothReceive(a, b);
  const seen = await pictures(a);
  assert.deepEqual(seen, await pictures(b));
  await hangUp(a, b);
  for (const visitor of [a, b]) await visitor.isClean(server.url);
});
