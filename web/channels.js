// The data channels of one peer connection, behind the doors: what comes before this end's own checks are done waits here,
// and nothing goes out.

/** @typedef {string | Uint8Array} Data as it was sent: text or bytes */

/**
 * @typedef {object} ChannelEvents what whoever uses a channel wants to hear
 * @property {() => void} opened it may be sent on
 * @property {(data: Data) => void} message
 * @property {() => void} closed once, whichever end closed it
 * @property {() => void} room what waited to be sent is down to `lowWater`
 */

/** Both ends make these two, so that no message is needed to open them. */
export const TRUST = { id: 0, label: 'trust', protocol: 'sotto.trust.v1' };
export const CHAT = { id: 1, label: 'chat', protocol: 'sotto.chat.v1' };
/** One for each file, opened by its sender. */
export const FILE = { label: 'file', protocol: 'sotto.file.v1' };

export const MESSAGE_MAX = 65536;
/** What may come before the doors are checked, which takes some milliseconds. */
const HELD_MESSAGES = 64;
const HELD_BYTES = 1 << 20;
const HELD_FILES = 16;

/** @param {Data} data */
function lengthOf(data) {
  return typeof data === 'string' ? new TextEncoder().encode(data).length : data.byteLength;
}

export class Channel {
  /** @type {ChannelEvents} */ on = { opened() {}, message() {}, closed() {}, room() {} };
  /** Whether it is open and every door holds. */
  ready = false;
  /** @type {Data[]} */ #held = [];
  #heldBytes = 0;
  #over = false;

  /** @param {RTCDataChannel} channel @param {() => void} opened @param {(channel: Channel) => void} gone */
  constructor(channel, opened, gone) {
    this.rtc = channel;
    this.label = channel.label;
    this.gone = gone;
    // Firefox would give blobs, which are read out of order.
    channel.binaryType = 'arraybuffer';
    channel.onopen = opened;
    channel.onmessage = ({ data }) => this.#take(typeof data === 'string' ? data : new Uint8Array(data));
    channel.onclose = () => this.#end();
    channel.onbufferedamountlow = () => {
      if (this.ready) this.on.room();
    };
  }

  get isOpen() {
    return !this.#over && this.rtc.readyState === 'open';
  }

  /** Bytes that this browser was given and has not sent. */
  get waiting() {
    return this.rtc.bufferedAmount;
  }

  /** @param {number} bytes */
  set lowWater(bytes) {
    this.rtc.bufferedAmountLowThreshold = bytes;
  }

  /** @param {Data} data */
  #take(data) {
    if (this.#over) return;
    const bytes = lengthOf(data);
    if (bytes > MESSAGE_MAX) return this.close();
    if (this.ready) return this.on.message(data);
    this.#heldBytes += bytes;
    // A message left out would be worse than a channel that is closed.
    if (this.#held.length >= HELD_MESSAGES || this.#heldBytes > HELD_BYTES) return this.close();
    this.#held.push(data);
  }

  /** Every door holds, and somebody listens: what came before is told now. */
  release() {
    this.ready = true;
    this.on.opened();
    for (const data of this.#held.splice(0)) {
      if (this.ready) this.on.message(data);
    }
  }

  /** @param {Data} data @returns {boolean} whether the browser took it */
  send(data) {
    if (!this.ready || !this.isOpen || lengthOf(data) > MESSAGE_MAX) return false;
    try {
      this.rtc.send(/** @type {any} */ (data));
      return true;
    } catch {
      // Its buffer is full, or the other end takes no messages of this length.
      return false;
    }
  }

  close() {
    this.#end();
    this.rtc.close();
  }

  #end() {
    if (this.#over) return;
    this.#over = true;
    this.ready = false;
    this.#held = [];
    this.gone(this);
    this.on.closed();
  }
}

export class Channels {
  /** @type {Channel | null} */ trust = null;
  /** @type {Channel | null} */ chat = null;
  /** @type {Set<Channel>} of files, which either end opened */ #files = new Set();
  /** @type {WeakSet<Channel>} those of this end's files */ #own = new WeakSet();
  #introducing = false;
  #admitted = false;

  /**
   * @param {RTCPeerConnection} pc
   * @param {(channel: Channel) => void} tell of a channel, before it is
   *   told anything: it is open and every door holds
   */
  constructor(pc, tell) {
    this.pc = pc;
    this.tell = tell;
    pc.ondatachannel = ({ channel }) => this.#offered(channel);
  }

  /** Before the first description: with them the channels are in it. */
  make() {
    this.trust ??= this.#negotiated(TRUST);
    this.chat ??= this.#negotiated(CHAT);
  }

  /** @param {{id: number, label: string, protocol: string}} which */
  #negotiated({ id, label, protocol }) {
    return this.#wrap(this.pc.createDataChannel(label, { id, protocol, negotiated: true, ordered: true }));
  }

  /** @param {RTCDataChannel} channel */
  #wrap(channel) {
    return new Channel(channel, () => this.#look(), (gone) => this.#files.delete(gone));
  }

  /** @param {RTCDataChannel} channel */
  #offered(channel) {
    const { label, protocol, ordered, maxRetransmits, maxPacketLifeTime } = channel;
    const fits = label === FILE.label && protocol === FILE.protocol && ordered && maxRetransmits === null && maxPacketLifeTime === null;
    if (!fits || (!this.#admitted && this.#files.size >= HELD_FILES)) return channel.close();
    this.#files.add(this.#wrap(channel));
    this.#look();
  }

  /** For one file of this end's. @returns {Channel | null} it says itself when it is open */
  openFile() {
    if (!this.chat?.ready) return null;
    try {
      const file = this.#wrap(this.pc.createDataChannel(FILE.label, { protocol: FILE.protocol, ordered: true }));
      this.#files.add(file);
      this.#own.add(file);
      return file;
    } catch {
      // No number is left for another channel.
      return null;
    }
  }

  /** Every door holds: who is there may show who it is. */
  introduce() {
    this.#introducing = true;
    this.#look();
  }

  /** And it is nobody else than the one who was expected: the rest may be said. */
  admit() {
    this.#introducing = true;
    this.#admitted = true;
    this.#look();
  }

  #look() {
    const others = this.#admitted ? [this.chat, ...this.#files] : [];
    for (const channel of [this.#introducing ? this.trust : null, ...others]) {
      if (!channel?.isOpen || channel.ready) continue;
      if (!this.#own.has(channel)) this.tell(channel);
      channel.release();
    }
  }

  /** With the connection: what waited is dropped, and who uses a channel is told that it is over. */
  close() {
    this.#introducing = false;
    this.#admitted = false;
    for (const channel of [this.trust, this.chat, ...this.#files]) channel?.close();
  }
}
