// Files over data channels: one machine for each, on either side (docs/protocol.md, section 5). Whoever shows them looks at
// `state`, `moved` and `code` when told that something changed. Pure: bytes come from a Blob and go to one.

import { isName, offeredName } from './names.js';
import { Sha256 } from './sha256.js';

/** @typedef {import('./channels.js').Channel} Channel */
/** @typedef {import('./channels.js').Data} Data */
/** @typedef {'hashing'|'queued'|'new'|'offered'|'moving'|'checking'|'done'|'refused'|'cancelled'|'failed'} FileState */
/** @typedef {{name: string, size: number | null, sha256: string | null}} Offer */

/** @returns {{[name: string]: unknown} | null} @param {string} text */
function readObject(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

/** How far a sender may be ahead of what the receiver has told it. */
const AHEAD = 1 << 20;
const TELL = 256 << 10;
const PIECE = 65536;
/** What is read of a file at once, and given to the browser before it has sent some of it. */
const SLICE = 1 << 20;
const BUFFERED = 256 << 10;
const LOW_WATER = 64 << 10;

/** @param {unknown} value @returns {value is number} */
const isCount = (value) => Number.isSafeInteger(value) && /** @type {number} */ (value) >= 0;
/** @param {unknown} value @returns {value is string} */
const isDigest = (value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);

/** What both sides have. */
class Transfer {
  /** @type {FileState} */ state;
  /** Why it failed, as errors.js has it. */ code = '';
  /** @type {Offer | null} */ offer = null;
  /** Bytes that are hashed, sent or put away: whatever goes on. */ moved = 0;
  /** @type {Channel | null} */ channel = null;
  /** Its channel is closed, whatever came of it. */ gone = () => {};

  /** @param {() => void} changed @param {FileState} [state] */
  constructor(changed, state = 'new') {
    this.changed = changed;
    this.state = state;
  }

  get over() {
    return ['done', 'refused', 'cancelled', 'failed'].includes(this.state);
  }

  /** @param {FileState} state @param {string} [code] */
  become(state, code = '') {
    if (this.over) return;
    this.state = state;
    this.code = code;
    this.changed();
  }

  /** Nothing goes on, and what came of it is thrown away. @param {string} code */
  fail(code) {
    this.become('failed', code);
    this.channel?.close();
  }

  cancel() {
    this.become('cancelled');
    this.channel?.close();
  }

  closed() {
    this.fail('file-stopped');
    this.gone();
  }

  /** @param {object} message @returns {boolean} */
  say(message) {
    return this.channel?.send(JSON.stringify(message)) === true;
  }
}

export class Sending extends Transfer {
  #sent = 0;
  #got = 0;
  #hash = new Sha256();
  /** @type {Uint8Array} */ #slice = new Uint8Array(0);
  #pumping = false;

  /** @param {Blob} blob @param {string} name @param {() => void} changed */
  constructor(blob, name, changed) {
    super(changed, 'queued');
    this.blob = blob;
    this.size = blob.size;
    this.name = offeredName(name);
  }

  /** @param {number} at @param {number} end @returns {Promise<Uint8Array | null>} null: the file is not what it was */
  async #read(at, end) {
    const bytes = await this.blob.slice(at, end).arrayBuffer().catch(() => null);
    return bytes?.byteLength === end - at ? new Uint8Array(bytes) : null;
  }

  /** What the offer promises is reckoned first. */
  async prepare() {
    if (this.over) return;
    this.become('hashing');
    const hash = new Sha256();
    for (let at = 0; at < this.size && !this.over;) {
      const bytes = await this.#read(at, Math.min(this.size, at + SLICE));
      if (!bytes) return this.fail('file-unreadable');
      hash.update(bytes);
      at += bytes.length;
      this.moved = at;
      this.changed();
    }
    if (this.over) return;
    this.moved = 0;
    this.offer = { name: this.name, size: this.size, sha256: hash.digest() };
    this.become('queued');
  }

  /** @param {Channel} channel of its own, not open yet */
  begin(channel) {
    this.channel = channel;
    channel.lowWater = LOW_WATER;
    channel.on = {
      opened: () => {
        this.say(this.offer ?? {});
        this.become('offered');
      },
      message: (data) => this.#take(data),
      closed: () => this.closed(),
      room: () => void this.#pump(),
    };
  }

  /** @param {Data} data */
  #take(data) {
    if (this.over) return;
    const message = typeof data === 'string' ? readObject(data) : null;
    if (this.state === 'offered' && typeof message?.accept === 'boolean') {
      this.become(message.accept ? 'moving' : 'refused');
      if (!message.accept) return this.channel?.close();
      return void this.#pump();
    }
    const under = this.state === 'moving' || this.state === 'checking';
    if (under && isCount(message?.got) && message.got >= this.#got && message.got <= this.#sent) {
      this.#got = message.got;
      this.moved = this.#got;
      this.changed();
      return void this.#pump();
    }
    if (this.state === 'checking' && typeof message?.done === 'boolean') return this.#finish(message.done);
    this.fail('file-order');
  }

  /** @param {boolean} fits */
  #finish(fits) {
    if (!fits) return this.fail('file-not-taken');
    this.moved = this.size;
    this.become('done');
    this.channel?.close();
  }

  /** Sends until the receiver is a window behind, or the browser holds enough; either sets it going again. */
  async #pump() {
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.state === 'moving' && this.#sent < this.size) {
      if (this.#slice.length === 0 && !await this.#refill()) break;
      const piece = this.#slice.subarray(0, PIECE);
      if (this.#sent + piece.length - this.#got > AHEAD || (this.channel?.waiting ?? 0) > BUFFERED) break;
      if (!this.channel?.send(piece)) {
        this.fail('file-stopped');
        break;
      }
      this.#hash.update(piece);
      this.#sent += piece.length;
      this.#slice = this.#slice.subarray(piece.length);
    }
    this.#pumping = false;
    if (this.state === 'moving' && this.#sent === this.size) this.#end();
  }

  /** @returns {Promise<boolean>} whether there is something to send */
  async #refill() {
    const bytes = await this.#read(this.#sent, Math.min(this.size, this.#sent + SLICE));
    if (bytes) this.#slice = bytes;
    else this.fail('file-unreadable');
    return bytes !== null;
  }

  #end() {
    const sha256 = this.#hash.digest();
    // It was written to since it was offered; the receiver would find the same.
    if (sha256 !== this.offer?.sha256) return this.fail('file-changed');
    this.become('checking');
    this.say({ end: this.#sent, sha256 });
  }
}

export class Receiving extends Transfer {
  /** The whole file, once its digest fits. @type {Blob | null} */ blob = null;
  #hash = new Sha256();
  /** @type {Blob[]} */ #parts = [];
  /** @type {Uint8Array[]} what is not a part yet */ #pieces = [];
  #piecesLength = 0;
  #told = 0;

  /** @param {Channel} channel that the other end opened @param {() => void} changed */
  constructor(channel, changed) {
    super(changed);
    this.channel = channel;
    channel.on = { opened() {}, message: (data) => this.#take(data), closed: () => this.closed(), room() {} };
  }

  /** @param {FileState} state @param {string} [code] */
  become(state, code = '') {
    super.become(state, code);
    if (!this.over) return;
    this.#parts = [];
    this.#pieces = [];
  }

  accept() {
    if (this.state !== 'offered') return;
    this.become('moving');
    this.say({ accept: true });
  }

  refuse() {
    if (this.state !== 'offered') return;
    this.become('refused');
    this.say({ accept: false });
    this.channel?.close();
  }

  /** @param {Data} data */
  #take(data) {
    // After the last word the sender closes, and says no more.
    if (this.over) return this.channel?.close();
    if (typeof data !== 'string') return this.state === 'moving' ? this.#put(data) : this.fail('file-order');
    const message = readObject(data);
    if (this.state === 'new' && message) return this.#offered(message);
    if (this.state === 'moving' && isCount(message?.end) && isDigest(message?.sha256)) return this.#compare(message.end, message.sha256);
    this.fail('file-order');
  }

  /** @param {{[name: string]: unknown}} message */
  #offered({ name, size, sha256 }) {
    if (!isName(name)) return this.fail('file-order');
    if (size === null && sha256 === null) this.offer = { name, size, sha256 };
    else if (isCount(size) && isDigest(sha256)) this.offer = { name, size, sha256 };
    else return this.fail('file-order');
    this.become('offered');
  }

  /** @param {Uint8Array} bytes */
  #put(bytes) {
    const size = this.offer?.size ?? Number.MAX_SAFE_INTEGER;
    // No digest can fit any more.
    if (this.moved + bytes.length > size) return this.fail('file-mismatch');
    this.#hash.update(bytes);
    this.#pieces.push(bytes);
    this.#piecesLength += bytes.length;
    this.moved += bytes.length;
    if (this.#piecesLength >= SLICE) this.#pack();
    if (this.moved - this.#told >= TELL) {
      this.#told = this.moved;
      this.say({ got: this.moved });
    }
    this.changed();
  }

  /** A Blob can wait on a disk, where a large file has room. */
  #pack() {
    this.#parts.push(new Blob(/** @type {BlobPart[]} */ (this.#pieces)));
    this.#pieces = [];
    this.#piecesLength = 0;
  }

  /** @param {number} end @param {string} sha256 */
  #compare(end, sha256) {
    const { size, sha256: promised } = /** @type {Offer} */ (this.offer);
    const came = this.#hash.digest();
    const fits = end === this.moved && sha256 === came && (size === null || (size === this.moved && promised === came));
    if (fits) {
      this.#pack();
      this.blob = new Blob(this.#parts);
    }
    this.say({ done: fits });
    // The sender closes; at its side a close before that word would be another end.
    this.become(fits ? 'done' : 'failed', fits ? '' : 'file-mismatch');
  }
}
