// A moving picture of somebody, drawn here, for the fake camera of Chromium: what a call looks like in the README.

import { closeSync, openSync, writeSync } from 'node:fs';

const WIDTH = 640;
const HEIGHT = 480;
const FRAMES = 12;

/** Is the point in an ellipse round (cx, cy)? 1 in its middle, 0 at its edge, less outside. */
const inside = (x, y, cx, cy, rx, ry) => 1 - ((x - cx) / rx) ** 2 - ((y - cy) / ry) ** 2;

/** @returns {[number, number, number]} Y, U, V of one point */
function colour(x, y, cx, cy, shirt) {
  const smile = inside(x, y, cx, cy + 26, 44, 32);
  if (smile > 0 && smile < 0.22 && y > cy + 40) return [95, 118, 150];
  if (inside(Math.abs(x - cx), y, 32, cy - 6, 7, 10) > 0) return [50, 124, 134];
  const face = inside(x, y, cx, cy, 85, 105);
  if (face > 0) return [165 + 35 * face, 112, 146];
  const hair = inside(x, y, cx, cy - 22, 104, 118);
  if (hair > 0 && y < cy + 50) return [48 + 20 * hair, 122, 134];
  const body = inside(x, y, cx, HEIGHT * 1.06, 195, 175);
  if (body > 0) return [105 + 25 * body, ...shirt];
  return [72 + 60 * y / HEIGHT + 20 * x / WIDTH, 134, 122];
}

function frame(t, shirt) {
  const luma = Buffer.alloc(WIDTH * HEIGHT);
  const chroma = [Buffer.alloc(WIDTH * HEIGHT / 4), Buffer.alloc(WIDTH * HEIGHT / 4)];
  const cx = WIDTH / 2 + 16 * Math.sin(t * 2 * Math.PI);
  const cy = HEIGHT * 0.45 + 5 * Math.cos(t * 4 * Math.PI);
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const [light, u, v] = colour(x, y, cx, cy, shirt);
      luma[y * WIDTH + x] = light;
      if (y % 2 === 0 && x % 2 === 0) {
        const at = (y / 2) * (WIDTH / 2) + x / 2;
        chroma[0][at] = u;
        chroma[1][at] = v;
      }
    }
  }
  return Buffer.concat([Buffer.from('FRAME\n'), luma, ...chroma]);
}

/** @param {string} path of the .y4m file to write @param {[number, number]} shirt U and V of its colour */
export function drawPerson(path, shirt) {
  const file = openSync(path, 'w');
  writeSync(file, `YUV4MPEG2 W${WIDTH} H${HEIGHT} F20:1 Ip A1:1 C420jpeg\n`);
  for (let i = 0; i < FRAMES; i++) writeSync(file, frame(i / FRAMES, shirt));
  closeSync(file);
}
