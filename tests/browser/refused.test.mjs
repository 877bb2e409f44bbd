// What a browser refuses for its person: an authority that nobody trusted, and devices that nobody allowed.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PATIENT, World } from './harness.mjs';

const world = new World();
let server;

before(async () => { server = await world.server(); }, PATIENT);
after(() => world.close());

const cases = [['chromium', /ERR_CERT_AUTHORITY_INVALID/], ['firefox', /SEC_ERROR_UNKNOWN_ISSUER/]];
for (const [start, words] of cases) {
  test(`${start} refuses an authority that it was not told to trust`, PATIENT, async () => {
    const browser = await world[start]();
    const visitor = await browser.visitor();
    await assert.rejects(visitor.open(await server.link()), words);
    assert.equal(await visitor.page.evaluate(() => document.body?.dataset.state ?? null).catch(() => null), null);
    await browser.close();
  });

  test(`${start}: refused devices are told, and one can join without`, PATIENT, async () => {
    const browser = await world[start]({ ca: server.ca, devices: false });
    const visitor = await browser.visitor();
    await visitor.open(await server.link());
    // The same page as above: it was the trust that decided.
    await visitor.reaches('prejoin');
    await visitor.press('preview-on');
    const text = await visitor.until('says why there is no picture', () => visitor.text('device-error'));
    assert.match(text, /^Access was refused\..*You can also join without\.$/);
    await visitor.press('join');
    await visitor.reaches('waiting');
    await visitor.sentNothing();
    await visitor.isClean(server.url);
    await browser.close();
  });
}
