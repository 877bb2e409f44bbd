// One RTCPeerConnection from its first description to its end: negotiation in both roles, and the doors that must hold
// before any sound or picture goes out or is shown. Descriptions come in opened and leave to be sealed; call.js does that.

import { colonHex, fromColonHex } from './bytes.js';
import { Channels } from './channels.js';
import { notReported } from './report.js';
import { checkRemote, keepRole, otherRole, ownFingerprint, roleOf, SdpError, tellsData } from './sdp.js';
import { KIND } from './seal.js';
import { describeCounts, describeMedia, describePath, tellsMedia } from './stats.js';

/** @typedef {import('./sdp.js').Fingerprint} Fingerprint */
/** @typedef {import('./report.js').Report} Report */
/** @typedef {import('./devices.js').Media} Media */

/**
 * @typedef {object} PeerEvents
 * @property {(kind: number, value: object, offerHash?: Uint8Array) => Promise<void>} send seals and sends
 * @property {(work: () => Promise<void>) => void} queue runs after the messages that came before
 * @property {(door: import('./report.js').Door, code: string) => void} fail
 * @property {(channel: import('./channels.js').Channel) => void} channel it is open and every door holds; by its label it is
 *   `trust`, `chat` or a `file` of the other end; before it is told anything it may be given its `on`
 * @property {() => void} held every door holds: from now on it is asked who is there
 * @property {(stream: MediaStream) => void} open sound and picture go
 * @property {(state: 'ok'|'lost'|'closed'|'broken') => void} link what has become of the path; `broken`: this
 *   connection is of no use any more
 */

const RETRIES = 40;
const RETRY_DELAY = 50;
const STATS_RETRIES = 10;
const PATIENCE = 2000;
const LAST_COUNT = 200;

/** @param {number} ms */
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

export class Peer {
  hadRemote = false;
  /** Every door holds. */
  isOpen = false;
  /** And whoever is there was let in. */
  #admitted = false;
  /** SHA-256 of the certificate that the other end used in the handshake. @type {import('./bytes.js').Bytes | null} */ #used = null;
  connected = false;
  polite = true;
  /** Whether the epoch's first offer is answered: before that only the opener offers. */
  #mayOffer = false;
  #ignoring = false;
  /** @type {Fingerprint | null} */ #theirs = null;
  /** Of this end in the DTLS handshake, once it is settled. @type {'active'|'passive'|null} */ #role = null;
  /** @type {RTCIceCandidate[] | null} */ #held = null;
  #verifying = false;
  #again = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #giveUp;
  /** @type {WeakSet<RTCDtlsTransport>} */ #watched = new WeakSet();
  #remote = new MediaStream();
  #closed = false;
  #doubted = false;

  /**
   * @param {RTCIceServer[]} ice @param {boolean} relayOnly @param {string} callId
   * @param {Media} media @param {Report} report @param {PeerEvents} on
   */
  constructor(ice, relayOnly, callId, media, report, on) {
    this.callId = callId;
    this.media = media;
    this.report = report;
    this.on = on;
    // A new connection makes a new certificate: two calls cannot be mixed.
    this.pc = new RTCPeerConnection({ iceServers: ice, iceTransportPolicy: relayOnly ? 'relay' : 'all',
      bundlePolicy: 'max-bundle', rtcpMuxPolicy: 'require' });
    const { pc } = this;
    this.channels = new Channels(pc, (channel) => on.channel(channel));
    pc.onicecandidate = ({ candidate }) => this.#sendCandidate(candidate);
    pc.onnegotiationneeded = () => on.queue(() => this.#renegotiate());
    pc.oniceconnectionstatechange = () => this.#iceChanged();
    pc.onconnectionstatechange = () => void this.verify();
    pc.ontrack = ({ track }) => this.#remote.addTrack(track);
  }

  /** @param {RTCIceServer[]} ice fresh relay credentials @param {boolean} relayOnly from now on */
  configure(ice, relayOnly) {
    if (this.#closed) return;
    const before = this.pc.getConfiguration();
    this.pc.setConfiguration({ ...before, iceServers: ice, iceTransportPolicy: relayOnly ? 'relay' : before.iceTransportPolicy });
  }

  /** A new epoch begins; what was being said in the one before is void. @param {boolean} opener */
  async epoch(opener) {
    this.polite = !opener;
    this.#mayOffer = false;
    this.#ignoring = false;
    this.#held = null;
    if (this.pc.signalingState === 'have-local-offer') await this.pc.setLocalDescription({ type: 'rollback' });
    if (!opener) return;
    // A path that works is left alone: restarted by Chromium, it may go on to Firefox's old candidates for good, while
    // Firefox waits on its new ones until it fails.
    if (!this.hadRemote) this.#prepare();
    else if (this.#doubted || !this.connected) this.pc.restartIce();
    this.#doubted = false;
    await this.#offer();
  }

  /** Senders without tracks: the handshake needs them, and nothing can leak from them. Channels come after them (JSEP). */
  #prepare() {
    for (const kind of ['audio', 'video']) {
      this.pc.addTransceiver(kind, { direction: 'sendrecv', streams: [this.media.stream] });
    }
    this.channels.make();
  }

  async #offer() {
    await this.#describe(async () => {
      await this.pc.setLocalDescription();
      await this.on.send(KIND.offer, { type: 'offer', sdp: this.pc.localDescription?.sdp });
    });
  }

  /** @param {() => Promise<void>} work candidates wait until the description that they belong to has gone out */
  async #describe(work) {
    this.#held ??= [];
    await work();
    const held = this.#held;
    this.#held = null;
    for (const candidate of held ?? []) this.#sendCandidate(candidate);
    this.#watch();
  }

  async #renegotiate() {
    if (this.#closed || !this.#mayOffer || this.pc.signalingState !== 'stable') return;
    await this.#offer();
  }

  /** @param {RTCIceCandidate | null} candidate */
  #sendCandidate(candidate) {
    if (this.#closed || !candidate) return;
    if (this.#held) this.#held.push(candidate);
    else void this.on.send(KIND.candidate, candidate.toJSON());
  }

  /** @param {unknown} sdp @returns {string | null} what the browser may see, or null: refused */
  #admit(sdp) {
    try {
      const checked = checkRemote(sdp);
      const before = this.#theirs;
      if (before && (before.hash !== checked.fingerprint.hash || before.value !== checked.fingerprint.value)) {
        this.on.fail('fingerprints', 'fingerprint-changed');
        return null;
      }
      this.#theirs = checked.fingerprint;
      this.report.put('fingerprints', { signaled: `${checked.fingerprint.hash} ${checked.fingerprint.value}` });
      return checked.sdp;
    } catch (error) {
      const code = error instanceof SdpError ? error.reason : 'sdp-malformed';
      this.on.fail(code === 'sdes' || code === 'profile' ? 'media' : 'fingerprints', code);
      return null;
    }
  }

  /** @param {any} value @param {Uint8Array} hash of the offer's plaintext */
  async takeOffer(value, hash) {
    const collision = this.pc.signalingState !== 'stable';
    this.#ignoring = collision && !this.polite;
    if (this.#ignoring) return;
    const sdp = this.#admit(value.sdp);
    if (sdp === null) return;
    // By itself Firefox would check an offer that restarts ICE against the one that it is about to take back.
    if (this.pc.signalingState === 'have-local-offer') await this.pc.setLocalDescription({ type: 'rollback' });
    // For an end that knows no channels none are made: this end would want to offer them for ever.
    if (!this.hadRemote && tellsData(sdp)) this.channels.make();
    await this.pc.setRemoteDescription({ type: 'offer', sdp: this.#role ? keepRole(sdp, this.#role) : sdp });
    this.hadRemote = true;
    for (const transceiver of this.pc.getTransceivers()) {
      if (transceiver.direction !== 'recvonly') continue;
      transceiver.direction = 'sendrecv';
      transceiver.sender.setStreams?.(this.media.stream);
    }
    await this.#describe(async () => {
      await this.pc.setLocalDescription();
      await this.on.send(KIND.answer, { type: 'answer', sdp: this.pc.localDescription?.sdp }, hash);
    });
    this.#role ??= roleOf(this.pc.localDescription?.sdp);
    this.#settled();
  }

  /** @param {any} value */
  async takeAnswer(value) {
    if (this.pc.signalingState !== 'have-local-offer') return;
    const sdp = this.#admit(value.sdp);
    if (sdp === null) return;
    await this.pc.setRemoteDescription({ type: 'answer', sdp });
    this.hadRemote = true;
    const role = roleOf(sdp);
    this.#role ??= role && otherRole(role);
    this.#settled();
  }

  /** @param {any} value */
  async takeCandidate(value) {
    if (!this.pc.remoteDescription) return;
    const { candidate, sdpMid = null, sdpMLineIndex = null, usernameFragment = null } = value;
    if (typeof candidate !== 'string') return;
    try {
      if (candidate === '' && sdpMid === null && sdpMLineIndex === null) await this.pc.addIceCandidate();
      else await this.pc.addIceCandidate({ candidate, sdpMid, sdpMLineIndex, usernameFragment });
    } catch {
      // A candidate that the browser cannot use is one path less, and no fault of the call.
      if (!this.#ignoring) this.report.note('a candidate was of no use to this browser', 'path');
    }
  }

  #settled() {
    this.#mayOffer = true;
    const mine = ownFingerprint(this.pc.localDescription?.sdp);
    if (mine) this.report.put('fingerprints', { mine: `${mine.hash} ${mine.value}` });
    this.#watch();
    void this.verify();
  }

  /** @returns {RTCDtlsTransport[]} */
  #transports() {
    const ends = [...this.pc.getSenders(), ...this.pc.getReceivers()].map((end) => end.transport);
    if (this.pc.sctp) ends.push(this.pc.sctp.transport);
    return /** @type {RTCDtlsTransport[]} */ ([...new Set(ends)].filter(Boolean));
  }

  #watch() {
    for (const transport of this.#transports()) {
      if (this.#watched.has(transport)) continue;
      this.#watched.add(transport);
      transport.addEventListener('statechange', () => {
        if (this.#closed) return;
        if (transport.state === 'closed') this.on.link('closed');
        else void this.verify();
      });
    }
  }

  /** Looks again at every door; `connected` alone proves nothing. What changes meanwhile is looked at once more. */
  async verify() {
    this.#again = true;
    if (this.#verifying) return;
    this.#verifying = true;
    while (this.#again) {
      this.#again = false;
      await this.#verify().catch(() => {});
    }
    this.#verifying = false;
  }

  async #verify() {
    const transports = this.#transports();
    if (this.#closed || !this.#theirs) return;
    if (transports.length === 0 && !await this.#takeItsWord()) return;
    for (const transport of transports) {
      if (transport.state === 'failed') {
        if (this.isOpen) return this.#transportDown(transport);
        return this.#handshakeFailed(transport);
      }
      if (transport.state !== 'connected') return;
      if (!await this.#checkCertificate(transport)) return;
    }
    const stats = await this.#stats();
    if (this.#closed) return;
    const media = describeMedia(stats);
    this.report.put('media', { ...media.fields, ...describeCounts(stats) });
    if (media.fault) return this.on.fail('media', media.fault);
    this.report.set('media', 'held', 'media is encrypted with DTLS-SRTP');
    const path = describePath(stats);
    if (path) {
      this.report.put('path', path);
      this.report.set('path', 'held', `the path is ${path.kind}`);
    }
    await this.#open();
  }

  /** What was sent and received until now, for the report; nobody hangs up later for it. */
  async count() {
    if (!this.isOpen || this.#closed) return;
    const stats = await Promise.race([this.pc.getStats().catch(() => null), pause(LAST_COUNT).then(() => null)]);
    if (stats) this.report.put('media', describeCounts(stats));
  }

  /** What the browser counts: of a handshake that is just done it may tell a moment later. */
  async #stats() {
    let stats = await this.pc.getStats();
    for (let tries = 0; tries < STATS_RETRIES && !this.#closed && !(tellsMedia(stats) && describePath(stats)); tries++) {
      await pause(RETRY_DELAY);
      stats = await this.pc.getStats();
    }
    return stats;
  }

  /** @param {RTCDtlsTransport} transport */
  async #handshakeFailed(transport) {
    const seen = await this.#seen(transport);
    const mismatch = seen !== null && seen !== this.#theirs?.value;
    // Browsers refuse a wrong certificate inside the handshake and then show none: that door is the one in doubt.
    this.on.fail('fingerprints', mismatch ? 'fingerprint-mismatch' : 'dtls-failed');
  }

  /** @param {RTCDtlsTransport} transport @returns {Promise<string | null>} digest of the certificate that was used */
  async #seen(transport) {
    const certificates = transport.getRemoteCertificates?.() ?? [];
    if (certificates.length === 0 || !this.#theirs) return null;
    const digest = await crypto.subtle.digest(this.#theirs.hash, certificates[0]);
    const seen = colonHex(new Uint8Array(digest));
    this.#used = new Uint8Array(await crypto.subtle.digest('SHA-256', certificates[0]));
    this.report.put('fingerprints', { seen: `${this.#theirs.hash} ${seen}`, equal: seen === this.#theirs.value });
    return seen;
  }

  /** @param {RTCDtlsTransport} transport @returns {Promise<boolean>} whether to go on */
  async #checkCertificate(transport) {
    if (typeof transport.getRemoteCertificates !== 'function') return this.#takeItsWord();
    for (let tries = 0; tries < RETRIES; tries++) {
      const seen = await this.#seen(transport);
      if (this.#closed) return false;
      if (seen !== null) {
        if (seen !== this.#theirs?.value) {
          this.on.fail('fingerprints', 'fingerprint-mismatch');
          return false;
        }
        this.report.set('fingerprints', 'held', 'the certificate in the handshake is the one that came sealed');
        return true;
      }
      await pause(RETRY_DELAY);
      if (this.#closed || transport.state !== 'connected') return false;
    }
    this.on.fail('fingerprints', 'fingerprint-unseen');
    return false;
  }

  /** For a browser that does not show the certificate. @returns {Promise<boolean>} whether to go on */
  async #takeItsWord() {
    // The browser's own check may come some milliseconds after "connected".
    if (!this.isOpen) await pause(500);
    if (this.#closed || this.pc.connectionState !== 'connected') return false;
    const silent = notReported('this browser does not show it; the browser itself checked');
    this.report.put('fingerprints', { seen: silent, equal: silent });
    this.report.set('fingerprints', 'unknown', 'the browser compared the fingerprint and does not show it');
    return true;
  }

  async #open() {
    if (this.#closed) return;
    this.#linkUp();
    if (this.isOpen) return;
    this.isOpen = true;
    this.on.held();
    this.channels.introduce();
  }

  /** Whoever is at the other end is let in: sound and picture may go. */
  async admit() {
    if (!this.isOpen || this.#closed || this.#admitted) return;
    this.#admitted = true;
    this.channels.admit();
    await this.attach();
    // While the tracks were put in, the other end may have refused the call.
    if (!this.#closed) this.on.open(this.#remote);
  }

  /**
   * What both ends know of this association, once every door holds; null where the browser does not tell.
   * @param {[import('./bytes.js').Bytes, import('./bytes.js').Bytes]} sids this end's and the other's
   * @returns {import('./sas.js').Ends | null}
   */
  ends(sids) {
    const own = ownFingerprint(this.pc.localDescription?.sdp);
    // A browser that shows no certificate has compared it with the fingerprint that came sealed.
    const theirs = this.#used ?? (this.#theirs?.hash === 'sha-256' ? fromColonHex(this.#theirs.value) : null);
    if (own?.hash !== 'sha-256' || !theirs || !this.#role) return null;
    const mine = fromColonHex(own.value);
    return this.#role === 'active' ? { client: true, fingerprints: [mine, theirs], sids }
      : { client: false, fingerprints: [theirs, mine], sids: [sids[1], sids[0]] };
  }

  /** Puts what this end captures into the senders, once the doors hold. */
  async attach() {
    if (!this.#admitted || this.#closed) return;
    for (const { sender, receiver } of this.pc.getTransceivers()) {
      const track = receiver.track.kind === 'audio' ? this.media.sound : this.media.picture;
      if (sender.track !== track) await sender.replaceTrack(track).catch(() => {});
    }
  }

  #linkUp() {
    // The doors that were checked hold on while the path is gone: DTLS does not notice.
    if (!this.#hasPath) return;
    clearTimeout(this.#timer);
    this.connected = true;
    this.on.link('ok');
  }

  #linkDown() {
    this.connected = false;
    this.on.link('lost');
  }

  get #hasPath() {
    return ['connected', 'completed'].includes(this.pc.iceConnectionState);
  }

  /**
   * Firefox says so long after the handshake, where the path has failed, and takes it back with the next one. Where it met a
   * device that was gone as it was to send data, it never does: that it says so while there is a path.
   * @param {RTCDtlsTransport} transport
   */
  #transportDown(transport) {
    this.#linkDown();
    if (!this.#hasPath) return;
    this.#giveUp ??= setTimeout(() => {
      this.#giveUp = undefined;
      if (!this.#closed && this.#hasPath && transport.state === 'failed') this.on.link('broken');
    }, PATIENCE);
  }

  #iceChanged() {
    if (this.#closed) return;
    const state = this.pc.iceConnectionState;
    clearTimeout(this.#timer);
    if (state === 'connected' || state === 'completed') {
      if (this.isOpen) this.#linkUp();
      void this.verify();
    } else if (state === 'disconnected' || state === 'failed') {
      this.#linkDown();
      // The polite end waits a little longer, so that both do not restart in the same instant.
      const wait = (state === 'failed' ? 0 : PATIENCE) + (this.polite ? PATIENCE / 2 : 0);
      this.#timer = setTimeout(() => this.restart(), wait);
    }
  }

  /** The network changed: the next epoch looks for a new path, even where the old one still seems to work. */
  doubtPath() {
    this.#doubted = true;
  }

  /** Looks for a new path, again and again until there is one; keys and certificate stay. */
  restart() {
    clearTimeout(this.#timer);
    if (this.#closed || !this.hadRemote) return;
    this.report.note('looking for a new path', 'path');
    if (this.#mayOffer) this.pc.restartIce();
    this.#timer = setTimeout(() => {
      if (!this.connected) this.restart();
    }, PATIENCE * 4);
  }

  close() {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#giveUp);
    this.channels.close();
    for (const sender of this.pc.getSenders()) void sender.replaceTrack(null).catch(() => {});
    this.pc.close();
  }
}
