// Somebody who has the link and the server, and sits between the two with a browser for each of them. Every door holds at
// either leg. What is left is what people see: the pictures differ; and what one end said for its own leg is of no use on the other.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Evil } from './evil.mjs';
import { PATIENT, World } from './harness.mjs';
import { person, pictures } from './trust.mjs';

const world = new World();
let evil, browsers;

before(async () => {
  evil = await Evil.start(world);
  browsers = { Chromium: await world.chromium(evil.server), Firefox: await world.firefox(evil.server) };
}, PATIENT);
after(() => world.close());

/** Runs in a page of the one between: what would be said on channel 0 is not, what is heard goes on to the other leg. */
function passOn() {
  const { send } = RTCDataChannel.prototype;
  const { createDataChannel } = RTCPeerConnection.prototype;
  let trust = null;
  RTCDataChannel.prototype.send = function (data) {
    if (this.label !== 'trust') send.call(this, data);
  };
  RTCPeerConnection.prototype.createDataChannel = function (label, ...args) {
    const channel = createDataChannel.call(this, label, ...args);
    if (label === 'trust') {
      trust = channel;
      channel.addEventListener('message', ({ data }) => void globalThis.sottoPass([...new Uint8Array(data)]));
    }
    return channel;
  };
  globalThis.sottoSay = (bytes) => send.call(trust, new Uint8Array(bytes));
}

/** Two legs: `a` with one page of the one in between, `b` with the other. @param {(page: any) => Promise<void>} [prepare] its pages */
async function between(first, last, prepare = async () => {}) {
  const [a, b] = [await browsers[first].visitor('A'), await browsers[last].visitor('B')];
  const [left, right] = [await browsers.Chromium.visitor('left'), await browsers.Chromium.visitor('right')];
  await prepare(left, right);
  const link = await evil.server.link();
  const rooms = [randomBytes(16), randomBytes(16)].map((room) => room.toString('base64url'));
  evil.play();
  // Who waits comes to be the DTLS client: `a` is it, and `b` is the server, as if they were each other's.
  for (const [visitor, room] of [[a, 0], [right, 1], [left, 0], [b, 1]]) {
    let seated = false;
    evil.seat = () => {
      seated = true;
      return rooms[room];
    };
    await visitor.join(link);
    await visitor.until('has taken a seat', () => seated);
    if (visitor === right) for (const one of [a, right]) await one.reaches('waiting');
  }
  return [a, b, left, right];
}

for (const [first, last] of [['Chromium', 'Firefox'], ['Firefox', 'Chromium']]) {
  test(`somebody between ${first} and ${last}: every door holds, and the pictures differ`, PATIENT, async () => {
    const [a, b, left, right] = await between(first, last);
    for (const visitor of [a, b]) {
      await visitor.reaches('in-call');
      const { verdict, text, doors } = await visitor.panel();
      assert.deepEqual([verdict, text], ['verified', 'Encrypted, not compared']);
      for (const name of ['seal', 'fingerprints', 'media']) assert.equal(doors[name].state, 'held', name);
    }
    assert.deepEqual(await pictures(a), await pictures(left));
    assert.deepEqual(await pictures(b), await pictures(right));
    assert.notDeepEqual(await pictures(a), await pictures(b));
    for (const visitor of [a, b, left, right]) await visitor.close();
  });

  for (const [what, passes, code] of [
    ['the messages of the short string', (kind) => kind < 16, 'sas-commitment'],
    ['the introductions', (kind) => kind === 16, 'identity-refused'],
  ]) {
    test(`somebody between ${first} and ${last} passes on ${what}: ${code}`, PATIENT, async () => {
      let passed = 0;
      const [a, b, ...legs] = await between(first, last, async (left, right) => {
        for (const [from, to] of [[left, right], [right, left]]) {
          await from.page.evaluateOnNewDocument(passOn);
          await from.page.exposeFunction('sottoPass', async (bytes) => {
            if (!passes(bytes[0])) return;
            passed++;
            // The other leg may not stand yet.
            await to.until('can say it', () => to.page.evaluate((said) => {
              const open = globalThis.sottoSpy.channels.some(({ label, readyState }) => label === 'trust' && readyState === 'open');
              if (open) globalThis.sottoSay(said);
              return open;
            }, bytes));
          });
        }
      });
      // Which of the two finds out first is chance where both speak; the other one is not told by whoever sits between.
      const victim = await b.until(`or A: fails with ${code}`, async () => {
        const states = await Promise.all([a, b].map((visitor) => visitor.state()));
        return [a, b][states.indexOf(`failed ${code}`)];
      });
      assert.ok(passed > 0);
      assert.equal((await person(victim)).state, 'failed');
      assert.equal((await victim.panel()).text.split(':')[0], 'Person');
      for (const visitor of [a, b, ...legs]) await visitor.close();
    });
  }
}
