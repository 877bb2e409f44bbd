// Invitation links: what a fragment says, and what is derived from it. No DOM.

import { compare, concat, fromBase64url, toBase64url, utf8 } from './bytes.js';

/** @typedef {import('./bytes.js').Bytes} Bytes */

/**
 * @typedef {object} Invitation
 * @property {string} text the fragment, 24 characters
 * @property {CryptoKey} key the link secret, importable for derivation only: script cannot read it back out
 * @property {Bytes} room
 * @property {string} roomText
 */

/** @param {Uint8Array} secret @returns {Promise<Bytes>} two bytes that tell a damaged link from a whole one */
async function checksum(secret) {
  const digest = await crypto.subtle.digest('SHA-256', concat(utf8('sotto v1 link'), secret));
  return new Uint8Array(digest, 0, 2);
}

/** @param {Uint8Array} secret @returns {Promise<string>} */
export async function linkText(secret) {
  return toBase64url(concat(secret, await checksum(secret)));
}

/**
 * @param {string} text a fragment without its '#'
 * @returns {Promise<Invitation | null>} null when the link is damaged
 */
export async function readLink(text) {
  if (text.length !== 24) return null;
  const bytes = fromBase64url(text);
  if (!bytes) return null;
  const secret = bytes.slice(0, 16);
  const whole = compare(bytes.slice(16), await checksum(secret)) === 0;
  const key = whole ? await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveBits', 'deriveKey']) : null;
  bytes.fill(0);
  secret.fill(0);
  if (!key) return null;
  const params = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info: utf8('sotto v1 room') };
  const room = new Uint8Array(await crypto.subtle.deriveBits(params, key, 128));
  return { text, key, room, roomText: toBase64url(room) };
}

/** @param {Invitation} invitation @returns {Promise<string>} what it is called in the list of known people (section 8) */
export async function linkName({ key }) {
  const params = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info: utf8('sotto v1 known') };
  return toBase64url(new Uint8Array(await crypto.subtle.deriveBits(params, key, 128)));
}

/** @returns {Promise<string>} the text of a new link */
export async function newLink() {
  const secret = crypto.getRandomValues(new Uint8Array(16));
  const text = await linkText(secret);
  secret.fill(0);
  return text;
}
