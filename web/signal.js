// One seat in one room: a WebSocket that comes back by itself and takes its seat again (docs/protocol.md, section 3).

import { strictJson } from './json.js';
import { forget, keep, recall } from './keep.js';

export const SUBPROTOCOL = 'sotto.v1';

/**
 * @typedef {{version: string | null, cipher: string | null, group: string | null}} TlsReport
 * @typedef {{members: string[], resumed: boolean, ice: RTCIceServer[], tls: TlsReport, policy: unknown}} Welcome policy: {} where there is none, null where it can be read in two ways
 *
 * @typedef {object} SignalEvents
 * @property {(welcome: Welcome) => void} welcome
 * @property {(id: string, resumed: boolean) => void} joined
 * @property {(id: string, seconds: number) => void} away
 * @property {(id: string, reason: string) => void} left
 * @property {(from: string, payload: unknown) => void} envelope
 * @property {(code: string, attempts: number) => void} lost the connection is gone and is being made again
 * @property {(code: string) => void} ended the server refuses: no use in trying again
 * @property {(code: string) => void} refused one message was not taken
 */

const FIRST_DELAY = 300;
const LAST_DELAY = 5000;
const CONNECT_TIMEOUT = 10000;
const TOKEN = 'sotto.resume';

/** Close codes and error codes after which another try would meet the same answer. */
const FINAL = new Set(['resumed-elsewhere', 'bad-message', 'not-joined', 'joined-already', 'unknown-kind']);
/** Final for who joins first, and worth another try for who comes back to a running call. */
const FULL = new Set(['room-full', 'too-many-joins', 'too-many-rooms', 'too-many-messages']);
/** Passing troubles of one connection, remembered so that its close code is not taken for another one's. */
const PASSING = new Set(['join-timeout']);
/** What a close code says that no error came before. @type {Record<number, string>} */
const CLOSES = { 4000: 'bad-message', 4001: 'resumed-elsewhere', 4003: 'room-full', 4008: 'too-many-joins' };

/** @param {unknown} value @returns {string | null} a short word from the server, or nothing */
function word(value) {
  return typeof value === 'string' && /^[A-Za-z0-9_.+-]{1,64}$/.test(value) ? value : null;
}

/** No object in it says a name twice. @param {string} data */
function isStrict(data) {
  try {
    strictJson(data);
    return true;
  } catch {
    return false;
  }
}

/** @param {unknown} value @returns {RTCIceServer[]} */
function iceServers(value) {
  if (!Array.isArray(value)) return [];
  return value.filter((server) => server && (typeof server.urls === 'string' || Array.isArray(server.urls)));
}

export class Signal {
  /** @type {WebSocket | null} */ #socket = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #patience;
  /** @type {object[]} */ #waiting = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #pacer;
  #attempts = 0;
  #stopped = true;
  #welcome = false;
  #seated = false;
  #rate = 50;
  #tokens = 25;
  #filled = 0;
  #refusal = '';

  /** @param {string} url @param {string} room @param {SignalEvents} on */
  constructor(url, room, on) {
    this.url = url;
    this.room = room;
    this.on = on;
  }

  get connected() {
    return this.#welcome;
  }

  start() {
    this.#stopped = false;
    this.#connect();
  }

  /** The network changed: do not wait for the old connection to be found dead. */
  kick() {
    if (this.#stopped) return;
    this.#attempts = 0;
    this.#drop();
    this.#connect();
  }

  /** Gives up the seat. */
  leave() {
    if (this.#welcome) {
      for (const message of this.#waiting.splice(0)) this.#write(message);
      this.#write({ kind: 'bye' });
    }
    this.stop();
    forget(TOKEN);
  }

  stop() {
    this.#stopped = true;
    this.#drop(1000);
  }

  /** @param {string} to @param {string} payload */
  send(to, payload) {
    if (!this.#welcome) return;
    this.#waiting.push({ kind: 'envelope', to, payload });
    this.#flush();
  }

  /** Stays under the server's message rate; order is kept. */
  #flush() {
    clearTimeout(this.#pacer);
    const now = performance.now();
    this.#tokens = Math.min(this.#rate / 2, this.#tokens + ((now - this.#filled) / 1000) * this.#rate * 0.4);
    this.#filled = now;
    while (this.#waiting.length && this.#tokens >= 1) {
      this.#tokens--;
      this.#write(this.#waiting.shift());
    }
    if (this.#waiting.length) this.#pacer = setTimeout(() => this.#flush(), 100);
  }

  /** @param {unknown} message */
  #write(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** @param {number} [code] */
  #drop(code) {
    clearTimeout(this.#timer);
    clearTimeout(this.#patience);
    clearTimeout(this.#pacer);
    this.#waiting = [];
    this.#welcome = false;
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(code);
  }

  #connect() {
    this.#refusal = '';
    const socket = new WebSocket(this.url, [SUBPROTOCOL]);
    this.#socket = socket;
    this.#patience = setTimeout(() => this.#lost(socket, 'server-unreachable'), CONNECT_TIMEOUT);
    socket.onopen = () => {
      const resume = this.#token();
      this.#write(resume ? { kind: 'join', room: this.room, resume } : { kind: 'join', room: this.room });
    };
    socket.onmessage = (event) => {
      if (socket === this.#socket && typeof event.data === 'string') this.#take(event.data);
    };
    socket.onclose = (event) => this.#lost(socket, this.#refusal || CLOSES[event.code] || 'server-unreachable');
  }

  /** @param {WebSocket} socket @param {string} code */
  #lost(socket, code) {
    if (socket !== this.#socket || this.#stopped) return;
    this.#drop();
    if (FINAL.has(code) || (FULL.has(code) && !this.#seated)) {
      this.#stopped = true;
      this.on.ended(code);
      return;
    }
    const delay = Math.min(LAST_DELAY, FIRST_DELAY * 2 ** this.#attempts);
    this.#attempts++;
    // Jitter, so that a restarted server does not meet all its rooms in one instant.
    this.#timer = setTimeout(() => this.#connect(), delay * (0.7 + Math.random() * 0.6));
    this.on.lost(code, this.#attempts);
    if (this.#attempts % 3 === 1) void this.#diagnose();
  }

  /** A browser cannot read the server's 426, so the health page says which protocols it speaks. */
  async #diagnose() {
    try {
      const answer = await fetch('/healthz', { cache: 'no-store' });
      const { protocols } = await answer.json();
      if (this.#stopped || this.#welcome || !Array.isArray(protocols) || protocols.includes(SUBPROTOCOL)) return;
      this.stop();
      this.on.ended('page-outdated');
    } catch { /* not reachable either: the next try will tell */ }
  }

  /** @param {string} data */
  #take(data) {
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return;
    }
    const id = typeof message.id === 'string' ? message.id : '';
    switch (message.kind) {
      case 'welcome': return this.#welcomed(message, data);
      case 'joined': return this.on.joined(id, message.resumed === true);
      case 'away': return this.on.away(id, Number(message.seconds) || 0);
      case 'left': return this.on.left(id, word(message.reason) ?? 'unknown');
      case 'envelope': return this.on.envelope(String(message.from), message.payload);
      case 'bye':
        if (message.reason === 'resumed-elsewhere') this.#refusal = message.reason;
        return;
      case 'error':
        if ([FINAL, FULL, PASSING].some((codes) => codes.has(message.code))) this.#refusal = message.code;
        this.on.refused(word(message.code) ?? 'unknown');
        return;
      default:
    }
  }

  /** @param {any} message @param {string} data its text */
  #welcomed(message, data) {
    clearTimeout(this.#patience);
    this.#attempts = 0;
    this.#refusal = '';
    this.#welcome = true;
    this.#seated = true;
    if (typeof message.resume === 'string') this.#keep(message.resume);
    const rate = Number(message.limits?.rate);
    if (rate >= 4) this.#rate = rate;
    this.#tokens = this.#rate / 2;
    this.#filled = performance.now();
    const members = Array.isArray(message.members) ? message.members : [];
    const tls = message.tls ?? {};
    this.on.welcome({
      members: members.filter((/** @type {unknown} */ id) => typeof id === 'string'),
      resumed: message.resumed === true,
      ice: iceServers(message.ice),
      tls: { version: word(tls.version), cipher: word(tls.cipher), group: word(tls.group) },
      policy: 'policy' in message ? (isStrict(data) ? message.policy : null) : {},
    });
  }

  /** Kept for a reload of this tab only. @returns {string | null} */
  #token() {
    const [room, token] = (recall(TOKEN) ?? '').split(' ');
    return room === this.room && token ? token : null;
  }

  /** @param {string} token */
  #keep(token) {
    keep(TOKEN, `${this.room} ${token}`);
  }
}
