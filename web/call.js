// One call: the seat, the seal and the peer connection held together. Knows the protocol and no interface.

import { concat, toBase64url, utf8 } from './bytes.js';
import { isKnown } from './errors.js';
import { Peer } from './peer.js';
import { check, checkRule, codeOf, inForce, PolicyError, readPolicy, tighten } from './policy.js';
import { notReported } from './report.js';
import { KIND, Seal, SealError } from './seal.js';
import { Signal } from './signal.js';
import { Trust, UNMET } from './trust.js';

/** @typedef {import('./report.js').Report} Report */
/** @typedef {import('./report.js').Door} Door */
/** @typedef {import('./devices.js').Media} Media */
/** @typedef {import('./trust.js').Standing} Standing */
/** @typedef {import('./bytes.js').Bytes} Bytes */
/** @typedef {{audio: boolean, video: boolean, screen: boolean}} Says */
/** @typedef {'connecting'|'waiting'|'in-call'|'ended'|'failed'} CallState */

/**
 * @typedef {object} CallEvents
 * @property {(state: CallState, reason: string) => void} state
 * @property {(notice: string) => void} notice something that passes, '' when it has passed
 * @property {(says: Says) => void} other what the other end says that it sends
 * @property {(stream: MediaStream | null) => void} remote
 * @property {(standing: Standing | null) => void} person what is known of who is there, null when nobody is
 * @property {(channel: import('./channels.js').Channel) => void} channel `chat`, or a `file` of the other end; as in PeerEvents
 */

/**
 * @typedef {object} EpochState
 * @property {boolean} opener
 * @property {string} callId
 * @property {[Bytes, Bytes]} sids this end's and the other's
 * @property {string | null} mine the call that this end said it runs
 * @property {boolean} agreed whether the other end's first state is there
 */

const LINGER = 3000;
const NO_PATH = 30000;
const FRESH = /** @type {Door[]} */ (['fingerprints', 'media', 'path', 'person']);

/** What both ends call an association in their reports (docs/report.md, section 3). @param {import('./sas.js').Ends} ends @returns {Promise<string>} */
async function callName({ fingerprints, sids }) {
  const bytes = concat(utf8('sotto v1 call'), ...fingerprints, ...sids);
  return toBase64url(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
}

/** @param {RTCIceServer[]} ice */
function hasRelay(ice) {
  return ice.some(({ urls }) => [urls].flat().some((url) => /^turns?:/.test(url)));
}

export class Call {
  /** @type {CallState} */ state = 'connecting';
  /** @type {Peer | null} */ peer = null;
  /** Who is at the other end of `peer`, once every door holds. @type {Trust | null} */ trust = null;
  /** @type {string | null} */ #other = null;
  /** @type {EpochState | null} */ #epoch = null;
  /** @type {Promise<void>} */ #queue = Promise.resolve();
  /** @type {RTCIceServer[]} */ #ice = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} runs while the path is lost */ #longing;
  /** @type {Map<string, boolean>} */ #troubles = new Map();
  #epochs = 0;
  #over = false;

  /**
   * @param {string} url of the server's WebSocket
   * @param {import('./link.js').Invitation} invitation @param {Media} media @param {Report} report @param {CallEvents} on
   * @param {import('./trust.js').Company} company @param {boolean} [relayOnly] no candidate of this end but a relay's
   */
  constructor(url, invitation, media, report, on, company, relayOnly = false) {
    this.company = company;
    this.media = media;
    this.report = report;
    this.on = on;
    this.relayOnly = relayOnly;
    report.policy = inForce(relayOnly ? { relay_only: true } : {});
    void company.identity.then((identity) => { report.identity = identity; }, () => {});
    this.seal = new Seal(invitation.key, invitation.room);
    this.signal = new Signal(url, invitation.roomText, {
      // All in order: a farewell that came before the news of its sender's leaving is opened before it.
      welcome: (welcome) => this.#inOrder(async () => this.#welcome(welcome)),
      joined: (id) => this.#inOrder(async () => this.#joined(id)),
      away: (id) => this.#inOrder(async () => this.#away(id)),
      left: (id, reason) => this.#inOrder(async () => this.#left(id, reason)),
      envelope: (from, payload) => this.#inOrder(async () => this.#envelope(from, payload)),
      lost: (code) => this.#inOrder(async () => this.#signalLost(code)),
      ended: (code) => this.#signalEnded(code),
      refused: (code) => report.note(`the server refused a message: ${code}`, 'signaling'),
    });
  }

  join() {
    this.report.begin('checking');
    this.report.note('joining');
    this.on.state('connecting', '');
    this.signal.start();
  }

  async hangUp() {
    if (this.#over) return;
    await this.peer?.count();
    await this.#sayBye('hangup');
    this.#finish('ended', 'hangup');
  }

  /** Something that this end sends changed. */
  async mediaChanged() {
    if (this.#over) return;
    await this.peer?.attach();
    if (this.#epoch?.agreed) await this.#sayState(this.#epoch.callId).catch((error) => this.#fault(error));
  }

  /** A channel for one file of this end's; null where there is none. */
  openFile() {
    return this.peer?.channels.openFile() ?? null;
  }

  /** The device changed networks: old paths and the old connection may be dead without knowing it. */
  networkChanged() {
    if (this.#over) return;
    this.report.note('the network changed');
    this.peer?.doubtPath();
    this.signal.kick();
  }

  /** @param {() => Promise<void>} work one thing at a time, in the order in which it came */
  #inOrder(work) {
    this.#queue = this.#queue.then(async () => {
      // Between a door's failing and the farewell nothing may begin anew.
      if (!this.#over && !this.report.failure) await work();
    }).catch((error) => this.#fault(error));
  }

  /** @param {unknown} error */
  #fault(error) {
    if (this.#over) return;
    if (error instanceof SealError) this.fail('seal', `seal-${error.reason}`);
    else this.fail('media', 'browser-refused', error instanceof Error ? error.name : '');
  }

  /** @param {import('./signal.js').Welcome} welcome */
  async #welcome(welcome) {
    const said = (/** @type {string | null} */ value) => value ?? notReported('the server did not say');
    this.report.put('signaling', {
      transport: 'WebSocket over TLS (WSS)', certificate: 'checked by this browser', version: said(welcome.tls.version),
      cipher: said(welcome.tls.cipher), group: said(welcome.tls.group),
      chain: notReported('this browser does not show it'),
    });
    if (!this.#tighten(welcome)) return;
    this.report.set('signaling', 'held', welcome.resumed ? 'took the seat again' : 'took a seat');
    this.#ice = welcome.ice;
    if (this.#rules.relay_only && !hasRelay(welcome.ice)) return this.fail('path', 'no-relay', this.relayOnly ? '' : 'The server asks for one.');
    this.#trouble('signaling-lost', false);
    this.#otherIs(welcome.members[0] ?? null);
    try {
      this.peer?.configure(welcome.ice, this.#rules.relay_only);
    } catch { /* the running call keeps what it has */ }
    void this.seal.forget(welcome.resumed);
    if (this.#other) {
      this.#deliver(await this.seal.hello());
    } else if (this.peer) {
      setTimeout(() => this.#waitUnless(() => !!this.#other || !!this.peer?.connected), NO_PATH);
    } else {
      this.#wait();
    }
  }

  get #rules() {
    return /** @type {any} */ (this.report.policy.rules);
  }

  /** The server may ask for more than this end does, and never for less. @param {import('./signal.js').Welcome} welcome @returns {boolean} whether to go on */
  #tighten({ policy, tls }) {
    try {
      this.report.policy = tighten(this.report.policy, readPolicy(policy));
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error;
      this.fail(error.door, error.code, error.message);
      return false;
    }
    // No browser shows the group: what can't be met is not begun.
    return this.#meets('signaling', { tls_version: tls.version, tls_group: tls.group }) && this.#meets('seal', { sealed: true })
      && this.#meets('this-end', { recording: false }) && this.#holds(checkRule(this.report.policy, 'dtls_groups', null))
      && (!this.peer?.isOpen || (this.#meetsOpen() && this.#meetsPerson()));
  }

  /** @param {import('./policy.js').Stage} stage @param {import('./policy.js').Facts} facts @returns {boolean} */
  #meets(stage, facts) {
    return this.#holds(check(this.report.policy, stage, facts));
  }

  /** @param {import('./policy.js').Broken | null} broken @returns {boolean} */
  #holds(broken) {
    if (broken) this.fail(broken.door, codeOf(broken.rule), broken.why);
    return !broken;
  }

  /** What the handshake came to, and the path. @returns {boolean} */
  #meetsOpen() {
    const { media, path } = this.report.doors;
    const seen = (/** @type {import('./report.js').Value} */ value) => (typeof value === 'string' ? value : null);
    const mine = seen(path.fields.mine);
    return this.#meets('media', { dtls_version: seen(media.fields.dtls), dtls_group: seen(media.fields.group), srtp_profile: seen(media.fields.srtp) })
      && this.#meets('path', { relayed: mine && mine === 'through a relay' });
  }

  /** Of a running call. @returns {boolean} */
  #meetsPerson() {
    const { admitted, identity, compared } = this.trust?.standing ?? UNMET;
    return !admitted || this.#meets('person', { known: identity === 'known' || identity === 'other', compared: compared !== null });
  }

  /** @param {string} id */
  #joined(id) {
    this.#otherIs(id);
    void this.seal.forget();
    this.report.note('the other end is here');
  }

  /** @param {string | null} id */
  #otherIs(id) {
    this.#other = id;
    this.#epoch = null;
    this.#trouble('peer-away', false);
    if (id) this.#trouble('peer-left', false);
    if (id && !this.peer) this.#enter('connecting');
  }

  /** The server says so, and it is not to be believed with a running call. @param {string} id @param {string} reason */
  #left(id, reason) {
    if (id !== this.#other) return;
    this.report.note(`the server says that the other end left (${reason})`);
    this.#other = null;
    this.#epoch = null;
    void this.seal.forget();
    this.#trouble('peer-away', false);
    if (this.peer?.connected) this.#trouble('peer-left', true);
    else this.#wait();
  }

  /** @param {string} id */
  #away(id) {
    if (id === this.#other) this.#trouble('peer-away', true);
  }

  /** In order, since a connection that closes while it negotiates would never answer. @param {() => boolean} excuse */
  #waitUnless(excuse) {
    this.#inOrder(async () => {
      if (!excuse()) this.#wait();
    });
  }

  /** Nobody else is here (any more). */
  #wait() {
    this.#dropPeer();
    this.#troubles.clear();
    this.on.notice('');
    this.report.begin('waiting');
    this.report.reset(['seal']);
    this.#enter('waiting', this.#epochs > 0 ? 'peer-left' : '');
  }

  /** @param {CallState} state @param {string} [reason] */
  #enter(state, reason = '') {
    if (state === this.state && state !== 'connecting' && state !== 'waiting') return;
    this.state = state;
    if (state === 'connecting') this.report.begin('checking');
    this.on.state(state, reason);
  }

  /** @param {string} from @param {unknown} payload */
  async #envelope(from, payload) {
    if (from !== this.#other) return;
    const opened = await this.seal.open(payload);
    if (opened.type === 'epoch') await this.#begin(opened);
    else if (opened.type === 'message') await this.#take(opened);
    this.#count();
  }

  #count() {
    const { sealed, opened, stale } = this.seal;
    this.report.put('seal', { sealed, opened, stale });
  }

  /** @param {import('./seal.js').NewEpoch} epoch */
  async #begin({ role, callId, sids, reply }) {
    if (reply) this.#deliver(reply);
    this.#epoch = { opener: role === 'opener', callId, sids, mine: this.#running(), agreed: false };
    await this.#sayState(callId);
  }

  /** @returns {string | null} */
  #running() {
    return this.peer?.hadRemote ? this.peer.callId : null;
  }

  /** @param {string} callId of the epoch it is meant for */
  async #sayState(callId) {
    const epoch = this.#epoch;
    if (!epoch || epoch.callId !== callId) return;
    const call = epoch.agreed ? this.#running() : epoch.mine;
    await this.#send(KIND.state, { call, ...this.media.says, agent: 'page' });
  }

  /** @param {number} kind @param {object} value @param {Uint8Array} [offerHash] */
  async #send(kind, value, offerHash) {
    const payload = await this.seal.seal(kind, value, offerHash);
    if (payload) this.#deliver(payload);
    this.#count();
  }

  /** @param {string} payload */
  #deliver(payload) {
    if (this.#other) this.signal.send(this.#other, payload);
  }

  /** @param {import('./seal.js').Message} message */
  async #take({ kind, value, hash }) {
    const epoch = this.#epoch;
    if (!epoch) return;
    if (kind === KIND.state) return this.#takeState(epoch, value);
    if (kind === KIND.bye) return this.#takeBye(value.reason);
    if (!this.peer) return;
    if (kind === KIND.offer) return this.peer.takeOffer(value, hash);
    if (kind === KIND.answer) return this.peer.takeAnswer(value);
    return this.peer.takeCandidate(value);
  }

  /** @param {EpochState} epoch @param {any} value */
  async #takeState(epoch, value) {
    const { audio, video, screen } = value;
    if (!epoch.agreed) {
      epoch.agreed = true;
      this.report.put('seal', {
        cipher: 'AES-256-GCM, keys from the link (HKDF-SHA256)', epoch: ++this.#epochs,
        agent: value.agent === 'native' ? 'the Sotto program' : 'a browser with the call page',
      });
      this.report.set('seal', 'held', 'the other end holds the link');
      this.report.note(`key epoch ${this.#epochs} began`, 'seal');
      await this.#startOrGoOn(epoch, value.call);
    }
    this.on.other({ audio: audio === true, video: video === true, screen: screen === true });
  }

  /** @param {EpochState} epoch @param {unknown} theirs */
  async #startOrGoOn(epoch, theirs) {
    if (this.peer && epoch.mine !== null && theirs === epoch.mine) {
      this.report.note('the running call goes on under the same certificates');
    } else {
      if (this.peer?.hadRemote) this.report.note('the call starts anew, and so does the verdict');
      this.#dropPeer();
      this.#newPeer(epoch);
    }
    await this.peer?.epoch(epoch.opener);
  }

  /** @param {EpochState} epoch in which it begins */
  #newPeer({ callId, sids }) {
    this.report.reset(FRESH);
    this.report.meet(UNMET);
    this.#enter('connecting');
    const peer = new Peer(this.#ice, this.#rules.relay_only, callId, this.media, this.report, {
      send: (kind, value, offerHash) => this.#send(kind, value, offerHash).catch((error) => this.#fault(error)),
      queue: (work) => this.#inOrder(work),
      fail: (door, code) => this.#refuse(peer, door, code),
      channel: (channel) => this.#channel(peer, channel),
      held: () => this.#meet(peer, sids),
      open: (stream) => this.#opened(peer, stream),
      link: (state) => this.#linkChanged(peer, state),
    });
    this.peer = peer;
    this.#timer = setTimeout(() => {
      if (this.peer === peer && !peer.isOpen && this.#other) this.#refuse(peer, 'path', 'no-path');
    }, NO_PATH);
  }

  #dropPeer() {
    clearTimeout(this.#timer);
    if (!this.peer) return;
    this.#pathFound();
    this.#part();
    this.peer.close();
    this.peer = null;
    this.on.remote(null);
    this.report.reset(FRESH);
  }

  /** Every door holds: now it is asked who is there. @param {Peer} peer @param {[Bytes, Bytes]} sids */
  #meet(peer, sids) {
    if (peer !== this.peer || this.#over) return;
    clearTimeout(this.#timer);
    this.report.note('every door holds');
    const ends = peer.ends(sids);
    if (!ends) return this.#refuse(peer, 'person', 'browser-refused');
    if (!this.#meetsOpen()) return;
    void callName(ends).then((name) => {
      if (peer === this.peer) this.report.call = name;
    });
    this.trust = new Trust(ends, this.company, {
      send: (message) => void peer.channels.trust?.send(message),
      fail: (code, why) => {
        if (peer === this.peer) this.fail('person', code, why);
      },
      changed: (standing) => this.#learnt(standing),
      admit: () => void peer.admit(),
    }, undefined, () => this.#rules);
  }

  /** @param {Standing} standing */
  #learnt(standing) {
    this.report.meet(standing);
    this.on.person(standing);
  }

  /** Whoever was there is not there any more. */
  #part() {
    this.trust?.close();
    this.trust = null;
    this.on.person(null);
  }

  /** @param {Peer} peer @param {import('./channels.js').Channel} channel */
  #channel(peer, channel) {
    if (peer !== this.peer || this.#over) return channel.close();
    if (channel !== peer.channels.trust) return this.on.channel(channel);
    channel.on.message = (data) => this.trust?.take(data);
    this.trust?.begin();
  }

  /** @param {Peer} peer @param {MediaStream} stream */
  #opened(peer, stream) {
    if (peer !== this.peer || this.#over) return;
    this.report.note('sound and picture may go');
    this.on.remote(stream);
    this.#enter('in-call');
  }

  /** @param {Peer} peer @param {'ok'|'lost'|'closed'|'broken'} state */
  #linkChanged(peer, state) {
    if (peer !== this.peer || this.#over) return;
    if (state === 'broken') return this.#startAnew(peer);
    if (state === 'closed') {
      peer.connected = false;
      // A reload closes its end and is back in a moment; a farewell may be right behind.
      this.#trouble('path-lost', true);
      setTimeout(() => this.#waitUnless(() => peer !== this.peer), LINGER);
      return;
    }
    if (state === 'lost') this.#pathLost();
    else this.#pathFound();
    if (peer.isOpen && !this.#meetsOpen()) return; // a call may go on over another path
    if (state === 'lost' && this.signal.connected) this.#waitUnless(() => !!this.#other || peer !== this.peer);
  }

  /** The other end hears of it as of a reload: in the next epoch this end runs no call. @param {Peer} peer */
  #startAnew(peer) {
    this.#inOrder(async () => {
      if (peer !== this.peer) return;
      this.report.note('the browser gave the connection up; the call starts anew');
      this.#dropPeer();
      this.#epoch = null;
      this.#enter('connecting');
      this.signal.kick();
    });
  }

  #pathLost() {
    this.#trouble('path-lost', true);
    // What does not pass by itself is told as what it is.
    this.#longing ??= setTimeout(() => this.#trouble('connection-lost', true), NO_PATH);
  }

  #pathFound() {
    clearTimeout(this.#longing);
    this.#longing = undefined;
    this.#trouble('connection-lost', false);
    this.#trouble('path-lost', false);
  }

  /** @param {Peer} peer @param {Door} door @param {string} code */
  #refuse(peer, door, code) {
    if (peer === this.peer) this.fail(door, code);
  }

  /** A door failed: the other end is told, and nothing goes on. @param {Door | null} door @param {string} code @param {string} [remark] */
  fail(door, code, remark = '') {
    if (this.#over || this.report.failure) return;
    this.report.fail(door, code, remark);
    this.#part();
    this.peer?.close();
    this.on.remote(null);
    void this.#sayBye(code).catch(() => {}).then(() => this.#finish('failed', code));
  }

  /** @param {string} reason */
  async #sayBye(reason) {
    const late = new Promise((done) => setTimeout(done, 500));
    await Promise.race([this.#send(KIND.bye, { reason }).catch(() => {}), late]);
  }

  /** @param {unknown} reason */
  async #takeBye(reason) {
    await this.peer?.count();
    if (this.#over) return;
    if (reason === 'hangup') return this.#finish('ended', 'peer-hangup');
    // A path takes two: this end would have found the same a moment later.
    if (reason === 'no-path' && !this.peer?.isOpen) return this.fail('path', 'no-path');
    const known = isKnown(reason) ? reason : 'unknown';
    this.report.fail(null, 'peer-refused', `It said: ${known}.`);
    return this.#finish('failed', 'peer-refused');
  }

  /** @param {'ended'|'failed'} state @param {string} reason */
  #finish(state, reason) {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#longing);
    this.signal.leave();
    this.#part();
    this.peer?.close();
    this.media.stopAll();
    this.on.remote(null);
    if (state === 'ended') this.report.end(reason);
    this.on.notice('');
    this.state = state;
    this.on.state(state, reason);
  }

  /** @param {string} code */
  #signalLost(code) {
    this.report.set('signaling', 'pending', 'the connection to the server is gone; trying again');
    this.#epoch = null;
    void this.seal.forget();
    this.#trouble('signaling-lost', true, code);
  }

  /** @param {string} code */
  #signalEnded(code) {
    const reason = isKnown(code) ? code : 'protocol';
    this.report.fail(null, reason);
    this.#finish('failed', reason);
  }

  /** Tells the most weighty thing that is wrong and may pass. @param {string} what @param {boolean} on @param {string} [code] */
  #trouble(what, on, code) {
    if (on) this.#troubles.set(what, true);
    else this.#troubles.delete(what);
    const [first] = ['connection-lost', 'path-lost', 'signaling-lost', 'peer-away', 'peer-left'].filter((name) => this.#troubles.has(name));
    if (first === 'signaling-lost' && code && code !== 'server-unreachable') this.on.notice(code);
    else this.on.notice(first ?? '');
  }
}
