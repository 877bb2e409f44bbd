// What a remote session description must be before the browser gets to see it. Pure: text in, text or refusal out.

/** @typedef {{hash: string, value: string}} Fingerprint hash as WebCrypto and SDP name it in lower case, value upper-case */
/**
 * @typedef {'fingerprint-missing'|'fingerprint-weak'|'fingerprint-several'|'fingerprint-malformed'|'sdes'|'profile'
 *   |'sdp-malformed'} SdpReason
 */

/** Digest lengths in bytes, strongest first. sha-1 and weaker are as good as none. */
const ACCEPTED = new Map([['sha-512', 64], ['sha-384', 48], ['sha-256', 32]]);
const PROFILES = new Set(['UDP/TLS/RTP/SAVPF', 'UDP/DTLS/SCTP']);

export class SdpError extends Error {
  /** @param {SdpReason} reason */
  constructor(reason) {
    super(`description: ${reason}`);
    this.reason = reason;
  }
}

/**
 * @typedef {object} Section the session part, or one media description
 * @property {boolean} media
 * @property {boolean} rejected port 0
 * @property {string[]} lines
 * @property {{hash: string, value: string}[]} prints
 */

/** @param {string} sdp @returns {Section[]} */
function sections(sdp) {
  /** @type {Section[]} */
  const all = [{ media: false, rejected: false, lines: [], prints: [] }];
  for (const line of sdp.split(/\r\n|\r|\n/)) {
    if (line === '') continue;
    if (/^m=/i.test(line)) {
      const [, port, profile] = line.split(' ');
      if (!PROFILES.has(profile ?? '')) throw new SdpError('profile');
      all.push({ media: true, rejected: port === '0', lines: [], prints: [] });
    }
    if (/^a=crypto\b/i.test(line)) throw new SdpError('sdes');
    const section = all[all.length - 1];
    if (/^a=fingerprint\b/i.test(line)) section.prints.push(readPrint(line));
    section.lines.push(line);
  }
  if (all.length < 2) throw new SdpError('sdp-malformed');
  return all;
}

/** @param {string} line @returns {Fingerprint} */
function readPrint(line) {
  const match = /^a=fingerprint:([A-Za-z0-9-]+) +([0-9A-Fa-f:]+) *$/.exec(line);
  if (!match) throw new SdpError('fingerprint-malformed');
  const hash = match[1].toLowerCase();
  const value = match[2].toUpperCase();
  const bytes = ACCEPTED.get(hash);
  if (bytes && !(value.length === bytes * 3 - 1 && /^[0-9A-F]{2}(:[0-9A-F]{2})*$/.test(value))) {
    throw new SdpError('fingerprint-malformed');
  }
  return { hash, value };
}

/** @param {Section[]} all @returns {Fingerprint} the one fingerprint that holds for every media description */
function agreed(all) {
  const prints = all.flatMap((section) => section.prints);
  const hash = [...ACCEPTED.keys()].find((name) => prints.some((print) => print.hash === name));
  if (!hash) throw new SdpError(prints.length ? 'fingerprint-weak' : 'fingerprint-missing');
  const strongest = prints.filter((print) => print.hash === hash);
  const value = strongest[0].value;
  if (strongest.some((print) => print.value !== value)) throw new SdpError('fingerprint-several');
  for (const section of all) {
    if (!section.media || section.rejected) continue;
    const own = section.prints.length ? section.prints : all[0].prints;
    if (own.length === 0) throw new SdpError('fingerprint-missing');
    if (!own.some((print) => print.hash === hash)) throw new SdpError('fingerprint-several');
  }
  return { hash, value };
}

/**
 * Checks a description that came through the seal and rewrites it so that it says exactly one fingerprint, once a place:
 * of several lines one browser takes the last and the other any, and neither must get to choose.
 * @param {unknown} sdp
 * @returns {{sdp: string, fingerprint: Fingerprint}}
 */
export function checkRemote(sdp) {
  if (typeof sdp !== 'string') throw new SdpError('sdp-malformed');
  const all = sections(sdp);
  const fingerprint = agreed(all);
  const line = `a=fingerprint:${fingerprint.hash} ${fingerprint.value}`;
  const lines = all.flatMap((section) => {
    let said = false;
    return section.lines.flatMap((text) => {
      if (!text.startsWith('a=fingerprint:')) return [text];
      if (said) return [];
      said = true;
      return [line];
    });
  });
  return { sdp: lines.join('\r\n') + '\r\n', fingerprint };
}

/** @param {string} sdp @returns {boolean} whether it speaks of data channels, and does not refuse them */
export function tellsData(sdp) {
  const [, ...media] = sdp.split(/^m=/m);
  const data = media.find((section) => /^application \d+ UDP\/DTLS\/SCTP webrtc-datachannel\s*$/m.test(section));
  // Port 0 refuses, except where all sections share the port of the first.
  return data !== undefined && (!data.startsWith('application 0 ') || /^a=bundle-only\s*$/m.test(data));
}

/** @param {string | undefined} sdp our own description @returns {Fingerprint | null} */
export function ownFingerprint(sdp) {
  try {
    return agreed(sections(sdp ?? ''));
  } catch {
    return null;
  }
}

/** @param {string | undefined} sdp an answer @returns {'active'|'passive'|null} the DTLS role that it takes */
export function roleOf(sdp) {
  const match = /^a=setup:(active|passive)\s*$/m.exec(sdp ?? '');
  return match ? /** @type {'active'|'passive'} */ (match[1]) : null;
}

/** @param {'active'|'passive'} role @returns {'active'|'passive'} */
export function otherRole(role) {
  return role === 'active' ? 'passive' : 'active';
}

/**
 * An offer within a running call leaves the DTLS role open, and the answerer must keep the one that it has (RFC 8842).
 * Firefox answers `active` even where it is the server, which Chromium refuses; an offer that names a role leaves no choice.
 * @param {string} sdp a remote offer @param {'active'|'passive'} mine
 */
export function keepRole(sdp, mine) {
  return sdp.replaceAll(/^a=setup:actpass/gm, `a=setup:${otherRole(mine)}`);
}
