// Known people: names that a person gave to keys (docs/protocol.md, section 8). Lists in, new lists out. No DOM, no storage.

import { fromBase64url } from './bytes.js';
import { isObject, strictJson } from './json.js';

/**
 * @typedef {object} Pin
 * @property {string} name
 * @property {string} key thumbprint
 * @property {string} since when the name was given to this key, RFC 3339
 * @property {string | null} compared when the two last compared the pictures
 * @property {string[]} links what the invitations were called with which the two met, the latest last
 */
/** @typedef {'known'|'unknown'|'silent'|'changed'|'other'} Recognition */

export const LONGEST_NAME = 64;
const MOST_PEOPLE = 1000;
const MOST_LINKS = 32;
const LARGEST_FILE = 2 * 1024 * 1024;
const KIND = 'known peers';
/** What would break a line, or turn the direction of the text around a name, as well as what is no character. */
const UNFIT = /[\p{Cc}\p{Cs}\u2028-\u202e\u2066-\u2069]/u;

/** What a person asked for and cannot have; the message is for that person. */
export class KnownError extends Error {}

/** @param {unknown} name @returns {name is string} */
function isName(name) {
  return typeof name === 'string' && name !== '' && name.trim() === name && [...name].length <= LONGEST_NAME
    && !UNFIT.test(name);
}

/** @param {unknown} text @param {number} length in bytes @returns {text is string} base64url of so many */
const isBytes = (text, length) => typeof text === 'string' && fromBase64url(text)?.length === length;

/** @param {Date} date @returns {string} as the list has it: whole seconds */
export const timeOf = (date) => date.toISOString().replace(/\.\d+Z$/, 'Z');

/** @param {unknown} text @returns {text is string} a moment that there was */
function isTime(text) {
  if (typeof text !== 'string' || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text)) return false;
  const date = new Date(text);
  return !Number.isNaN(date.getTime()) && timeOf(date) === text;
}

/** @param {string} text what a person typed @returns {string} fit to be a name */
export function nameFrom(text) {
  const name = text.trim().replace(/\s+/g, ' ');
  if (!isName(name)) throw new KnownError(`A name has 1 to ${LONGEST_NAME} characters.`);
  return name;
}

/** @param {Pin[]} pins @param {string | null} key */
export const byKey = (pins, key) => pins.find((pin) => pin.key === key) ?? null;

/** @param {Pin[]} pins @param {string} name */
const byName = (pins, name) => pins.find((pin) => pin.name === name) ?? null;

/** Whom this end expects: the one that its user named, or who was met with this link. @param {Pin[]} pins @param {string} link @param {string | null} named a key */
export function expected(pins, link, named) {
  return byKey(pins, named) ?? pins.find((pin) => pin.links.includes(link)) ?? null;
}

/**
 * The table of section 8.
 * @param {Pin[]} pins @param {Pin | null} awaited whom this end expects @param {string | null} key null: no introduction came in time
 * @returns {{identity: Recognition, alarm: boolean, pin: Pin | null}} pin: the one of this key
 */
export function recognise(pins, awaited, key) {
  if (key === null) return { identity: 'silent', alarm: awaited !== null, pin: null };
  const pin = byKey(pins, key);
  if (!awaited) return { identity: pin ? 'known' : 'unknown', alarm: false, pin };
  if (awaited.key === key) return { identity: 'known', alarm: false, pin };
  return { identity: pin ? 'other' : 'changed', alarm: true, pin };
}

/** A link leads to one person: it is given to the one who was met with it last. @param {Pin[]} pins @param {string[]} links */
const without = (pins, links) => pins.map((pin) => (pin.links.some((link) => links.includes(link))
  ? { ...pin, links: pin.links.filter((link) => !links.includes(link)) } : pin));

/** @param {Pin[]} pins @param {string} key @param {(pin: Pin) => Pin} change */
const replace = (pins, key, change) => pins.map((pin) => (pin.key === key ? change(pin) : pin));

/** @param {Pin[]} pins @param {string} name that would be taken */
function demandFree(pins, name) {
  if (byName(pins, name)) throw new KnownError(`You know somebody else as “${name}”. Choose another name.`);
}

/** @param {Pin[]} pins @param {Pin} pin @returns {Pin[]} */
export function remember(pins, pin) {
  const before = byKey(pins, pin.key);
  if (before) throw new KnownError(`You know this person already, as “${before.name}”.`);
  demandFree(pins, pin.name);
  if (pins.length >= MOST_PEOPLE) throw new KnownError(`No more than ${MOST_PEOPLE} people can be remembered. Forget somebody first.`);
  return [...without(pins, pin.links), pin];
}

/** @param {Pin[]} pins @param {string} key @param {string} name @returns {Pin[]} */
export function rename(pins, key, name) {
  demandFree(pins.filter((pin) => pin.key !== key), name);
  return replace(pins, key, (pin) => ({ ...pin, name }));
}

/** @param {Pin[]} pins @param {string} key @returns {Pin[]} */
export const forget = (pins, key) => pins.filter((pin) => pin.key !== key);

/** @param {Pin[]} pins @param {string} key @param {string} link @returns {Pin[]} */
export const met = (pins, key, link) => replace(without(pins, [link]), key, (pin) => ({ ...pin, links: [...pin.links, link].slice(-MOST_LINKS) }));

/** @param {Pin[]} pins @param {string} key @param {string} at @returns {Pin[]} */
export const compared = (pins, key, at) => replace(pins, key, (pin) => ({ ...pin, compared: at }));

/** A new key in the old one's place: nobody has compared it yet. @param {Pin[]} pins @param {string} old @param {string} key @param {string} at @returns {Pin[]} */
export function takeKey(pins, old, key, at) {
  const before = byKey(pins, key);
  if (before) throw new KnownError(`This key is that of “${before.name}”.`);
  return replace(pins, old, (pin) => ({ ...pin, key, since: at, compared: null }));
}

/** @param {unknown} entry @param {number} place in the file, from 1 @returns {Pin} */
function readPin(entry, place) {
  const damaged = new KnownError(`Entry ${place} of this file is damaged. Nothing of it was taken.`);
  if (!isObject(entry)) throw damaged;
  const { name, key, since, compared: when, links } = entry;
  if (!isName(name) || !isBytes(key, 32) || !isTime(since) || !(when === null || isTime(when)) || !Array.isArray(links)
    || links.length > MOST_LINKS || !links.every((link) => isBytes(link, 16)) || new Set(links).size < links.length) throw damaged;
  return { name, key, since, compared: when, links };
}

/** @param {string} text of a file @returns {Pin[]} */
export function readPins(text) {
  let file;
  try {
    file = text.length <= LARGEST_FILE ? strictJson(text) : null;
  } catch {
    file = null;
  }
  if (!isObject(file) || file.sotto !== KIND || !Array.isArray(file.peers)) {
    throw new KnownError('This is no file of known people. Choose one that “Export” or `sotto peers export` wrote.');
  }
  if (file.version !== 1) throw new KnownError('This file was written by a newer Sotto. Update this one.');
  if (file.peers.length > MOST_PEOPLE) throw new KnownError(`This file has more than ${MOST_PEOPLE} people.`);
  /** @type {Pin[]} */ const pins = [];
  for (const [i, entry] of file.peers.entries()) {
    const pin = readPin(entry, i + 1);
    if (byKey(pins, pin.key) || byName(pins, pin.name) || pins.some(({ links }) => links.some((link) => pin.links.includes(link)))) {
      throw new KnownError(`Entry ${i + 1} of this file has a name, a key or a link that another one has. Nothing of it was taken.`);
    }
    pins.push(pin);
  }
  return pins;
}

/** @param {Pin[]} pins @returns {string} */
export function writePins(pins) {
  const peers = pins.map(({ name, key, since, compared: when, links }) => ({ name, key, since, compared: when, links }));
  return `${JSON.stringify({ sotto: KIND, version: 1, peers }, null, 1)}\n`;
}

/**
 * All of a file or nothing. Who is known already keeps the name that this person gave, and what was compared here.
 * @param {Pin[]} pins @param {Pin[]} file @returns {Pin[]}
 */
export function merge(pins, file) {
  let all = pins;
  for (const pin of file) {
    const own = byKey(pins, pin.key);
    const links = pin.links.filter((link) => !pins.some((known) => known.links.includes(link)));
    if (own) {
      all = replace(all, pin.key, () => ({ ...own, since: pin.since < own.since ? pin.since : own.since,
        compared: own.compared ?? pin.compared, links: [...links, ...own.links].slice(-MOST_LINKS) }));
      continue;
    }
    if (byName(pins, pin.name)) {
      throw new KnownError(`You know somebody else as “${pin.name}”, with another key than in this file. Nothing of it was taken: `
        + 'rename yours first, or ask which key is right.');
    }
    all = remember(all, { ...pin, links });
  }
  return all;
}
