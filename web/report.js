// What was verified, and how: the single source of the security panel, the verdict and the saved report. Pure.
// Nothing here is guessed: what a browser or server does not tell is a NotReported with its reason. No address gets in.

import { sentence } from './errors.js';
import { signJws } from './jws.js';
import { inForce } from './policy.js';

/** @typedef {'signaling'|'seal'|'fingerprints'|'media'|'path'|'person'} Door */
/** @typedef {'pending'|'held'|'failed'|'unknown'} DoorState */
/** @typedef {{not_reported: string}} NotReported */
/** @typedef {string | number | boolean | NotReported} Value */
/** @typedef {{state: DoorState, since: string | null, reason: string | null, fields: Record<string, Value>}} DoorRecord */
/** @typedef {import('./trust.js').Standing} Standing */
/**
 * @typedef {object} Verdict
 * @property {'none'|'checking'|'verified'|'unreported'|'failed'|'ended'} state
 * @property {string} text one line
 * @property {string} detail what it means
 * @property {Door | null} door the one that failed
 * @property {string | null} reason
 * @property {string | null} remedy
 */

/** @type {readonly Door[]} */
export const DOORS = Object.freeze(['signaling', 'seal', 'fingerprints', 'media', 'path', 'person']);

const MOST_EVENTS = 128;

/** @type {Record<Door, {title: string, proves: string, fields: Record<string, string>}>} */
export const WORDS = {
  signaling: {
    title: 'Signaling',
    proves: 'Your browser checked the server’s certificate. The server brings the two ends together; what they say to '
      + 'each other is sealed, and it cannot read it.',
    fields: { transport: 'Transport', certificate: 'Certificate', version: 'TLS version, as the server reports',
      cipher: 'Cipher, as the server reports', group: 'Key exchange, as the server reports', chain: 'Certificates up to the anchor' },
  },
  seal: {
    title: 'Seal',
    proves: 'The other end is someone who has the link. It does not prove which person that is. And in a browser, the host '
      + 'of this page is trusted for the page’s code.',
    fields: { cipher: 'Cipher', epoch: 'Key epoch', agent: 'The other end says it is', sealed: 'Messages sealed',
      opened: 'Messages opened', stale: 'Stale messages ignored' },
  },
  fingerprints: {
    title: 'Fingerprints',
    proves: 'The certificate that the other end used in the media handshake is the one it named through the seal, so nobody '
      + 'without the link sits between the two.',
    fields: { mine: 'Mine', signaled: 'Theirs, as it came sealed', seen: 'Theirs, as seen in the handshake', equal: 'Equal' },
  },
  media: {
    title: 'Media',
    proves: 'Sound and picture are encrypted from this browser to the other end. No key ever leaves the two.',
    fields: { dtls: 'DTLS version', cipher: 'DTLS cipher', group: 'Key exchange', role: 'Role of this browser', srtp: 'SRTP profile',
      sent: 'Packets sent encrypted', sent_bytes: 'Bytes sent encrypted', received: 'Packets received', received_bytes: 'Bytes received',
      failed: 'Packets that were not authentic', replayed: 'Replays refused' },
  },
  path: {
    title: 'Path',
    proves: 'How the packets travel. A relay would see only encrypted packets. Addresses are neither shown nor saved.',
    fields: { kind: 'Kind', protocol: 'Protocol', mine: 'This end', theirs: 'The other end' },
  },
  person: {
    title: 'Person',
    proves: 'You compared the pictures, so nobody sits between you and the one whom you compared them with; or the other end '
      + 'has a key that you gave a name to. A key tells that it is the same browser or program as then, not who uses it.',
    fields: { compared: 'Compared', identity: 'Identity', name: 'Known as', since: 'Known since', key: 'Key' },
  },
};

/** @param {string} time RFC 3339 @returns {string} the day, which is all that people need */
const day = (time) => time.slice(0, 10);

/** @param {Standing} standing @returns {Value} */
function sayIdentity({ identity, pin, awaited }) {
  switch (identity) {
    case 'known': return 'known';
    case 'unknown': return 'unknown: a key without a name';
    case 'changed': return `changed: not the key of ${awaited?.name}`;
    case 'other': return `other: the key of ${pin?.name}, not of ${awaited?.name}`;
    case 'silent': return 'silent: it did not introduce itself';
    default: return notReported('it has not introduced itself yet');
  }
}

/** @param {Standing} standing @returns {Record<string, Value>} */
function describePerson(standing) {
  const { pin, key, compared } = standing;
  const nobody = notReported('you gave this key no name');
  const before = pin?.compared ? `not in this call; by you on ${day(pin.compared)}` : 'no';
  return {
    compared: compared ? 'by you, in this call' : before,
    identity: sayIdentity(standing),
    name: pin?.name ?? nobody,
    since: pin ? day(pin.since) : nobody,
    key: key ?? notReported('the other end has not introduced itself'),
  };
}

/** @param {string} reason @returns {NotReported} */
export function notReported(reason = 'this browser does not tell') {
  return { not_reported: reason };
}

/** @param {Door} door @param {DoorState} state @returns {string} what the door shows, and no claim before it does */
export function meaning(door, state) {
  if (state === 'held') return WORDS[door].proves;
  if (state === 'unknown') return 'The browser checked this by itself and does not show what it saw.';
  return `Not shown now. When this door holds: ${WORDS[door].proves}`;
}

/** @param {Value} value @returns {string} as the panel says it */
export function say(value) {
  if (typeof value === 'object') return `not reported: ${value.not_reported}`;
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return String(value);
}

export class Report {
  /** @type {Record<Door, DoorRecord>} */ doors;
  /** @type {{at: string, door: Door | null, event: string}[]} */ events = [];
  /** @type {{door: Door | null, reason: string, remark: string} | null} */ failure = null;
  /** @type {string | null} */ ended = null;
  /** @type {string | null} */ started = null;
  /** @type {string | null} */ over = null;
  /** Both ends' name for the association. @type {string | null} */ call = null;
  /** Of this end, once it is there. @type {import('./introduction.js').Identity | null} */ identity = null;
  policy = inForce({});
  #leftOut = 0;
  /** Who is at the other end, as far as it is known. @type {Standing | null} */ person = null;
  phase = 'none';

  /** @param {() => void} [changed] @param {() => string} [now] */
  constructor(changed = () => {}, now = () => new Date().toISOString()) {
    this.changed = changed;
    this.now = now;
    this.doors = /** @type {any} */ (Object.fromEntries(DOORS.map((door) => [door, this.#blank(door)])));
  }

  /** @param {Door} door @returns {DoorRecord} */
  #blank(door) {
    const fields = Object.keys(WORDS[door].fields).map((name) => [name, notReported('not known yet')]);
    return { state: 'pending', since: null, reason: null, fields: Object.fromEntries(fields) };
  }

  /** @param {string} phase 'none', 'waiting', 'checking' */
  begin(phase) {
    if (!this.started) this.started = this.now();
    if (this.phase === phase) return;
    this.phase = phase;
    this.changed();
  }

  /** @param {Door} door @param {Record<string, Value>} fields */
  put(door, fields) {
    const known = this.doors[door].fields;
    let news = false;
    for (const [name, value] of Object.entries(fields)) {
      news ||= JSON.stringify(known[name]) !== JSON.stringify(value);
      known[name] = value;
    }
    if (news) this.changed();
  }

  /** @param {Door} door @param {DoorState} state @param {string} event for the record */
  set(door, state, event) {
    const record = this.doors[door];
    if (record.state === 'failed' || record.state === state) return;
    record.state = state;
    record.since = state === 'held' ? this.now() : null;
    this.note(event, door);
  }

  /** The verdict starts anew. @param {Door[]} doors */
  reset(doors) {
    for (const door of doors) this.doors[door] = this.#blank(door);
    if (doors.includes('person')) this.person = null;
    if (doors.includes('fingerprints')) this.call = null;
    this.changed();
  }

  /** What is known of the other end's person changed. @param {Standing} standing */
  meet(standing) {
    const before = this.person;
    this.person = standing;
    this.put('person', describePerson(standing));
    if (standing.string && !before?.string) this.note('there are pictures to compare', 'person');
    if (standing.identity && standing.identity !== before?.identity) this.note(`the other end's key: ${standing.identity}`, 'person');
    if (standing.alarm && !before?.alarm) this.note('alarm: not the one who was expected', 'person');
    if (before?.alarm && standing.admitted) this.note('the user let the other end in', 'person');
    if (standing.compared) this.set('person', 'held', 'people compared the pictures, and they are the same');
    else if (standing.identity === 'known') this.set('person', 'held', 'the other end has a known key');
    else this.set('person', 'pending', 'the other end has no known key');
  }

  /** @param {string} event @param {Door | null} [door] */
  note(event, door = null) {
    // A call may last for weeks. The first ones stay, they tell how it began.
    if (this.events.length === MOST_EVENTS) this.#leftOut += this.events.splice(MOST_EVENTS / 2, 1).length;
    this.events.push({ at: this.now(), door, event: event.slice(0, 120) });
    this.changed();
  }

  /** @param {Door | null} door @param {string} reason @param {string} [remark] */
  fail(door, reason, remark = '') {
    if (this.failure) return;
    this.failure = { door, reason, remark };
    this.over = this.now();
    if (door) Object.assign(this.doors[door], { state: 'failed', reason: bare(reason), since: null });
    this.note(`failed: ${bare(reason)}`, door);
  }

  /** @param {string} reason */
  end(reason) {
    if (this.ended || this.failure) return;
    this.ended = reason;
    this.over = this.now();
    this.note(`ended: ${reason}`);
  }

  /** @returns {Verdict} */
  verdict() {
    if (this.failure) return this.#failed(this.failure);
    const { seal, fingerprints, media } = this.doors;
    const held = seal.state === 'held' && media.state === 'held';
    if (this.ended) {
      return plain('ended', 'The call is over', held && fingerprints.state === 'held'
        ? 'It was encrypted end to end and verified to its end.' : 'It ended before every check had held.');
    }
    if (held && this.person?.wanted) {
      return plain('checking', 'Waiting for you to compare', 'Nothing goes out, and nothing comes in, before you have.');
    }
    if (held && this.person && !this.person.admitted) {
      return plain('checking', 'Checking who is there…', 'No sound and no picture goes out or is shown before that is settled.');
    }
    if (held && fingerprints.state === 'held') return plain('verified', ...sayPerson(this.person));
    if (held && fingerprints.state === 'unknown') {
      return plain('unreported', 'Encrypted end to end. This browser checked, and does not show what it saw.',
        'The browser itself compared the fingerprint. It gives this page no way to confirm it.');
    }
    if (this.phase === 'none') return plain('none', 'No call yet', 'What is verified will be listed here, door by door.');
    if (this.phase === 'waiting') {
      return plain('checking', 'Not yet: nobody else is here', 'Nothing of your sound or picture leaves before every check has held.');
    }
    return plain('checking', 'Checking…', 'Nothing of your sound or picture leaves before every check has held.');
  }

  /** @param {{door: Door | null, reason: string, remark: string}} failure @returns {Verdict} */
  #failed({ door, reason, remark }) {
    const { title, text, remedy } = sentence(reason);
    const where = door ? `${WORDS[door].title}: ` : '';
    return { state: 'failed', text: `${where}${title}`, detail: remark ? `${text} ${remark}` : text, door, reason: bare(reason), remedy };
  }

  /** @returns {object} the report (docs/report.md, section 2) */
  toJSON() {
    const doors = DOORS.map((door) => ({
      door, title: WORDS[door].title, ...this.doors[door], meaning: meaning(door, this.doors[door].state),
    }));
    return {
      format: 'sotto-report-2', agent: 'page', started: this.started, ended: this.over, saved: this.now(), verdict: this.verdict(),
      call: this.call ?? notReported('the two ends have no association yet'),
      ends: { mine: this.identity?.thumbprint ?? notReported('this end has no key yet'),
        theirs: this.person?.key ?? notReported('the other end has not introduced itself') },
      compared_by_people: Boolean(this.person?.compared), policy: this.policy, doors, events: this.events,
      events_left_out: this.#leftOut,
    };
  }

  /** @returns {Promise<string>} the file that is saved: the report, and the same signed */
  async file() {
    const text = JSON.stringify(this);
    const jws = this.identity && await signJws(this.identity, 'sotto-report', text).catch(() => null);
    const proof = jws ? { jws } : { not_signed: this.identity ? 'this browser did not sign' : 'this end has no key' };
    return `${JSON.stringify({ report: JSON.parse(text), ...proof }, null, 2)}\n`;
  }
}

/** @param {Standing | null} person @returns {[string, string]} the line and what it means, when every other door holds */
function sayPerson(person) {
  const { pin = null, awaited = null, compared = null, identity = null } = person ?? {};
  const host = 'In a browser, the host of this page is trusted for the page’s code.';
  if (compared) {
    return [pin ? `Encrypted, with ${pin.name}` : 'Encrypted, compared by you',
      `You compared in this call and saw the same pictures, so nobody sits between you and the one whom you compared them with. ${host}`];
  }
  if (pin && identity === 'known') {
    return [`Encrypted, with ${pin.name}`, pin.compared
      ? `The other end has the key that you know as ${pin.name} since ${day(pin.since)}, compared by you on ${day(pin.compared)}. ${host}`
      : `The other end has the key that you named ${pin.name} on ${day(pin.since)}. You have never compared, so it is whoever had it then.`];
  }
  if (awaited && identity) {
    return [`Encrypted, and not shown to be ${awaited.name}`,
      `The other end has not shown the key of ${awaited.name}, and you went on. Compare over another way before you say what only ${awaited.name} may hear.`];
  }
  return ['Encrypted, not compared',
    'This browser checked every door below. The other end is someone who has the link; who that is, only you can tell.'];
}

/** @param {string} reason @returns {string} with the seal's own names, as docs/protocol.md has them */
function bare(reason) {
  return reason.replace(/^seal-/, '');
}

/** @param {Verdict['state']} state @param {string} text @param {string} detail @returns {Verdict} */
function plain(state, text, detail) {
  return { state, text, detail, door: null, reason: null, remedy: null };
}
