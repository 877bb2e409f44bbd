// web/sha256.js against Node's own: lengths round the blocks, every way to cut, and more bytes than 32 bits can count in bits.

import './browser.mjs';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Sha256 } from '../../web/sha256.js';

const bytes = (length) => Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 255);
const theirs = (data) => createHash('sha256').update(data).digest('hex');

function ours(...parts) {
  const hash = new Sha256();
  for (const part of parts) hash.update(part);
  return hash.digest();
}

test('the examples of FIPS 180-4', () => {
  const text = (s) => ours(new TextEncoder().encode(s));
  assert.equal(text(''), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  assert.equal(text('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  assert.equal(text('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'),
    '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1');
});

test('every length up to four blocks', () => {
  for (let length = 0; length <= 256; length++) assert.equal(ours(bytes(length)), theirs(bytes(length)), `${length} bytes`);
});

test('every way to cut two hundred bytes in three', () => {
  const all = bytes(200);
  const expected = theirs(all);
  for (let one = 0; one <= 200; one++) {
    for (let two = one; two <= 200; two += 3) {
      assert.equal(ours(all.subarray(0, one), all.subarray(one, two), all.subarray(two)), expected, `${one}, ${two}`);
    }
  }
});

test('some megabytes in uneven pieces, and a view into a larger buffer', () => {
  const all = bytes(3_000_001);
  const parts = [];
  for (let at = 0, size = 1; at < all.length; at += size, size = (size * 7 + 13) % 70_001 + 1) parts.push(all.subarray(at, at + size));
  assert.equal(ours(...parts), theirs(all));
});

test('a length that is more than 2^32 bits', () => {
  const part = new Uint8Array(1 << 20);
  const [mine, node] = [new Sha256(), createHash('sha256')];
  for (let i = 0; i < 513; i++) {
    mine.update(part);
    node.update(part);
  }
  assert.equal(mine.digest(), node.digest('hex'));
});
