// Who is at the other end: one run for one association. It introduces this end, checks the other's introduction, agrees on
// the short string, and lets nobody in who is not the one that was expected. Fails closed. No DOM, no network.

import { checkIntroduction, INTRODUCTION, introduce, IntroductionError } from './introduction.js';
import { expected, recognise, timeOf } from './known.js';
import { Sas, SAS, SasError } from './sas.js';

/** @typedef {import('./bytes.js').Bytes} Bytes */
/** @typedef {import('./sas.js').Ends} Ends */
/** @typedef {import('./known.js').Pin} Pin */
/** @typedef {import('./known.js').Recognition} Recognition */

/**
 * What a call knows of people; app.js keeps it.
 * @typedef {object} Company
 * @property {Promise<import('./introduction.js').Identity>} identity of this end
 * @property {() => Promise<Pin[]>} people
 * @property {Promise<string>} link the invitation's name in the list of known people
 * @property {string | null} named the key of the one whom the user expects
 * @property {Set<string>} admitted keys that the user let in for this call in spite of an alarm
 */

/**
 * @typedef {object} Standing what is known of the other end now
 * @property {Recognition | null} identity null: it may still introduce itself
 * @property {string | null} key thumbprint
 * @property {Pin | null} pin of this key
 * @property {Pin | null} awaited whom this end expects
 * @property {boolean} alarm stands in the way until the user decides
 * @property {boolean} admitted sound and picture may go
 * @property {boolean} wanted all that they wait for is that people compare
 * @property {Bytes | null} string the four bytes to compare
 * @property {string | null} compared when the user said that both see the same, in this association
 */

/**
 * @typedef {object} TrustEvents
 * @property {(message: Uint8Array) => void} send on channel 0
 * @property {(code: string, why: string) => void} fail
 * @property {(standing: Standing) => void} changed
 * @property {() => void} admit
 */

/** @typedef {{now: () => number, after: (ms: number, work: () => void) => ReturnType<typeof setTimeout>}} Clock */

/** @type {Clock} */
const CLOCK = { now: Date.now, after: (ms, work) => setTimeout(work, ms) };
/** How long an introduction is waited for. */
const SILENCE = 10_000;
/** Messages that may wait for their turn; an honest end sends four. */
const MOST_WAITING = 16;

/** Before anything is known. @type {Readonly<Standing>} */
export const UNMET = Object.freeze({ identity: null, key: null, pin: null, awaited: null, alarm: false, admitted: false,
  wanted: false, string: null, compared: null });

export class Trust {
  /** @type {Standing} */ standing = UNMET;
  /** @type {Promise<void>} */ #queue = Promise.resolve();
  #waiting = 0;
  #over = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  /** @type {Sas} */ #sas;

  /**
   * Every door holds.
   * @param {Ends} ends @param {Company} company @param {TrustEvents} on @param {Clock} [clock]
   * @param {() => {compare: boolean, known_only: boolean}} [rules] of the policy in force
   */
  constructor(ends, company, on, clock = CLOCK, rules = () => ({ compare: false, known_only: false })) {
    this.ends = ends;
    this.company = company;
    this.on = on;
    this.clock = clock;
    this.rules = rules;
    this.#sas = new Sas(ends);
    this.#timer = clock.after(SILENCE, () => this.#inOrder(async () => {
      if (this.rules().compare && !this.standing.string) return this.#end('sas-missing');
      if (this.standing.identity === null) await this.#judge(null);
    }));
    this.#inOrder(() => this.#expect());
  }

  /** Channel 0 is open: both ends speak. */
  begin() {
    this.#inOrder(async () => {
      const first = await this.#sas.begin();
      if (first) this.on.send(first);
      const identity = await this.company.identity;
      const message = await introduce(identity, this.ends, Math.floor(this.clock.now() / 1000));
      if (!this.#over) this.on.send(message);
    });
  }

  /** @param {string | Uint8Array} message */
  take(message) {
    if (typeof message === 'string' || this.#over) return;
    const kind = message[0];
    const mine = kind === INTRODUCTION || Object.values(SAS).includes(/** @type {any} */ (kind));
    if (!mine) return;
    if (this.#waiting >= MOST_WAITING) return this.#fail(new SasError('sas-order'));
    this.#waiting++;
    this.#inOrder(async () => {
      this.#waiting--;
      if (kind === INTRODUCTION) await this.#takeIntroduction(message);
      else await this.#takeSas(message);
    });
  }

  /** What people saw when they compared. @param {boolean} same */
  compare(same) {
    if (this.#over || !this.standing.string) return;
    if (!same) return this.#end('sas-different');
    this.#change({ compared: timeOf(new Date(this.clock.now())) });
    if (this.standing.wanted) this.#admit();
  }

  /** What the user decided of an alarm. @param {boolean} goOn */
  decide(goOn) {
    if (this.#over || !this.standing.alarm) return;
    if (!goOn) return this.#end('identity-alarm');
    if (this.standing.key) this.company.admitted.add(this.standing.key);
    this.#admit();
  }

  /** The list of known people changed. */
  review() {
    this.#inOrder(async () => {
      const { key, alarm } = this.standing;
      if (key === null) return;
      if (alarm) return this.#judge(key);
      const pins = await this.company.people();
      const awaited = expected(pins, await this.company.link, this.company.named);
      const { identity: now, pin } = recognise(pins, awaited, key);
      // Nothing that is forgotten or learnt in a call raises an alarm over whoever was let in already.
      this.#change({ identity: now, pin, awaited });
    });
  }

  /** All that it was given until now is worked off. @returns {Promise<void>} */
  get idle() {
    return this.#queue;
  }

  close() {
    this.#over = true;
    clearTimeout(this.#timer);
  }

  /** @param {() => Promise<void>} work */
  #inOrder(work) {
    this.#queue = this.#queue.then(async () => {
      if (!this.#over) await work();
    }).catch((error) => this.#fail(error));
  }

  /** @param {unknown} error */
  #fail(error) {
    if (error instanceof SasError) this.#end(error.reason);
    else if (error instanceof IntroductionError) this.#end(error.reason, error.why);
    else this.#end('browser-refused', error instanceof Error ? error.name : '');
  }

  /** @param {string} code @param {string} [why] */
  #end(code, why = '') {
    if (this.#over) return;
    this.close();
    this.on.fail(code, why);
  }

  /** @param {Partial<Standing>} news */
  #change(news) {
    if (this.#over) return;
    this.standing = { ...this.standing, ...news };
    this.on.changed(this.standing);
  }

  #admit() {
    if (this.#over || this.standing.admitted) return;
    if (this.rules().compare && !this.standing.compared) return this.#change({ wanted: true, alarm: false });
    this.#change({ admitted: true, wanted: false, alarm: false });
    this.on.admit();
  }

  async #expect() {
    const { company } = this;
    const awaited = expected(await company.people(), await company.link, company.named);
    this.#change({ awaited });
    if (!awaited && !this.rules().known_only) this.#admit();
  }

  /** @param {Uint8Array} message */
  async #takeSas(message) {
    const answer = await this.#sas.take(message);
    if (answer && !this.#over) this.on.send(answer);
    if (this.#sas.string) this.#change({ string: this.#sas.string });
  }

  /** @param {Uint8Array} message */
  async #takeIntroduction(message) {
    if (this.standing.key !== null) throw new IntroductionError('a second one');
    const key = await checkIntroduction(message, this.ends, Math.floor(this.clock.now() / 1000));
    if (!this.rules().compare || this.standing.string) clearTimeout(this.#timer);
    await this.#judge(key);
  }

  /** @param {string | null} key null: none came in time */
  async #judge(key) {
    const pins = await this.company.people();
    const awaited = expected(pins, await this.company.link, this.company.named);
    const { identity, alarm, pin } = recognise(pins, awaited, key);
    const excused = key !== null && this.company.admitted.has(key);
    const stranger = this.rules().known_only && !pin && !this.standing.admitted;
    this.#change({ identity, key, pin, awaited, alarm: alarm && !stranger && !this.standing.admitted && !excused });
    if (stranger) this.#end('policy-known-only');
    else if (!alarm || excused) this.#admit();
  }
}
