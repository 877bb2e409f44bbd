// Who an end says it is: a key that signs for this very association (docs/protocol.md, section 7). No DOM.

import { concat, fromBase64url, hex, toBase64url, utf8 } from './bytes.js';
import { isObject, strictJson } from './json.js';
import { SIGNATURE, signJws } from './jws.js';

/** @typedef {import('./bytes.js').Bytes} Bytes */
/** @typedef {import('./sas.js').Ends} Ends */

/**
 * @typedef {object} Identity
 * @property {CryptoKey} sign the private key; script cannot read it out
 * @property {string} x of the public key, base64url
 * @property {string} y
 * @property {string} thumbprint
 */

export const INTRODUCTION = 0x10;

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' };
const TYPE = 'sotto-identity';
const LABEL = 'sotto v1 identity';
const LONGEST = 2048;
const DAY = 86400;

export class IntroductionError extends Error {
  /** @param {string} why for the record of the call */
  constructor(why) {
    super(`introduction: ${why}`);
    this.reason = /** @type {const} */ ('identity-refused');
    this.why = why;
  }
}

/** @param {string} x @param {string} y @returns {Promise<string>} RFC 7638: the members that are required, in their order */
export async function thumbprint(x, y) {
  const text = JSON.stringify({ crv: 'P-256', kty: 'EC', x, y });
  return toBase64url(new Uint8Array(await crypto.subtle.digest('SHA-256', utf8(text))));
}

/** @param {CryptoKeyPair} pair @returns {Promise<Identity>} */
export async function identityOf({ privateKey, publicKey }) {
  const { x = '', y = '' } = await crypto.subtle.exportKey('jwk', publicKey);
  return { sign: privateKey, x, y, thumbprint: await thumbprint(x, y) };
}

/** @returns {Promise<CryptoKeyPair>} a new key, which can be used and not be read */
export function newKey() {
  return crypto.subtle.generateKey(ALGORITHM, false, ['sign', 'verify']);
}

/** @param {Ends} ends */
function bound({ fingerprints, sids }) {
  return { fingerprints: fingerprints.map(hex), sids: sids.map(toBase64url) };
}

/** @param {Identity} identity @param {Ends} ends @param {number} time Unix seconds @returns {Promise<Bytes>} the message */
export async function introduce(identity, ends, time) {
  const payload = { label: LABEL, role: ends.client ? 'client' : 'server', ...bound(ends), time, key: identity.thumbprint };
  return concat([INTRODUCTION], utf8(await signJws(identity, TYPE, JSON.stringify(payload))));
}

/** @param {boolean} holds @param {string} why it does not */
function demand(holds, why) {
  if (!holds) throw new IntroductionError(why);
}

/** @param {string} part base64url @param {string} what @returns {Record<string, unknown>} */
function readPart(part, what) {
  const bytes = fromBase64url(part);
  try {
    const value = bytes && strictJson(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
    if (isObject(value)) return value;
  } catch { /* falls through to the refusal */ }
  throw new IntroductionError(`the ${what} is not a JSON object`);
}

/** Nothing is there that is not known, such as the private half of a key. @param {object} value @param {string} names @param {string} what */
function demandMembers(value, names, what) {
  demand(Object.keys(value).sort().join() === names, `the ${what} has other members`);
}

/** @param {Record<string, unknown>} header @returns {{x: string, y: string}} */
function readHeader(header) {
  demand(header.alg === 'ES256', 'another algorithm');
  demand(header.typ === TYPE, 'another type');
  demandMembers(header, 'alg,jwk,typ', 'header');
  const { jwk } = header;
  if (!isObject(jwk)) throw new IntroductionError('no key');
  demandMembers(jwk, 'crv,kty,x,y', 'key');
  demand(jwk.kty === 'EC' && jwk.crv === 'P-256', 'another kind of key');
  const { x, y } = jwk;
  const whole = [x, y].every((part) => typeof part === 'string' && fromBase64url(part)?.length === 32);
  demand(whole, 'a damaged key');
  return { x: String(x), y: String(y) };
}

/** @param {Record<string, unknown>} payload @param {Ends} ends @param {number} now */
function checkPayload(payload, ends, now) {
  const { label, role, time } = payload;
  const { fingerprints, sids } = bound(ends);
  /** @param {unknown} said @param {string[]} known */
  const same = (said, known) => Array.isArray(said) && said.length === known.length && known.every((one, i) => one === said[i]);
  demandMembers(payload, 'fingerprints,key,label,role,sids,time', 'payload');
  demand(label === LABEL, 'another label');
  demand(role === (ends.client ? 'server' : 'client'), 'the wrong role');
  demand(same(payload.fingerprints, fingerprints), 'the certificates of another call');
  demand(same(payload.sids, sids), 'the session ids of another call');
  demand(typeof time === 'number' && Number.isInteger(time) && Math.abs(time - now) <= DAY, 'a time more than a day off');
}

/**
 * @param {Uint8Array} message @param {Ends} ends @param {number} now Unix seconds
 * @returns {Promise<string>} the thumbprint of the key that signed it; rejects with IntroductionError
 */
export async function checkIntroduction(message, ends, now) {
  demand(message[0] === INTRODUCTION && message.length <= 1 + LONGEST, 'too long');
  const parts = String.fromCharCode(...message.subarray(1)).split('.');
  demand(parts.length === 3, 'not three parts');
  const { x, y } = readHeader(readPart(parts[0], 'header'));
  const payload = readPart(parts[1], 'payload');
  const signature = fromBase64url(parts[2]);
  demand(signature?.length === 64, 'a damaged signature');
  checkPayload(payload, ends, now);
  const key = await thumbprint(x, y);
  demand(payload.key === key, 'the thumbprint of another key');
  const jwk = { kty: 'EC', crv: 'P-256', x, y };
  const verify = await crypto.subtle.importKey('jwk', jwk, ALGORITHM, false, ['verify']).catch(() => null);
  if (!verify) throw new IntroductionError('a point that is not on the curve');
  const signed = utf8(`${parts[0]}.${parts[1]}`);
  const holds = await crypto.subtle.verify(SIGNATURE, verify, /** @type {Bytes} */ (signature), signed);
  demand(holds, 'the signature does not verify');
  return key;
}
