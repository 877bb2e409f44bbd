// What really went over the wire: every packet on the loopback device of this namespace, as dumpcap sees it.

import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { until } from './harness.mjs';

const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const ETHERNET = 14;
const DISCARD = 9;

/** @typedef {{proto: 'udp'|'tcp', from: string, to: string, data: Buffer}} Packet */

/** @param {Buffer} frame @returns {Packet | null} */
function readFrame(frame) {
  const ip = frame.subarray(ETHERNET);
  if (ip.length < 20) return null;
  let proto, rest, from, to;
  if (ip[0] >> 4 === 4) {
    // Ethernet pads short frames, so the header's length counts.
    rest = ip.subarray((ip[0] & 15) * 4, ip.readUInt16BE(2) || undefined);
    proto = ip[9];
    from = ip.subarray(12, 16).join('.');
    to = ip.subarray(16, 20).join('.');
  } else if (ip[0] >> 4 === 6 && ip.length >= 40) {
    rest = ip.subarray(40);
    proto = ip[6];
    from = `[${ip.toString('hex', 8, 24)}]`;
    to = `[${ip.toString('hex', 24, 40)}]`;
  } else return null;
  const head = proto === 17 ? 8 : proto === 6 && rest.length >= 20 ? (rest[12] >> 4) * 4 : -1;
  if (head < 0 || rest.length < head) return null;
  return {
    proto: proto === 17 ? 'udp' : 'tcp', from: `${from}:${rest.readUInt16BE(0)}`, to: `${to}:${rest.readUInt16BE(2)}`,
    data: rest.subarray(head),
  };
}

/** As RFC 7983 tells them apart. @param {Packet} packet */
export function kindOf({ proto, data }) {
  if (proto !== 'udp' || data.length < 4) return 'other';
  if (data[0] < 4 && data.length >= 20 && data.readUInt32BE(4) === 0x2112a442) return 'stun';
  if (data[0] >= 20 && data[0] <= 63) return 'dtls';
  if (data[0] < 128 || data[0] > 191) return 'other';
  return data[1] >= 192 && data[1] <= 223 ? 'rtcp' : 'rtp';
}

export class Capture {
  /** @type {Packet[]} */ packets = [];
  #rest = Buffer.alloc(0);
  #started = false;

  /** @param {import('./harness.mjs').World} world */
  static async start(world) {
    const capture = new Capture();
    const child = world.spawn('dumpcap', ['-q', '-i', 'lo', '-f', 'udp or tcp', '-s', '0', '-B', '32', '-P', '-w', '-']);
    child.stdout.on('data', (data) => capture.#take(data));
    let complaints = '';
    child.stderr.on('data', (data) => { complaints += data; });
    child.on('exit', () => capture.socket.close());
    capture.socket = createSocket('udp4');
    world.atEnd(() => child.kill('SIGKILL'));
    await capture.mark().catch((error) => { throw new Error(`${error.message}\n${complaints}`); });
    return capture;
  }

  /** @param {Buffer} data of a pcap file */
  #take(data) {
    this.#rest = Buffer.concat([this.#rest, data]);
    if (!this.#started) {
      if (this.#rest.length < FILE_HEADER) return;
      this.#rest = this.#rest.subarray(FILE_HEADER);
      this.#started = true;
    }
    while (this.#rest.length >= RECORD_HEADER) {
      const end = RECORD_HEADER + this.#rest.readUInt32LE(8);
      if (this.#rest.length < end) return;
      const packet = readFrame(this.#rest.subarray(RECORD_HEADER, end));
      if (packet) this.packets.push(packet);
      this.#rest = this.#rest.subarray(end);
    }
  }

  /** Sends a packet of our own and waits for it: all that was sent before is in the capture then. @returns {Promise<number>} */
  async mark() {
    // The first byte is one that no protocol of a call begins with.
    const token = Buffer.concat([Buffer.of(0x60), randomBytes(16)]);
    return until('the capture sees our own packet', () => {
      const index = this.packets.findLastIndex(({ data }) => data.equals(token));
      if (index >= 0) return index + 1;
      this.socket.send(token, DISCARD, '127.0.0.1');
      return 0;
    });
  }

  /** @param {number} from a mark @param {...string} kinds @returns {Packet[]} */
  since(from, ...kinds) {
    return this.packets.slice(from).filter((packet) => kinds.includes(kindOf(packet)));
  }
}

/**
 * Which of these texts or bytes went over the wire readably.
 * @param {Packet[]} packets @param {Record<string, string | Buffer>} wanted
 */
export function readable(packets, wanted) {
  /** @type {Map<string, Buffer[]>} a text may lie across two packets of a stream */ const flows = new Map();
  for (const { proto, from, to, data } of packets) {
    const name = `${proto} ${from} ${to}`;
    flows.set(name, [...flows.get(name) ?? [], data]);
  }
  const streams = [...flows.values()].map((parts) => Buffer.concat(parts));
  return Object.keys(wanted).filter((name) => streams.some((stream) => stream.includes(wanted[name])));
}

/** @param {Packet} packet @returns {boolean} holds a record of DTLS under keys: 1.3, or an epoch of 1.2 after 0 */
function isSealedRecord({ data }) {
  // A flight may be one datagram of many records, of which only the last is under keys.
  for (let at = 0; at + 13 <= data.length; at += 13 + data.readUInt16BE(at + 11)) {
    if (data[at] >= 32 || data.readUInt16BE(at + 3) > 0) return true;
  }
  return false;
}

/**
 * What went between two ends of a call before both had spoken under the keys of their handshake, and is neither STUN nor
 * DTLS: media, or whatever else it may be. @param {Packet[]} packets
 */
export function early(packets) {
  const sealed = new Set();
  const found = [];
  // Ports of a call are those that spoke DTLS; other programs' UDP is not ours to judge.
  const ends = new Set(packets.filter((packet) => kindOf(packet) === 'dtls').flatMap(({ from, to }) => [from, to]));
  for (const packet of packets) {
    const kind = kindOf(packet);
    const both = sealed.has(`${packet.from} ${packet.to}`) && sealed.has(`${packet.to} ${packet.from}`);
    if (kind === 'other' && packet.proto === 'udp' && ends.has(packet.from) && ends.has(packet.to) && !both)
      found.push(`${kind} ${packet.from} ${packet.to}`);
    if (kind === 'dtls' && isSealedRecord(packet)) sealed.add(`${packet.from} ${packet.to}`);
    if (kind !== 'rtp' && kind !== 'rtcp') continue;
    if (!both) found.push(`${kind} ${packet.from} ${packet.to}`);
  }
  return found;
}

/** @param {Packet} packet of RTP @returns {Buffer} */
function rtpPayload({ data }) {
  let start = 12 + (data[0] & 15) * 4;
  if (data[0] & 16 && data.length >= start + 4) start += 4 + data.readUInt16BE(start + 2) * 4;
  return data.subarray(start);
}

const ENOUGH = 40;

/**
 * The RTP streams that are not encrypted. The first byte of a payload (the TOC byte of Opus, the descriptor of VP8) takes
 * a handful of values in the clear, and any of 256 under encryption: that 40 of these are 20 kinds or fewer happens once
 * in 10^9 streams.
 * @param {Packet[]} packets @returns {{streams: number, plain: string[]}}
 */
export function plainStreams(packets) {
  /** @type {Map<string, number[]>} */ const firsts = new Map();
  for (const packet of packets) {
    if (kindOf(packet) !== 'rtp') continue;
    const payload = rtpPayload(packet);
    if (payload.length < 12) continue;
    const name = `${packet.from} ${packet.to} ssrc ${packet.data.toString('hex', 8, 12)} type ${packet.data[1] & 127}`;
    firsts.set(name, [...firsts.get(name) ?? [], payload[0]]);
  }
  const long = [...firsts].filter(([, bytes]) => bytes.length >= ENOUGH);
  const plain = long.filter(([, bytes]) => new Set(bytes.slice(0, ENOUGH)).size <= 20).map(([name]) => name);
  return { streams: long.length, plain };
}
