// The page before and beside a call: what it does not do before a person asks, and what it says when something is amiss.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Capture } from './capture.mjs';
import { PATIENT, World } from './harness.mjs';

const world = new World();
let server, capture, browsers;

before(async () => {
  server = await world.server();
  capture = await Capture.start(world);
  browsers = { Chromium: await world.chromium(server), Firefox: await world.firefox(server) };
}, PATIENT);
after(() => world.close());

for (const name of ['Chromium', 'Firefox']) {
  // Attacks 18 and 21: an invitation that was opened is not yet a call that was accepted.
  test(`${name}: nothing is captured, connected or sent before the person joins`, PATIENT, async () => {
    const mark = await capture.mark();
    const [a, b] = [await browsers[name].visitor('A'), await browsers[name].visitor('B')];
    const link = await server.link();
    await a.join(link, { media: false });
    await a.reaches('waiting');
    await b.open(link);
    await b.reaches('prejoin');
    const idle = { peers: 0, captures: 0, candidates: 0, sockets: [], socketMessages: 0, fetches: [] };
    const told = async (visitor) => {
      const did = await visitor.did();
      return Object.fromEntries(Object.keys(idle).map((key) => [key, did[key]]));
    };
    assert.deepEqual(await told(b), idle, 'before joining');
    // In the waiting room there is a seat, and nobody to make a connection to.
    const waiting = { ...idle, sockets: [`${server.url.replace('https', 'wss')}/signal`], socketMessages: 1 };
    assert.deepEqual(await told(a), waiting, 'while waiting');

    await b.turnOn();
    assert.deepEqual(await told(b), { ...idle, captures: 1 }, 'with a preview');
    assert.equal(await a.state(), 'waiting');
    await capture.mark();
    assert.deepEqual(capture.since(mark, 'stun', 'dtls', 'rtp', 'rtcp'), [], 'packets before the person joined');

    await b.press('join');
    await Promise.all([a.reaches('in-call'), b.reaches('in-call')]);
    await capture.mark();
    assert.ok(capture.since(mark, 'stun').length > 0, 'the capture would have seen them');
    for (const visitor of [a, b]) {
      await visitor.isClean(server.url);
      await visitor.close();
    }
  });

  test(`${name}: the secret leaves the address bar and the history of the tab`, PATIENT, async () => {
    const visitor = await browsers[name].visitor();
    const link = await server.link();
    const secret = link.split('#')[1];
    await visitor.open(link);
    await visitor.reaches('prejoin');
    const seen = await visitor.page.evaluate(() => ({
      address: location.href, referrer: document.referrer,
      entries: globalThis.navigation?.entries().map(({ url }) => url) ?? [],
    }));
    if (name === 'Chromium') {
      const session = await visitor.page.createCDPSession();
      const history = await session.send('Page.getNavigationHistory');
      seen.entries.push(...history.entries.map(({ url }) => url));
    }
    assert.equal(seen.address, `${server.url}/`);
    assert.ok(seen.entries.includes(`${server.url}/`), 'this browser shows the history of its tab');
    assert.ok(!JSON.stringify(seen).includes(secret), `the secret is in ${JSON.stringify(seen)}`);
    assert.equal(await visitor.page.evaluate(() => document.getElementById('link').value), link, 'and can still be copied');
    for (const url of visitor.requests) assert.ok(!new URL(url).pathname.includes(secret), url);
    await visitor.close();
  });

  test(`${name}: a damaged link is told and opens nothing`, PATIENT, async () => {
    const visitor = await browsers[name].visitor();
    const [url, secret] = (await server.link()).split('#');
    const other = secret[7] === 'A' ? 'B' : 'A';
    for (const damaged of [secret.slice(0, 7) + other + secret.slice(8), secret.slice(0, -1), `${secret}A`, '%00']) {
      await visitor.open(`${url}#${damaged}`);
      await visitor.reaches('start link-damaged');
      assert.match(await visitor.text('start-error'), /^This link is damaged\..*Copy the whole link again/);
      assert.deepEqual((await visitor.did()).sockets, []);
      await visitor.isClean(server.url);
      await visitor.startOver();
    }
    await visitor.close();
  });
}

test('a new call is started on the page itself, and its link works', PATIENT, async () => {
  const [a, b] = [await browsers.Chromium.visitor('A'), await browsers.Firefox.visitor('B')];
  await a.open(server.url);
  await a.reaches('start');
  await a.press('start');
  await a.reaches('prejoin');
  await a.press('join');
  await a.reaches('waiting');
  await b.join(await a.page.evaluate(() => document.getElementById('link').value), { media: false });
  await Promise.all([a.reaches('in-call'), b.reaches('in-call')]);
  for (const visitor of [a, b]) {
    await visitor.isClean(server.url);
    await visitor.close();
  }
});
