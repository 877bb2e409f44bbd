// `sotto call --out window` with the page in Chromium: its camera is seen, and is not seen any more once it is turned off.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { PATIENT, World, until } from './harness.mjs';
import { Native } from './native.mjs';

const run = promisify(execFile);
const world = new World();
let server, browser, screen;

before(async () => {
  server = await world.server();
  browser = await world.chromium(server);
  screen = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1024x768x24', '-noreset', '-nolisten', 'tcp'],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  const [number] = await once(screen.stdio[3], 'data');
  Object.assign(process.env, { DISPLAY: `:${String(number).trim()}`, SDL_VIDEODRIVER: 'x11', SDL_RENDER_DRIVER: 'software' });
}, PATIENT);
after(async () => {
  await world.close();
  screen.kill('SIGKILL');
});

/** Is the middle of the screen of the green that Chromium's camera has? */
async function isGreen() {
  const { stdout } = await run('ffmpeg', ['-nostdin', '-loglevel', 'error', '-f', 'x11grab', '-draw_mouse', '0', '-i', process.env.DISPLAY,
    '-frames:v', '1', '-vf', 'crop=64:64:300:360,scale=1:1', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'], { encoding: 'buffer' });
  const [red, green, blue] = stdout;
  return green > 80 && green > red + 60 && green > blue + 60;
}

test('the camera of the page is seen in the window while it is on', PATIENT, async () => {
  const visitor = await browser.visitor('who shows');
  const link = await server.link();
  const native = new Native(world, server, link, '--out', 'window');
  await native.reaches('waiting');
  await visitor.join(link);
  await native.until('shows the camera', isGreen);
  await visitor.press('camera');
  await native.told('other', ({ video }) => !video);
  await native.until('shows black', async () => !await isGreen());
  await visitor.press('camera');
  await native.until('shows the camera again', isGreen);
  native.hangUp();
  await until('the end', async () => await native.ends() === 0);
});
