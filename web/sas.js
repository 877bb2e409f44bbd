// The short authentication string of one association (docs/protocol.md, section 6): bytes in, bytes out. No DOM.

import { compare, concat, utf8 } from './bytes.js';

/** @typedef {import('./bytes.js').Bytes} Bytes */
/** @typedef {'sas-order'|'sas-commitment'|'sas-reflected'} SasReason */

/**
 * What both ends know of their association, the DTLS client's first.
 * @typedef {object} Ends
 * @property {boolean} client whether this end was the client in DTLS
 * @property {[Bytes, Bytes]} fingerprints SHA-256 of the certificates
 * @property {[Bytes, Bytes]} sids in the epoch in which the peer connection began
 */

export const SAS = Object.freeze({ commit: 1, nonce: 2, reveal: 3 });

const NONCE = 32;
const STRING = 4;

export class SasError extends Error {
  /** @param {SasReason} reason */
  constructor(reason) {
    super(`short string: ${reason}`);
    this.reason = reason;
  }
}

/** In constant time. @param {Uint8Array} a @param {Uint8Array} b of the same length */
function equal(a, b) {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a[i] ^ b[i];
  return difference === 0;
}

export class Sas {
  /** The four bytes, once both nonces are known and the commitment has held. @type {Bytes | null} */ string = null;
  /** @type {'start'|'commit'|'nonce'|'reveal'|'done'|'failed'} named by what is awaited */ #awaits;
  /** @type {Bytes} */ #mine;
  /** @type {Bytes} of the client, at the server */ #commitment = new Uint8Array(0);
  /** @type {Bytes} */ #context;

  /** @param {Ends} ends @param {(length: number) => Bytes} [random] for test vectors */
  constructor(ends, random = (length) => crypto.getRandomValues(new Uint8Array(length))) {
    this.ends = ends;
    this.#context = concat(...ends.fingerprints, ...ends.sids);
    this.#mine = random(NONCE);
    this.#awaits = ends.client ? 'start' : 'commit';
  }

  /** Every door holds. @returns {Promise<Bytes | null>} what the client says first; the server waits for it */
  async begin() {
    // The other end with this end's certificate is this end.
    if (compare(...this.ends.fingerprints) === 0) throw this.#fault('sas-reflected');
    if (this.#awaits !== 'start') return null;
    this.#awaits = 'nonce';
    return concat([SAS.commit], await this.#commit(this.#mine));
  }

  /**
   * One at a time: the next message is given once this one is done with.
   * @param {Uint8Array} message @returns {Promise<Bytes | null>} the answer, if there is one; rejects with SasError
   */
  async take(message) {
    const expected = /** @type {Record<string, number>} */ (SAS)[this.#awaits];
    if (message[0] !== expected || message.length !== 1 + NONCE) throw this.#fault('sas-order');
    const body = new Uint8Array(message.subarray(1));
    if (message[0] === SAS.commit) {
      this.#commitment = body;
      this.#awaits = 'reveal';
      return concat([SAS.nonce], this.#mine);
    }
    if (compare(body, this.#mine) === 0) throw this.#fault('sas-reflected');
    if (message[0] === SAS.reveal) {
      if (!equal(await this.#commit(body), this.#commitment)) throw this.#fault('sas-commitment');
      await this.#finish(body, this.#mine);
      return null;
    }
    const reveal = concat([SAS.reveal], this.#mine);
    await this.#finish(this.#mine, body);
    return reveal;
  }

  /** @param {SasReason} reason */
  #fault(reason) {
    this.#awaits = 'failed';
    this.#mine.fill(0);
    this.string = null;
    return new SasError(reason);
  }

  /** @param {Bytes} nonce of the client @returns {Promise<Bytes>} */
  async #commit(nonce) {
    const text = concat(utf8('sotto v1 sas commit'), nonce, this.#context);
    return new Uint8Array(await crypto.subtle.digest('SHA-256', text));
  }

  /** @param {Bytes} client @param {Bytes} server their nonces */
  async #finish(client, server) {
    this.#awaits = 'done';
    const secret = concat(client, server);
    const key = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits']);
    const params = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info: concat(utf8('sotto v1 sas'), this.#context) };
    this.string = new Uint8Array(await crypto.subtle.deriveBits(params, key, STRING * 8));
    secret.fill(0);
    this.#mine.fill(0);
  }
}
