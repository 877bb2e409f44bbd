// All files of a call: which are hashed, offered, waiting for their turn; and how many of the other end's may be open. Pure.

import { Receiving, Sending } from './files.js';

/** @typedef {import('./channels.js').Channel} Channel */
/** @typedef {Sending | Receiving} Any */

/** Offers of one end that may be open at once. */
const OFFERS_MAX = 16;

export class Transfers {
  /** @type {Set<Receiving>} whose channel is open */ #incoming = new Set();
  /** @type {Set<Sending>} the same */ #outgoing = new Set();
  /** @type {Set<Sending>} hashed or to be hashed, and not offered yet */ #waiting = new Set();
  /** Files are read one after the other. */ #hashing = Promise.resolve();
  #over = false;

  /**
   * @param {() => Channel | null} openFile
   * @param {(transfer: Any) => void} changed it is new or something of it is: there is always something to show of it
   */
  constructor(openFile, changed) {
    this.openFile = openFile;
    this.changed = changed;
  }

  /** @param {Channel} channel that the other end opened for a file */
  take(channel) {
    if (this.#over || this.#incoming.size >= OFFERS_MAX) return channel.close();
    const transfer = new Receiving(channel, () => {
      // Before its offer there is nothing to show, and nothing to regret.
      if (transfer.offer) this.changed(transfer);
    });
    transfer.gone = () => this.#incoming.delete(transfer);
    this.#incoming.add(transfer);
  }

  /** @param {Blob} blob @param {string} name */
  offer(blob, name) {
    if (this.#over) return;
    const transfer = new Sending(blob, name, () => this.changed(transfer));
    this.#waiting.add(transfer);
    this.changed(transfer);
    this.#hashing = this.#hashing.then(async () => {
      await transfer.prepare();
      this.#next();
    });
  }

  #next() {
    for (const transfer of this.#waiting) {
      if (transfer.over) this.#waiting.delete(transfer);
      else if (transfer.offer && this.#outgoing.size < OFFERS_MAX) this.#begin(transfer);
    }
  }

  /** @param {Sending} transfer */
  #begin(transfer) {
    this.#waiting.delete(transfer);
    const channel = this.openFile();
    if (!channel) return transfer.fail('file-stopped');
    this.#outgoing.add(transfer);
    transfer.gone = () => {
      this.#outgoing.delete(transfer);
      this.#next();
    };
    transfer.begin(channel);
  }

  /** The call is over, and with it every channel. */
  end() {
    this.#over = true;
    for (const transfer of [...this.#waiting, ...this.#incoming, ...this.#outgoing]) transfer.fail('file-stopped');
  }
}
