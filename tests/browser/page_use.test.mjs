// The page in a person's hands: devices and what may be wrong with them, servers that are slow, gone or newer.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PATIENT, World } from './harness.mjs';

const world = new World();
let server, chromium;

before(async () => {
  server = await world.server();
  chromium = await world.chromium(server);
}, PATIENT);
after(() => world.close());

/** Runs in the page, before it: keeps the tracks that it captured, and can make the devices fail. */
function watchDevices() {
  const watch = { tracks: [], fault: '' };
  globalThis.sottoDevices = watch;
  const real = MediaDevices.prototype.getUserMedia;
  MediaDevices.prototype.getUserMedia = async function (wish) {
    if (watch.fault) throw new DOMException('for a test', watch.fault);
    const stream = await real.call(this, wish);
    watch.tracks.push(...stream.getTracks());
    return stream;
  };
}

/** @returns {Promise<string>} the name of the microphone that runs, or nothing */
const microphone = (visitor) => visitor.page.evaluate(() =>
  globalThis.sottoDevices.tracks.findLast((track) => track.kind === 'audio' && track.readyState === 'live')?.label ?? '');

async function atTheDoor() {
  const visitor = await chromium.visitor();
  await visitor.page.evaluateOnNewDocument(watchDevices);
  await visitor.open(await server.link());
  await visitor.reaches('prejoin');
  return visitor;
}

test('the microphone that was chosen is the one that runs, and one that is gone gives way to another', PATIENT, async () => {
  const visitor = await atTheDoor();
  await visitor.turnOn();
  const first = await microphone(visitor);
  const names = await visitor.until('names the microphones', async () => {
    const found = await visitor.page.evaluate(() => [...document.querySelectorAll('#pick-audio option')].map((o) => o.textContent));
    return found.length > 1 && found;
  });
  for (const name of names.filter((n) => n !== first)) {
    const id = await visitor.page.evaluate((wanted) =>
      [...document.querySelectorAll('#pick-audio option')].find((o) => o.textContent === wanted).value, name);
    await visitor.page.select('#pick-audio', id);
    await visitor.until(`runs ${name}`, async () => await microphone(visitor) === name);
  }
  await visitor.page.evaluate(() => document.getElementById('pick-audio').append(new Option('unplugged', 'no-such-device')));
  await visitor.page.select('#pick-audio', 'no-such-device');
  await visitor.until('runs another one', async () => /./.test(await microphone(visitor)));
  assert.equal(await visitor.text('device-error'), '');
  await visitor.isClean(server.url);
  await visitor.close();
});

test('a page that the server did not hear in time tries again', PATIENT, async () => {
  const hasty = await world.server({ args: ['--join-timeout', '1'] });
  const other = await world.chromium(hasty);
  const visitor = await other.visitor();
  await visitor.page.evaluateOnNewDocument(() => {
    const { send } = WebSocket.prototype;
    let held = false;
    WebSocket.prototype.send = function (data) {
      if (held) return send.call(this, data);
      held = true;
      return undefined;
    };
  });
  await visitor.join(await hasty.link(), { media: false });
  await visitor.until('is told why it waits', async () => (await visitor.panel()).notice === 'join-timeout');
  assert.match(await visitor.text('notice'), /^The server did not hear this page in time\. .*goes on trying/);
  await visitor.reaches('waiting');
  assert.equal((await visitor.panel()).notice, '');
  assert.equal((await visitor.did()).sockets.length, 2);
  await other.close();
});
