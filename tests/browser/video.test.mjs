// `sotto call` with the call page in both browsers, sound and picture both ways: the clock in the picture is read back
// from what the page shows, so that frames are known to be in order and in time.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readClockStripSource } from './clock_strip.mjs';
import { PATIENT, World } from './harness.mjs';
import { Native, meet } from './native.mjs';
import { plays, run } from './recording.mjs';

const world = new World();
let server, browsers;

before(async () => {
  server = await world.server();
  browsers = { Chromium: await world.chromium(server), Firefox: await world.firefox(server) };
}, PATIENT);
after(() => world.close());

/** @returns {Promise<{shown: number, at: number}[]>} what the clock in the other end's picture said, and when that was seen */
const watch = (visitor, count) => visitor.page.evaluate(`new Promise((done) => {
  const read = ${readClockStripSource};
  const video = document.getElementById('remote'), seen = [], canvas = document.createElement('canvas');
  const look = () => {
    if (video.videoWidth > 0) {
      canvas.width = video.videoWidth;
      canvas.height = video.videoHeight;
      const context = canvas.getContext('2d', { willReadFrequently: true });
      context.drawImage(video, 0, 0);
      const shown = read(context.getImageData(0, 0, canvas.width, canvas.height));
      if (shown !== null && shown !== seen.at(-1)?.shown) seen.push({ shown, at: performance.now() });
    }
    if (seen.length < ${count}) setTimeout(look, 15);
    else done(seen);
  };
  look();
})`);

/** In order, without a long pause, and never far behind the clock that it began with. */
function inTime(seen, who) {
  const late = seen.map(({ shown, at }) => at - shown);
  for (let i = 1; i < seen.length; i++) {
    assert.ok(seen[i].shown > seen[i - 1].shown, `${who}: frame ${i} shows ${seen[i].shown} after ${seen[i - 1].shown}`);
  }
  const spread = Math.max(...late) - Math.min(...late);
  assert.ok(spread < 2000, `${who}: the picture is at times ${spread} ms later than at others`);
}

for (const name of ['Chromium', 'Firefox']) {
  for (const last of ['native', 'browser']) {
    test(`${name} and sotto call, the ${last} end comes last: sound and picture both ways, in order`, PATIENT, async () => {
      const visitor = await browsers[name].visitor(name);
      const link = await server.link();
      const film = join(world.folder, `${name}-${last}.webm`);
      const start = () => new Native(world, server, link, '--in', 'test', '--out', film);
      const native = await meet(visitor, link, start, last);
      await native.report();
      await visitor.receives();
      inTime(await watch(visitor, 40), name);
      // Turned off and on again by the page: the native end is told, and goes on.
      await visitor.press('camera');
      await native.told('other', (event) => event.audio && !event.video);
      await visitor.press('camera');
      await native.told('other', (event) => event.audio && event.video);
      await visitor.receives();
      await visitor.press('hangup');
      assert.equal(await native.ends(), 0);
      const totals = await native.told('totals');
      assert.ok(totals.level > -60, `the browser's microphone was heard: ${totals.level} dBov`);
      assert.equal(totals.picture.codec, 'VP8');
      assert.ok(totals.picture.frames > 20, `${totals.picture.frames} pictures of the browser were whole`);
      assert.ok(totals.picture.sent > 100);
      await plays(film);
      await visitor.isClean(server.url);
      await visitor.close();
    });
  }
}

/** @returns {Promise<number>} pictures that the browser has encoded */
function picturesOf(visitor) {
  return visitor.page.evaluate(async () => {
    for (const entry of (await globalThis.sottoSpy.peers.at(-1).getStats()).values()) {
      if (entry.type === 'outbound-rtp' && entry.kind === 'video') return entry.framesEncoded;
    }
    return 0;
  });
}

test('Chromium and sotto call: H.264 both ways, where a file takes nothing else', PATIENT, async () => {
  const visitor = await browsers.Chromium.visitor('Chromium');
  const link = await server.link();
  const film = join(world.folder, 'film.mp4');
  const native = new Native(world, server, link, '--in', 'test', '--out', film);
  await native.reaches('waiting');
  await visitor.join(link);
  await visitor.reaches('in-call');
  await visitor.receives();
  inTime(await watch(visitor, 30), 'Chromium');
  // Its camera may begin later than the other end's.
  await visitor.until('sends its camera', async () => await picturesOf(visitor) > 40);
  await visitor.press('hangup');
  assert.equal(await native.ends(), 0);
  const totals = await native.told('totals');
  assert.equal(totals.picture.codec, 'H264');
  assert.ok(totals.picture.frames > 20, `${totals.picture.frames} pictures of the browser were whole`);
  await plays(film);
  await visitor.close();
});

for (const name of ['Chromium', 'Firefox']) {
  test(`${name} and sotto call: what is sent changes in mid-call, by a new offer of the page`, PATIENT, async () => {
    const visitor = await browsers[name].visitor(name);
    const link = await server.link();
    const film = join(world.folder, `${name}-again.webm`);
    await visitor.join(link);
    await visitor.reaches('waiting');
    const native = new Native(world, server, link, '--in', 'test', '--out', film);
    await visitor.reaches('in-call');
    await visitor.receives();
    const direct = (direction) => visitor.page.evaluate((wanted) => {
      globalThis.sottoSpy.peers.at(-1).getTransceivers()[1].direction = wanted;
    }, direction);
    const agreed = (direction) => visitor.until(`has agreed on ${direction}`, () => visitor.page.evaluate((wanted) => {
      const pc = globalThis.sottoSpy.peers.at(-1);
      return pc.signalingState === 'stable' && pc.getTransceivers()[1].currentDirection === wanted;
    }, direction));
    for (const direction of ['recvonly', 'inactive', 'sendrecv']) {
      await direct(direction);
      await agreed(direction);
    }
    // Both ways, as before, and over the same keys.
    await visitor.receives();
    inTime(await watch(visitor, 30), name);
    assert.equal((await visitor.did()).peers, 1);
    await visitor.press('hangup');
    assert.equal(await native.ends(), 0);
    assert.ok((await native.told('totals')).picture.frames > 20);
    await plays(film);
    await visitor.close();
  });
}

test('Chromium and sotto call: a screen that is shared in mid-call is in the recording, in its own size', PATIENT, async () => {
  const visitor = await browsers.Chromium.visitor('Chromium');
  const link = await server.link();
  const film = join(world.folder, 'screen.webm');
  await visitor.join(link);
  await visitor.reaches('waiting');
  const native = new Native(world, server, link, '--in', 'test', '--out', film);
  await visitor.reaches('in-call');
  await visitor.receives();
  const sent = () => picturesOf(visitor);
  // Until pictures of the camera have left the browser, some of them, and then of the screen.
  await visitor.until('sends its camera', async () => await sent() > 10);
  await visitor.press('screen');
  await native.told('other', (event) => event.screen);
  const first = await sent();
  await visitor.until('sends its screen', async () => await sent() > first + 10);
  await visitor.press('screen');
  await native.told('other', (event) => event.video && !event.screen && native.events.some((before) => before.screen));
  await visitor.press('hangup');
  assert.equal(await native.ends(), 0);
  const { stderr } = await run('ffmpeg', ['-hide_banner', '-i', film, '-vf', 'showinfo', '-f', 'null', '-']);
  const sizes = new Set([...stderr.matchAll(/ s:(\d+x\d+) /g)].map(([, size]) => size));
  assert.ok(sizes.size > 1, `sizes of pictures: ${[...sizes]}`);
  await plays(film);
  await visitor.close();
});
