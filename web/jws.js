// Signed JSON in compact serialization (JWS, RFC 7515), as introductions and reports have it: ES256, with the public key in the
// header. No DOM.

import { toBase64url, utf8 } from './bytes.js';

/** @typedef {import('./introduction.js').Identity} Identity */

export const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' };

/** @param {Identity} identity @param {string} typ @param {string} payload its text @returns {Promise<string>} */
export async function signJws({ sign, x, y }, typ, payload) {
  const header = JSON.stringify({ alg: 'ES256', typ, jwk: { kty: 'EC', crv: 'P-256', x, y } });
  const signed = [header, payload].map((part) => toBase64url(utf8(part))).join('.');
  const signature = new Uint8Array(await crypto.subtle.sign(SIGNATURE, sign, utf8(signed)));
  return `${signed}.${toBase64url(signature)}`;
}
