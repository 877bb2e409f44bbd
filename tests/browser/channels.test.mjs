// The two channels that every call has, whoever comes first, and ends that know none.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PATIENT, World } from './harness.mjs';
import { bothReceive, call, hangUp, panelsAgree } from './pairs.mjs';

const world = new World();
let server, browsers;

before(async () => {
  server = await world.server();
  browsers = { Chromium: await world.chromium(server), Firefox: await world.firefox(server) };
}, PATIENT);
after(() => world.close());

/** What the page made. */
const channels = (visitor) => visitor.page.evaluate(() => globalThis.sottoSpy.channels.map(
  ({ id, label, protocol, ordered, negotiated, readyState }) => ({ id, label, protocol, ordered, negotiated, readyState })));
const mediaLines = (visitor) => visitor.page.evaluate(() =>
  globalThis.sottoSpy.peers.at(-1).localDescription.sdp.match(/^m=\w+|^a=mid:\w+/gm));

/** On the browser's own channel, beside the page. */
const say = (visitor, line) => visitor.page.evaluate((text) =>
  globalThis.sottoSpy.channels.findLast(({ label }) => label === 'chat').send(text), line);
const hears = (visitor, line) => visitor.until(`hears "${line}"`, async () => (await visitor.did()).heard.includes(`chat: ${line}`));

/** Runs in the page, before it: channels that are in no description of its calls, as with pages before there were any. */
function knowNoChannels() {
  const { createDataChannel } = RTCPeerConnection.prototype;
  // Not the spy's: a connection beside the call's, which nobody counts.
  const Real = Object.getPrototypeOf(RTCPeerConnection);
  RTCPeerConnection.prototype.createDataChannel = function (...args) {
    return createDataChannel.apply(new Real(), args);
  };
}

for (const [first, last] of [['Chromium', 'Firefox'], ['Firefox', 'Chromium'], ['Firefox', 'Firefox']]) {
  test(`${last} calls ${first}: both have both channels, and a line goes either way`, PATIENT, async () => {
    const [a, b] = [await browsers[first].visitor('A'), await browsers[last].visitor('B')];
    await call(a, b, await server.link());
    for (const visitor of [a, b]) {
      await visitor.until('has its channels open', async () => {
        const states = (await channels(visitor)).map(({ readyState }) => readyState);
        return states.length === 2 && states.every((state) => state === 'open');
      });
      assert.deepEqual((await channels(visitor)).map(({ readyState, ...rest }) => rest), [
        { id: 0, label: 'trust', protocol: 'sotto.trust.v1', ordered: true, negotiated: true },
        { id: 1, label: 'chat', protocol: 'sotto.chat.v1', ordered: true, negotiated: true },
      ]);
      assert.deepEqual(await mediaLines(visitor),
        ['m=audio', 'a=mid:0', 'm=video', 'a=mid:1', 'm=application', 'a=mid:2']);
    }
    await say(a, 'von der einen');
    await hears(b, 'von der einen');
    await say(b, 'und zurück ☕');
    await hears(a, 'und zurück ☕');
    await bothReceive(a, b);
    await panelsAgree(a, b);
    await hangUp(b, a);
    for (const visitor of [a, b]) {
      await visitor.isClean(server.url);
      await visitor.close();
    }
  });
}

for (const name of ['Chromium', 'Firefox']) {
  for (const old of ['first', 'last']) {
    test(`${name}: an end that knows no channels and comes ${old} has a call without them`, PATIENT, async () => {
      const [a, b] = [await browsers[name].visitor('A'), await browsers[name].visitor('B')];
      await (old === 'first' ? a : b).page.evaluateOnNewDocument(knowNoChannels);
      await call(a, b, await server.link());
      await bothReceive(a, b);
      await panelsAgree(a, b);
      // Nobody goes on offering what the other end does not take.
      for (const visitor of [a, b]) {
        const signals = (await visitor.did()).socketMessages;
        await visitor.receives();
        assert.equal((await visitor.did()).socketMessages, signals);
        assert.deepEqual((await visitor.did()).heard, []);
        await visitor.until('takes note of the silence', async () => /^silent/.test((await visitor.panel()).doors.person.fields.identity));
      }
      await hangUp(b, a);
      for (const visitor of [a, b]) {
        await visitor.isClean(server.url);
        await visitor.close();
      }
    });
  }
}
