// The seal: end-to-end encryption of what two ends say to each other (docs/protocol.md, section 4). No DOM, no network.
// Every operation goes through one queue, because WebCrypto is asynchronous and counters must keep their order.

import { compare, concat, fromBase64url, toBase64url, utf8 } from './bytes.js';

/** @typedef {import('./bytes.js').Bytes} Bytes */
/** @typedef {'malformed'|'no-epoch'|'reflected'|'replayed'|'gap'|'spliced'|'altered'|'exhausted'} SealReason */

/**
 * @typedef {object} Epoch
 * @property {Bytes} mine
 * @property {Bytes} theirs
 * @property {CryptoKey} sendKey
 * @property {CryptoKey} openKey
 * @property {number} sent
 * @property {number} next the counter that the next message must carry
 * @property {Bytes | null} offerHash of the last offer sent in this epoch
 */

/**
 * What opening a payload gave.
 * @typedef {{type: 'epoch', role: 'opener'|'answerer', callId: string, sids: [Bytes, Bytes], reply: string | null}} NewEpoch sids: this end's and the other's
 * @typedef {{type: 'message', kind: number, value: any, hash: Bytes}} Message
 * @typedef {{type: 'stale'}} Stale
 */

export const KIND = Object.freeze({ state: 0, offer: 1, answer: 2, candidate: 3, bye: 4 });

const VERSION = 1;
const HELLO = 1;
const SEALED = 2;
const SID = 16;
const HELLO_LENGTH = 2 + SID + SID;
const HEADER = 2 + SID + 8;
const HASH = 32;
const TAG = 16;
const LAST_COUNTER = 2 ** 32;
const ZEROS = new Uint8Array(SID);

/** A payload that breaks the epoch; `reason` is the name that reports use. */
export class SealError extends Error {
  /** @param {SealReason} reason */
  constructor(reason) {
    super(`seal: ${reason}`);
    this.reason = reason;
  }
}

/** @param {Uint8Array} bytes @returns {Promise<Bytes>} */
async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes)));
}

/** @param {number} counter @returns {Bytes} */
function u64(counter) {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(counter));
  return bytes;
}

/** @param {Uint8Array} a @param {Uint8Array} b @returns {Bytes} */
function saltOf(a, b) {
  return compare(a, b) < 0 ? concat(a, b) : concat(b, a);
}

export class Seal {
  /** @type {CryptoKey} */ #secret;
  /** @type {Bytes} */ #room;
  /** @type {(length: number) => Bytes} */ #random;
  /** @type {Bytes | null} */ #sid = null;
  #awaiting = false;
  #hadEpoch = false;
  /** @type {Epoch | null} */ #epoch = null;
  /** @type {Promise<unknown>} */ #queue = Promise.resolve();

  sealed = 0;
  opened = 0;
  stale = 0;

  /**
   * @param {CryptoKey} secret the link secret as an HKDF key
   * @param {Bytes} room
   * @param {(length: number) => Bytes} [random] for test vectors
   */
  constructor(secret, room, random = (length) => crypto.getRandomValues(new Uint8Array(length))) {
    this.#secret = secret;
    this.#room = room;
    this.#random = random;
  }

  /** @template T @param {() => T | Promise<T>} work @returns {Promise<T>} */
  #inOrder(work) {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => {});
    return result;
  }

  /** Opens a new epoch as the end that came last. @returns {Promise<string>} the hello to send */
  hello() {
    return this.#inOrder(() => {
      this.#epoch = null;
      this.#sid = this.#random(SID);
      this.#awaiting = true;
      return toBase64url(concat([HELLO, VERSION], this.#sid, ZEROS));
    });
  }

  /**
   * Somebody joined again: nothing is sealed or opened until the next pair of hellos.
   * @param {boolean} [earlier] an epoch may have existed in this seat that this object did not see (a reload): what is
   *   still on its way from it is stale, and no sign of an attack.
   */
  forget(earlier = false) {
    return this.#inOrder(() => {
      this.#epoch = null;
      this.#sid = null;
      this.#awaiting = false;
      if (earlier) this.#hadEpoch = true;
    });
  }

  /**
   * @param {number} kind @param {unknown} value
   * @param {Uint8Array} [offerHash] for an answer: the hash that came with the offer
   * @returns {Promise<string | null>} null when the epoch it was meant for is over
   */
  seal(kind, value, offerHash) {
    const meant = this.#epoch;
    return this.#inOrder(async () => {
      const epoch = this.#epoch;
      if (!epoch || epoch !== meant) return null;
      if (epoch.sent >= LAST_COUNTER) throw this.#broken('exhausted');
      const counter = u64(epoch.sent++);
      const text = utf8(JSON.stringify(value));
      const hash = kind === KIND.answer ? (offerHash ?? new Uint8Array(HASH)) : new Uint8Array(0);
      if (kind === KIND.offer) epoch.offerHash = await sha256(text);
      const params = this.#params(counter, epoch.mine, epoch.theirs, kind, hash);
      const body = await crypto.subtle.encrypt(params, epoch.sendKey, text);
      this.sealed++;
      return toBase64url(concat([SEALED, kind], epoch.mine, counter, hash, new Uint8Array(body)));
    });
  }

  /** @param {unknown} payload @returns {Promise<NewEpoch | Message | Stale>} rejects with SealError */
  open(payload) {
    return this.#inOrder(/** @returns {Promise<NewEpoch | Message | Stale>} */ async () => {
      const bytes = typeof payload === 'string' ? fromBase64url(payload) : null;
      if (bytes?.[0] === HELLO) return this.#openHello(bytes);
      if (bytes?.[0] === SEALED) return this.#openSealed(bytes);
      throw this.#broken('malformed');
    });
  }

  /** @param {SealReason} reason @returns {SealError} */
  #broken(reason) {
    this.#epoch = null;
    this.#sid = null;
    this.#awaiting = false;
    return new SealError(reason);
  }

  /** @returns {Stale} */
  #ignored() {
    this.stale++;
    return { type: 'stale' };
  }

  /** @param {Bytes} bytes @returns {Promise<NewEpoch | Stale>} */
  async #openHello(bytes) {
    if (bytes.length !== HELLO_LENGTH || bytes[1] !== VERSION) throw this.#broken('malformed');
    const theirs = bytes.slice(2, 2 + SID);
    const re = bytes.slice(2 + SID);
    if (compare(theirs, ZEROS) === 0) throw this.#broken('malformed');
    if (this.#sid && compare(theirs, this.#sid) === 0) throw this.#broken('reflected');
    if (compare(re, ZEROS) === 0) {
      // Both came again at once. Who awaits an answer came last, and the other forgets its own hello when it hears of it.
      if (this.#awaiting) return this.#ignored();
      this.#epoch = null;
      this.#awaiting = false;
      this.#sid = this.#random(SID);
      const callId = await this.#begin(this.#sid, theirs);
      const reply = toBase64url(concat([HELLO, VERSION], this.#sid, theirs));
      return { type: 'epoch', role: 'answerer', callId, sids: [this.#sid, theirs], reply };
    }
    if (!this.#awaiting || !this.#sid || compare(re, this.#sid) !== 0) return this.#ignored();
    this.#awaiting = false;
    const callId = await this.#begin(this.#sid, theirs);
    return { type: 'epoch', role: 'opener', callId, sids: [this.#sid, theirs], reply: null };
  }

  /** @param {Bytes} mine @param {Bytes} theirs @returns {Promise<string>} the call id of the new epoch */
  async #begin(mine, theirs) {
    const salt = saltOf(mine, theirs);
    /** @param {Bytes} from @param {Bytes} to @param {'encrypt'|'decrypt'} use */
    const key = (from, to, use) => crypto.subtle.deriveKey(
      { name: 'HKDF', hash: 'SHA-256', salt, info: concat(utf8('sotto v1 epoch'), from, to) },
      this.#secret, { name: 'AES-GCM', length: 256 }, false, [use]);
    const sendKey = await key(mine, theirs, 'encrypt');
    const openKey = await key(theirs, mine, 'decrypt');
    this.#epoch = { mine, theirs, sendKey, openKey, sent: 0, next: 0, offerHash: null };
    this.#hadEpoch = true;
    return toBase64url((await sha256(concat(utf8('sotto v1 call'), salt))).slice(0, 8));
  }

  /** @param {Bytes} bytes @returns {Promise<Message | Stale>} */
  async #openSealed(bytes) {
    const kind = bytes[1];
    const header = HEADER + (kind === KIND.answer ? HASH : 0);
    if (bytes.length < header + TAG || kind > KIND.bye) throw this.#broken('malformed');
    const epoch = this.#epoch;
    if (!epoch) {
      // What was on its way when the other end of this seat came back belongs to the epoch before.
      if (this.#hadEpoch) return this.#ignored();
      throw this.#broken('no-epoch');
    }
    const sender = bytes.slice(2, 2 + SID);
    if (compare(sender, epoch.mine) === 0) throw this.#broken('reflected');
    if (compare(sender, epoch.theirs) !== 0) return this.#ignored();
    const counter = new DataView(bytes.buffer, 2 + SID, 8).getBigUint64(0);
    if (counter < BigInt(epoch.next)) throw this.#broken('replayed');
    if (counter > BigInt(epoch.next)) throw this.#broken('gap');
    const hash = bytes.slice(HEADER, header);
    if (kind === KIND.answer && (!epoch.offerHash || compare(hash, epoch.offerHash) !== 0)) throw this.#broken('spliced');
    const params = this.#params(u64(epoch.next), epoch.theirs, epoch.mine, kind, hash);
    const text = await crypto.subtle.decrypt(params, epoch.openKey, bytes.slice(header)).catch(() => null);
    if (!text) throw this.#broken('altered');
    // An end says its state before anything else; a true key that does otherwise is not an end that we can talk to.
    if (epoch.next === 0 && kind !== KIND.state) throw this.#broken('malformed');
    epoch.next++;
    this.opened++;
    return { type: 'message', kind, value: this.#parse(text), hash: await sha256(new Uint8Array(text)) };
  }

  /** @param {ArrayBuffer} text */
  #parse(text) {
    try {
      const value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(text));
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
    } catch { /* falls through to the refusal */ }
    throw this.#broken('malformed');
  }

  /**
   * @param {Bytes} counter @param {Bytes} sender @param {Bytes} receiver @param {number} kind @param {Uint8Array} hash
   * @returns {AesGcmParams}
   */
  #params(counter, sender, receiver, kind, hash) {
    return {
      name: 'AES-GCM',
      iv: concat([0, 0, 0, 0], counter),
      additionalData: concat(utf8('sotto v1 aad'), [VERSION], this.#room, sender, receiver, [kind], hash),
      tagLength: TAG * 8,
    };
  }
}
