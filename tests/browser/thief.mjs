// Somebody who got hold of the link: can do all that the seal keeps from a server (docs/protocol.md, section 4).
// Written from the protocol, and not with the page's code, so that each is a check of the other.

import { createCipheriv, createDecipheriv, createHash, hkdfSync } from 'node:crypto';

const SID = 16;
const HEADER = 2 + SID + 8;
const TAG = 16;

export class Thief {
  /** @type {Map<string, string>} sid to the other sid of its epoch, hex */ #pairs = new Map();
  /** @type {Map<string, Buffer>} hash of the offer as it went on, to the hash of the offer as it was made */ #offers = new Map();

  /** @param {string} link */
  constructor(link) {
    this.secret = Buffer.from(link.split('#')[1], 'base64url').subarray(0, 16);
    this.room = Buffer.from(hkdfSync('sha256', this.secret, '', 'sotto v1 room', 16));
  }

  /** Learns from a hello which session ids belong together. @param {import('./evil.mjs').Envelope} envelope */
  listen({ kind, sid, re }) {
    if (kind !== 'hello' || /^0+$/.test(re)) return;
    this.#pairs.set(sid, re);
    this.#pairs.set(re, sid);
  }

  /** @param {Buffer} bytes */
  #params(bytes) {
    const sender = bytes.subarray(2, 2 + SID);
    const receiver = Buffer.from(this.#pairs.get(sender.toString('hex')), 'hex');
    const salt = Buffer.concat([sender, receiver].sort(Buffer.compare));
    const info = Buffer.concat([Buffer.from('sotto v1 epoch'), sender, receiver]);
    const key = Buffer.from(hkdfSync('sha256', this.secret, salt, info, 32));
    const nonce = Buffer.concat([Buffer.alloc(4), bytes.subarray(18, 26)]);
    const hash = bytes[1] === 2 ? bytes.subarray(HEADER, HEADER + 32) : Buffer.alloc(0);
    const aad = (answered) => Buffer.concat([Buffer.from('sotto v1 aad'), Buffer.of(1), this.room, sender, receiver,
      Buffer.of(bytes[1]), answered]);
    return { key, nonce, hash, aad };
  }

  /** @param {Buffer} bytes @returns {Buffer} the plaintext */
  #decrypt(bytes) {
    const { key, nonce, hash, aad } = this.#params(bytes);
    const cipher = createDecipheriv('aes-256-gcm', key, nonce).setAAD(aad(hash)).setAuthTag(bytes.subarray(-TAG));
    const body = bytes.subarray(HEADER + hash.length, -TAG);
    return Buffer.concat([cipher.update(body), cipher.final()]);
  }

  /** @param {import('./evil.mjs').Envelope} envelope @returns {any} */
  open({ bytes }) {
    return JSON.parse(this.#decrypt(bytes));
  }

  /** The same message with another content. @param {import('./evil.mjs').Envelope} envelope @param {any} value @returns {string} */
  reseal({ bytes, kind }, value) {
    const { key, nonce, hash, aad } = this.#params(bytes);
    const text = Buffer.from(JSON.stringify(value));
    if (kind === 'offer') {
      const made = createHash('sha256').update(this.#decrypt(bytes)).digest();
      this.#offers.set(createHash('sha256').update(text).digest('hex'), made);
    }
    // The answer names the offer that came, and must name the one that was made.
    const answered = this.#offers.get(hash.toString('hex')) ?? hash;
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(aad(answered));
    return Buffer.concat([bytes.subarray(0, HEADER), answered, cipher.update(text), cipher.final(), cipher.getAuthTag()])
      .toString('base64url');
  }
}
