// A TURN client of a few lines over UDP, which asks for whatever a test wants. It shares nothing with src/ice/turn.c.

import { createHash, createHmac, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { within } from '../server/harness.mjs';
import { ADDRESS, SECRET } from './world.mjs';

const COOKIE = 0x2112a442;
export const METHOD = { allocate: 0x003, send: 0x006, permission: 0x008, bind: 0x009 };
const TYPE = { username: 0x06, integrity: 0x08, error: 0x09, channel: 0x0c, peer: 0x12, data: 0x13, realm: 0x14,
  nonce: 0x15, relayed: 0x16, family: 0x17, transport: 0x19 };

/** @param {number} type @param {Buffer} value */
function attribute(type, value) {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(value.length, 2);
  return Buffer.concat([head, value, Buffer.alloc((4 - (value.length % 4)) % 4)]);
}

/** "10.0.0.1", "2001:db8::1", "::ffff:10.0.0.1" as 4 or 16 bytes @param {string} text */
export function ipBytes(text) {
  if (!text.includes(':')) return Buffer.from(text.split('.').map(Number));
  const [head, tail] = text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) =>
    `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`).split('::').map((part) => part.split(':').filter(Boolean));
  const groups = tail ? [...head, ...Array(8 - head.length - tail.length).fill('0'), ...tail] : head;
  const bytes = Buffer.alloc(16);
  groups.forEach((group, i) => bytes.writeUInt16BE(parseInt(group, 16), 2 * i));
  return bytes;
}

function xorAddress(ip, port, id) {
  const bytes = ipBytes(ip), mask = Buffer.alloc(16);
  mask.writeUInt32BE(COOKIE, 0);
  id.copy(mask, 4);
  const value = Buffer.alloc(4 + bytes.length);
  value[1] = bytes.length === 4 ? 1 : 2;
  value.writeUInt16BE(port ^ (COOKIE >>> 16), 2);
  bytes.forEach((byte, i) => { value[4 + i] = byte ^ mask[i]; });
  return value;
}

export class Turn {
  #waiting = new Map();

  constructor(t, user = 'test') {
    this.username = `${Math.floor(Date.now() / 1000) + 600}:${user}`;
    this.password = createHmac('sha1', SECRET).update(this.username).digest('base64');
    this.socket = createSocket('udp4');
    this.socket.on('message', (bytes) => this.#waiting.get(bytes.subarray(8, 20).toString('hex'))?.(bytes));
    t.after(() => this.socket.close());
  }

  #message(method, kind, id, attributes, signed) {
    const list = [...attributes];
    const head = Buffer.alloc(20);
    head.writeUInt16BE((method & 0xf) | ((method & 0x70) << 1) | (kind === 'indication' ? 0x10 : 0), 0);
    head.writeUInt32BE(COOKIE, 4);
    id.copy(head, 8);
    if (signed) list.push(attribute(TYPE.username, Buffer.from(this.username)), attribute(TYPE.realm, this.realm), attribute(TYPE.nonce, this.nonce));
    const body = Buffer.concat(list);
    head.writeUInt16BE(body.length + (signed ? 24 : 0), 2);
    const all = Buffer.concat([head, body]);
    if (!signed) return all;
    const key = createHash('md5').update(`${this.username}:${this.realm}:${this.password}`).digest();
    return Buffer.concat([all, attribute(TYPE.integrity, createHmac('sha1', key).update(all).digest())]);
  }

  /** @returns {Promise<{error: number, found: (type: number) => Buffer | undefined}>} */
  async request(method, attributesOf) {
    const id = randomBytes(12);
    const bytes = this.#message(method, 'request', id, attributesOf(id), this.realm !== undefined);
    const answer = within(new Promise((done) => this.#waiting.set(id.toString('hex'), done)), 'an answer of coturn', 10_000);
    this.socket.send(bytes, 3478, ADDRESS);
    const got = /** @type {Buffer} */ (await answer);
    const found = (type) => {
      for (let at = 20; at < got.length; at += 4 + Math.ceil(got.readUInt16BE(at + 2) / 4) * 4)
        if (got.readUInt16BE(at) === type) return got.subarray(at + 4, at + 4 + got.readUInt16BE(at + 2));
      return undefined;
    };
    const code = found(TYPE.error);
    const error = code ? code[2] * 100 + code[3] : 0;
    if (error === 401 || error === 438) {
      if (error === 401 && this.realm) throw new Error('coturn does not take the credentials');
      [this.realm, this.nonce] = [Buffer.from(found(TYPE.realm)), Buffer.from(found(TYPE.nonce))];
      return this.request(method, attributesOf);
    }
    return { error, found };
  }

  /** @param {4 | 6} family */
  async allocate(family) {
    const { error, found } = await this.request(METHOD.allocate, () => [
      attribute(TYPE.transport, Buffer.from([17, 0, 0, 0])), attribute(TYPE.family, Buffer.from([family === 4 ? 1 : 2, 0, 0, 0]))]);
    if (error || !found(TYPE.relayed)) throw new Error(`no allocation: ${error}`);
  }

  async permit(ip) {
    return (await this.request(METHOD.permission, (id) => [attribute(TYPE.peer, xorAddress(ip, 9, id))])).error;
  }

  async bind(ip, port, number) {
    const channel = Buffer.alloc(4);
    channel.writeUInt16BE(number, 0);
    return (await this.request(METHOD.bind, (id) => [attribute(TYPE.channel, channel), attribute(TYPE.peer, xorAddress(ip, port, id))])).error;
  }

  /** A Send indication: there is no answer. */
  send(ip, port, text) {
    const id = randomBytes(12);
    this.socket.send(this.#message(METHOD.send, 'indication', id, [attribute(TYPE.peer, xorAddress(ip, port, id)),
      attribute(TYPE.data, Buffer.from(text))], false), 3478, ADDRESS);
  }
}
