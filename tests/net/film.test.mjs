// README's command, over a bad network: a film goes to a browser, and the browser's camera is recorded.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { World } from '../browser/harness.mjs';
import { plays, run } from '../browser/recording.mjs';
import { Far } from './far.mjs';
import { counted } from './quality.mjs';

const world = new World();
let far, server, browsers;

before(async () => {
  far = await Far.start(world, 'seed', '3', 'loss', '3', 'delay', '20', 'jitter', '30', 'reorder', '5');
  server = await far.server();
  browsers = { Chromium: await world.chromium(server), Firefox: await world.firefox(server) };
}, { timeout: 120_000 });
after(() => world.close());

/** As films are: H.264 with pictures out of order, and AAC; neither is what a call carries. */
async function film() {
  const file = join(world.folder, 'film.mkv');
  await run('ffmpeg', ['-loglevel', 'error', '-y', '-f', 'lavfi', '-i', 'testsrc2=s=1280x720:r=24:d=6', '-f', 'lavfi', '-i', 'sine=f=440:d=6',
    '-c:v', 'libx264', '-preset', 'ultrafast', '-profile:v', 'high', '-x264-params', 'bframes=2', '-pix_fmt', 'yuv420p', '-c:a', 'aac', file]);
  return file;
}

for (const name of ['Chromium', 'Firefox']) {
  test(`a film to ${name}, and its camera into a file`, { timeout: 240_000 }, async (t) => {
    const words = /^ {4}sotto call (--in film\.mkv --out camera\.webm) LINK$/m.exec(readFileSync('README.md', 'utf8'));
    assert.ok(words, 'README has the command');
    const recording = join(world.folder, `${name}.webm`);
    const args = words[1].replace('film.mkv', await film()).replace('camera.webm', recording).split(' ');
    const visitor = await browsers[name].visitor(name);
    const link = await server.link();
    await visitor.join(link);
    await visitor.reaches('waiting');
    const native = far.call(server, link, ...args);
    await visitor.reaches('in-call');
    await visitor.until('has seen some of the film', async () => (await counted(visitor)).frames > 40);
    await visitor.receives();
    await visitor.press('hangup');
    assert.equal(await native.ends(), 0, native.complaints);
    const totals = await native.told('totals');
    t.diagnostic(JSON.stringify({ totals, seen: await far.stats() }));
    assert.ok(totals.picture.frames > 20, `${totals.picture.frames} pictures of the camera came`);
    assert.ok(totals.level > -60);
    await plays(recording);
    await visitor.close();
  });
}
