// tests/browser/clock_strip.mjs, which reads the clock out of pictures, against the vectors that the C side must meet too.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readClockStrip, readClockStripSource } from '../browser/clock_strip.mjs';

const { strips } = JSON.parse(readFileSync(new URL('../vectors/clock_strip.json', import.meta.url), 'utf8'));

/** A picture whose strip is this, in RGBA; what is below the strip is grey. */
function picture(upper, lower, width, [black, white] = [0, 255]) {
  const height = Math.ceil(width * 9 / 16);
  const data = new Uint8ClampedArray(4 * width * height).fill(128);
  const edge = (n) => Math.floor(n * width / 20);
  [upper, lower].forEach((cells, row) => [...cells].forEach((cell, column) => {
    for (let y = edge(row); y < edge(row + 1); y++) {
      data.fill(cell === '1' ? white : black, 4 * (y * width + edge(column)), 4 * (y * width + edge(column + 1)));
    }
  }));
  return { data, width, height };
}

function pgm(name) {
  const bytes = readFileSync(new URL(`../vectors/${name}`, import.meta.url));
  const [head, width, height] = /^P5\s(\d+)\s(\d+)\s255\s/.exec(bytes.toString('latin1', 0, 40));
  const luma = bytes.subarray(head.length);
  return { width: Number(width), height: Number(height), data: Array.from(luma, (l) => [l, l, l, 255]).flat() };
}

test('every vector is read, in every size and in both ranges of brightness', () => {
  for (const { ms, upper, lower } of strips) {
    for (const width of [80, 160, 320, 427, 640, 1280]) {
      assert.equal(readClockStrip(picture(upper, lower, width)), ms);
      assert.equal(readClockStrip(picture(upper, lower, width, [16, 235])), ms);
    }
  }
});

test('one wrong cell, black, grey and small pictures have no time', () => {
  const { upper, lower } = strips[4];
  for (let i = 0; i < 20; i++) {
    const flip = (cells) => cells.slice(0, i) + (cells[i] === '1' ? '0' : '1') + cells.slice(i + 1);
    assert.equal(readClockStrip(picture(flip(upper), lower, 320)), null);
    assert.equal(readClockStrip(picture(upper, flip(lower), 320)), null);
  }
  assert.equal(readClockStrip(picture('0'.repeat(20), '0'.repeat(20), 320)), null);
  assert.equal(readClockStrip(picture('1'.repeat(20), '1'.repeat(20), 320)), null);
  assert.equal(readClockStrip(picture(upper, lower, 320, [128, 128])), null);
  assert.equal(readClockStrip(picture(upper, lower, 60)), null);
  assert.equal(readClockStrip({ data: new Uint8ClampedArray(4 * 640 * 20), width: 640, height: 20 }), null);
});

test('a picture that was coded at 100 kbit/s and halved is read', () => {
  assert.equal(readClockStrip(pgm('clock_strip_lossy.pgm')), 12966);
});

test('the source of the reader, which goes into pages, reads the same', () => {
  const read = new Function(`return ${readClockStripSource}`)();
  for (const { ms, upper, lower } of strips) assert.equal(read(picture(upper, lower, 320)), ms);
});
