// SHA-256 (FIPS 180-4) over bytes that come piece by piece: WebCrypto wants all of them at once, which a large file is not
// to be in memory. For files alone; every key of a call goes through WebCrypto. Pure.

import { hex } from './bytes.js';

const BLOCK = 64;

/** The first 32 bits of the fractional part of a root of each of the first primes. @param {number} count @param {number} root */
function constants(count, root) {
  const primes = /** @type {number[]} */ ([]);
  for (let n = 2; primes.length < count; n++) {
    if (primes.every((p) => n % p !== 0)) primes.push(n);
  }
  return primes.map((p) => {
    // Exact, where a double would have no bits left: the root of p * 2^(32 * root) by bisection.
    const wanted = BigInt(p) << BigInt(32 * root);
    let low = 0n;
    let high = 1n << 40n;
    while (high - low > 1n) {
      const middle = (low + high) >> 1n;
      if (middle ** BigInt(root) <= wanted) low = middle;
      else high = middle;
    }
    return Number(low & 0xffffffffn);
  });
}

const K = Int32Array.from(constants(64, 3));
const START = Int32Array.from(constants(8, 2));

export class Sha256 {
  #state = START.slice();
  #words = new Int32Array(64);
  #rest = new Uint8Array(BLOCK);
  #length = 0;

  /** @param {Uint8Array} bytes */
  update(bytes) {
    let at = 0;
    const waiting = this.#length % BLOCK;
    this.#length += bytes.length;
    if (waiting > 0) {
      at = Math.min(BLOCK - waiting, bytes.length);
      this.#rest.set(bytes.subarray(0, at), waiting);
      if (waiting + at < BLOCK) return;
      this.#block(this.#rest, 0);
    }
    for (; at + BLOCK <= bytes.length; at += BLOCK) this.#block(bytes, at);
    this.#rest.set(bytes.subarray(at), 0);
  }

  /** @returns {string} the digest of all that came, in lower-case hexadecimal; nothing may follow */
  digest() {
    const length = this.#length;
    const waiting = length % BLOCK;
    const end = new Uint8Array((waiting < 56 ? 56 : 120) - waiting + 8);
    end[0] = 0x80;
    const view = new DataView(end.buffer);
    // The length in bits: 53 bits of bytes do not fit into 32.
    view.setUint32(end.length - 8, Math.floor(length / 0x20000000));
    view.setUint32(end.length - 4, (length << 3) >>> 0);
    this.update(end);
    const out = new DataView(new ArrayBuffer(32));
    this.#state.forEach((word, i) => out.setInt32(4 * i, word));
    return hex(new Uint8Array(out.buffer));
  }

  /** @param {Uint8Array} bytes @param {number} at */
  #block(bytes, at) {
    const w = this.#words;
    for (let i = 0, from = at; i < 16; i++, from += 4) {
      w[i] = bytes[from] << 24 | bytes[from + 1] << 16 | bytes[from + 2] << 8 | bytes[from + 3];
    }
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15];
      const y = w[i - 2];
      const s0 = (x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3;
      const s1 = (y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10;
      w[i] = w[i - 16] + s0 + w[i - 7] + s1 | 0;
    }
    const s = this.#state;
    let a = s[0], b = s[1], c = s[2], d = s[3], e = s[4], f = s[5], g = s[6], h = s[7];
    for (let i = 0; i < 64; i++) {
      const s1 = (e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7);
      const t1 = h + s1 + (e & f ^ ~e & g) + K[i] + w[i] | 0;
      const s0 = (a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10);
      const t2 = s0 + (a & b ^ a & c ^ b & c) | 0;
      h = g;
      g = f;
      f = e;
      e = d + t1 | 0;
      d = c;
      c = b;
      b = a;
      a = t1 + t2 | 0;
    }
    s[0] += a;
    s[1] += b;
    s[2] += c;
    s[3] += d;
    s[4] += e;
    s[5] += f;
    s[6] += g;
    s[7] += h;
  }
}
