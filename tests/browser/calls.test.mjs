// A call between every pair of browsers, whoever comes first: sound, picture, the panel, and the end.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ADDRESS, PATIENT, World } from './harness.mjs';
import { bothReceive, call, hangUp, panelsAgree } from './pairs.mjs';

const world = new World();
let server, browsers;

before(async () => {
  server = await world.server();
  browsers = { Chromium: await world.chromium(server), Firefox: await world.firefox(server) };
}, PATIENT);
after(() => world.close());

const pairs = [['Chromium', 'Chromium'], ['Chromium', 'Firefox'], ['Firefox', 'Chromium'], ['Firefox', 'Firefox']];
for (const [first, last] of pairs) {
  test(`${last} calls ${first}: both see and hear, and the panels agree`, PATIENT, async () => {
    const [a, b] = [await browsers[first].visitor(`${first}, there first`), await browsers[last].visitor(`${last}, come last`)];
    const link = await server.link();
    await call(a, b, link);
    await bothReceive(a, b);
    const panels = await panelsAgree(a, b);
    for (const [i, visitor] of [a, b].entries()) {
      assert.equal(panels[i].doors.seal.fields.epoch, '1');
      assert.equal((await visitor.did()).peers, 1);
      await visitor.isClean(server.url);
    }
    await hangUp(b, a);
    for (const visitor of [a, b]) {
      await visitor.isClean(server.url);
      await visitor.close();
    }
  });
}

test('the saved report says what the panel says, and holds neither an address nor the secret', PATIENT, async () => {
  const [a, b] = [await browsers.Chromium.visitor('A'), await browsers.Firefox.visitor('B')];
  const link = await server.link();
  await call(a, b, link);
  const panels = await panelsAgree(a, b);
  for (const [i, visitor] of [a, b].entries()) {
    const text = await visitor.saveReport();
    const { report } = JSON.parse(text);
    assert.equal(report.verdict.text, panels[i].text);
    assert.equal(report.doors.find(({ door }) => door === 'fingerprints').fields.seen, panels[i].doors.fingerprints.fields.seen);
    for (const secret of [ADDRESS, '127.0.0.1', 'localhost', link.split('#')[1]]) {
      assert.ok(!text.includes(secret) && !JSON.stringify(panels[i]).includes(secret), `${visitor.name} tells ${secret}`);
    }
  }
  await hangUp(a, b);
  for (const visitor of [a, b]) await visitor.close();
});

test('who joins without camera and microphone is in the call, captures nothing and sends nothing', PATIENT, async () => {
  const [a, b] = [await browsers.Firefox.visitor('A'), await browsers.Chromium.visitor('B')];
  await call(a, b, await server.link(), { last: { media: false } });
  await b.receives();
  await panelsAgree(a, b);
  assert.equal(await a.text('cover-text'), 'Their camera is off');
  assert.equal((await b.did()).captures, 0);
  await b.sentNoMedia();
  // In the call a press on the button is what it takes.
  await b.press('camera');
  await a.until('sees the other end', async () => (await a.stats()).framesDecoded > 0);
  assert.equal((await b.did()).captures, 1);
  await hangUp(a, b);
  for (const visitor of [a, b]) await visitor.close();
});
