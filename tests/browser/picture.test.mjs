// The picture of the README, taken from a real call: SOTTO_SHOTS=docs SOTTO=build/sotto tests/browser/run \
//   tests/browser/picture.test.mjs

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { PATIENT, World } from './harness.mjs';
import { bothReceive, call } from './pairs.mjs';
import { drawPerson } from './person.mjs';

const shots = process.env.SOTTO_SHOTS;
const world = new World();
after(() => world.close());

test('a call, photographed', { ...PATIENT, skip: !shots && 'SOTTO_SHOTS names no folder' }, async () => {
  await mkdir(shots, { recursive: true });
  const server = await world.server();
  const visitors = [];
  for (const [name, shirt] of [['A', [110, 150]], ['B', [150, 105]]]) {
    const camera = join(world.folder, `${name}.y4m`);
    drawPerson(camera, shirt);
    visitors.push(await (await world.chromium({ ca: server.ca, camera })).visitor(name));
  }
  const [a, b] = visitors;
  await call(a, b, await server.link());
  await bothReceive(a, b);
  await a.until('has a picture that is sharp by now', async () => (await a.stats()).framesDecoded > 200);
  const photograph = async (name, viewport) => {
    await a.page.setViewport(viewport);
    await a.receives();
    await a.look();
    await a.page.screenshot({ path: join(shots, `${name}.png`) });
  };
  // The heart of the panel, opened as a person would.
  await a.page.click('[data-door=fingerprints] summary');
  await photograph('call', { width: 1280, height: 800 });
  await photograph('call-phone', { width: 390, height: 844, deviceScaleFactor: 2, isMobile: true, hasTouch: true });
});
