// What a call must have (docs/policy.md): read, made stricter, held against what was seen. Pure.

import { isObject, strictJson } from './json.js';

/** @typedef {import('./report.js').Door} Door */
/** @typedef {string | boolean | string[]} RuleValue */
/** @typedef {Record<string, RuleValue>} Rules what a text gave; the rest is the default */
/** @typedef {'default'|'own'|'server'|'both'} Source */
/** @typedef {{rules: Rules, from: Record<string, Source>}} Policy in force: every rule, and whose it is */
/** @typedef {'signaling'|'seal'|'media'|'path'|'person'|'this-end'} Stage */
/** @typedef {Record<string, string | boolean | null>} Facts null: this end cannot observe it */
/** @typedef {{rule: string, fault: 'below'|'not-allowed'|'not-observed', door: Door | null, why: string}} Broken */

/** The first name is the one that policies use. */
const GROUPS = [['x25519'], ['secp256r1', 'P-256', 'prime256v1'], ['secp384r1', 'P-384'], ['secp521r1', 'P-521'], ['x448'],
  ['X25519MLKEM768']];
const PROFILES = [
  ['SRTP_AES128_CM_HMAC_SHA1_80', 'AES128_CM_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_80', 'SRTP_AES128_CM_SHA1_80'],
  ['SRTP_AEAD_AES_128_GCM', 'AEAD_AES_128_GCM'], ['SRTP_AEAD_AES_256_GCM', 'AEAD_AES_256_GCM']];
const LONGEST = 8192;
const VERSIONS = ['1.2', '1.3'];

/**
 * `strict`: the boolean that asks for more; `fact`: what is looked at; `meaning`: what the rule asks for.
 * @typedef {object} Rule
 * @property {RuleValue} otherwise @property {Stage} stage @property {Door | null} door @property {string} fact
 * @property {string[][]} [names] @property {boolean} [strict] @property {string} meaning
 */

/** @type {Record<string, Rule>} */
const RULES = {
  tls_min: { otherwise: '1.2', stage: 'signaling', door: 'signaling', fact: 'tls_version',
    meaning: 'The connection to the server has at least this version of TLS' },
  tls_groups: { otherwise: 'any', stage: 'signaling', door: 'signaling', fact: 'tls_group', names: GROUPS,
    meaning: 'The keys of the connection to the server are agreed on in one of these groups' },
  seal: { otherwise: true, stage: 'seal', door: 'seal', fact: 'sealed', strict: true, meaning: 'What the two ends say to each other is sealed' },
  dtls_min: { otherwise: '1.2', stage: 'media', door: 'media', fact: 'dtls_version',
    meaning: 'The handshake between the two ends has at least this version of DTLS' },
  dtls_groups: { otherwise: 'any', stage: 'media', door: 'media', fact: 'dtls_group', names: GROUPS,
    meaning: 'The keys of the call are agreed on in one of these groups' },
  srtp_profiles: { otherwise: 'any', stage: 'media', door: 'media', fact: 'srtp_profile', names: PROFILES,
    meaning: 'Sound and picture are encrypted with one of these profiles' },
  relay_only: { otherwise: false, stage: 'path', door: 'path', fact: 'relayed', strict: true,
    meaning: 'All packets go through a relay, and no address of this end is told to the other' },
  // Who it is comes before what people say of it.
  known_only: { otherwise: false, stage: 'person', door: 'person', fact: 'known', strict: true,
    meaning: 'The other end shows a key that you have a name for' },
  compare: { otherwise: false, stage: 'person', door: 'person', fact: 'compared', strict: true,
    meaning: 'Nothing goes out or is taken before you have compared' },
  recording: { otherwise: true, stage: 'this-end', door: null, fact: 'recording', strict: false,
    meaning: 'This end writes nothing of the other’s sound and picture to a file' },
};

/** In the order of docs/policy.md. */
export const NAMES = Object.freeze(['tls_min', 'tls_groups', 'seal', 'dtls_min', 'dtls_groups', 'srtp_profiles', 'relay_only', 'compare',
  'known_only', 'recording']);

/** What can't be read, or where `door` is given, can't be met. */
export class PolicyError extends Error {
  /** @param {string | null} rule @param {string} message @param {Door | null} [door] */
  constructor(rule, message, door) {
    super(message);
    this.rule = rule;
    this.code = door === undefined ? 'policy-unreadable' : 'policy-conflict';
    this.door = door === undefined ? /** @type {const} */ ('signaling') : door;
  }
}

/** @param {string} name of a rule @returns {string} the code that a call ends with */
export const codeOf = (name) => `policy-${name.replaceAll('_', '-')}`;

/** @param {string} name @param {unknown} value @returns {boolean} */
function fits(name, value) {
  const { otherwise, names } = RULES[name];
  if (typeof otherwise === 'boolean') return typeof value === 'boolean';
  if (!names) return typeof value === 'string' && VERSIONS.includes(value);
  if (value === 'any') return true;
  const firsts = names.map(([first]) => first);
  return Array.isArray(value) && value.length > 0 && new Set(value).size === value.length && value.every((one) => firsts.includes(one));
}

/** What a server calls a rule is shown and saved, so it is no more than a name. @param {string} name */
const sayName = (name) => (/^\w{1,40}$/.test(name) ? name : 'with that name');

/** @param {unknown} value of a message @returns {Rules} @throws {PolicyError} */
export function readPolicy(value) {
  if (!isObject(value)) throw new PolicyError(null, 'It is no JSON object, or says a name twice.');
  for (const [name, rule] of Object.entries(value)) {
    if (!Object.hasOwn(RULES, name)) throw new PolicyError(name, `This page does not know the rule ${sayName(name)}.`);
    if (!fits(name, rule)) throw new PolicyError(name, `The rule ${name} has a value that it cannot have.`);
  }
  return /** @type {Rules} */ (value);
}

/** @param {string} text @returns {Rules} @throws {PolicyError} */
export function parsePolicy(text) {
  if (text.length > LONGEST) throw new PolicyError(null, 'It is too long.');
  let value;
  try {
    value = strictJson(text);
  } catch {
    throw new PolicyError(null, 'It is no JSON.');
  }
  return readPolicy(value);
}

/** @param {Rules} own what this end asks for itself @returns {Policy} */
export function inForce(own) {
  const rules = Object.fromEntries(NAMES.map((name) => [name, own[name] ?? RULES[name].otherwise]));
  const from = Object.fromEntries(NAMES.map((name) => [name, Object.hasOwn(own, name) ? 'own' : 'default']));
  return /** @type {Policy} */ ({ rules, from });
}

/** @param {RuleValue} a @param {RuleValue} b */
const same = (a, b) => String(a) === String(b);

/** @param {string[] | 'any'} ours @param {string[] | 'any'} theirs @returns {string[] | 'any'} in our order */
function shared(ours, theirs) {
  if (theirs === 'any') return ours;
  return ours === 'any' ? theirs : ours.filter((name) => theirs.includes(name));
}

/** @param {string} name @param {any} ours @param {any} theirs @returns {RuleValue} */
function stricterOf(name, ours, theirs) {
  const { names, strict } = RULES[name];
  if (names) return shared(ours, theirs);
  if (strict === undefined) return theirs > ours ? theirs : ours;
  return theirs === strict ? strict : ours;
}

/** @param {Policy} policy @param {Rules} server what the server gave @returns {Policy} @throws {PolicyError} nothing meets both */
export function tighten(policy, server) {
  const rules = { ...policy.rules };
  const from = { ...policy.from };
  for (const name of NAMES.filter((one) => Object.hasOwn(server, one))) {
    const after = stricterOf(name, rules[name], server[name]);
    if (Array.isArray(after) && after.length === 0) {
      throw new PolicyError(name, `This end and the server have nothing in common in the rule ${name}.`, RULES[name].door);
    }
    if (same(after, rules[name])) continue;
    const theirs = Array.isArray(after) && Array.isArray(server[name]) ? after.length === /** @type {string[]} */ (server[name]).length : true;
    from[name] = theirs ? 'server' : 'both';
    rules[name] = after;
  }
  return { rules, from };
}

/** @param {string[]} names @param {string} seen */
const isCalled = (names, seen) => names.some((name) => name.toLowerCase() === seen.toLowerCase());

/** @param {string} name @param {RuleValue} value @param {string | boolean | null} seen @returns {Broken['fault'] | null} */
function faultOf(name, value, seen) {
  const { otherwise, names, strict } = RULES[name];
  if (strict !== undefined) {
    if (value !== strict) return null;
    if (seen === null) return 'not-observed';
    return seen === strict ? null : 'not-allowed';
  }
  if (seen === null) return same(value, otherwise) ? null : 'not-observed';
  const text = String(seen);
  if (!names) return VERSIONS.indexOf(text.replace(/^TLSv/, '')) >= VERSIONS.indexOf(String(value)) ? null : 'below';
  // Any group will do; a profile must be one that there is, since others do not encrypt, or hardly authenticate.
  if (value === 'any' && names === GROUPS) return null;
  const found = names.find((one) => isCalled(one, text));
  return found && (value === 'any' || /** @type {string[]} */ (value).includes(found[0])) ? null : 'not-allowed';
}

/** @param {RuleValue} value */
const sayValue = (value) => (Array.isArray(value) ? value.join(', ') : String(value));

/** @type {Record<Source, string>} */
const WHOSE = { default: 'a default', own: 'of this end', server: 'of the server', both: 'of this end and the server' };

/** @param {Policy} policy @param {string} rule @param {string | boolean | null} seen @returns {Broken | null} */
export function checkRule({ rules, from }, rule, seen) {
  const fault = faultOf(rule, rules[rule], seen);
  if (!fault) return null;
  const what = fault === 'not-observed' ? 'this browser does not show it' : `it is ${sayValue(/** @type {RuleValue} */ (seen))}`;
  const why = `The rule ${rule}, ${WHOSE[from[rule]]}, asks for ${sayValue(rules[rule])}, and ${what}.`;
  return { rule, fault, door: RULES[rule].door, why };
}

/** @param {Policy} policy @param {Stage} stage @param {Facts} facts @returns {Broken | null} the first rule that is not met */
export function check(policy, stage, facts) {
  for (const [rule, { stage: own, fact }] of Object.entries(RULES)) {
    const broken = own === stage ? checkRule(policy, rule, facts[fact] ?? null) : null;
    if (broken) return broken;
  }
  return null;
}

/** @param {Policy} policy @returns {string[]} what is asked for beyond the default, a line each, for people */
export function sayPolicy({ rules, from }) {
  return NAMES.filter((name) => !same(rules[name], RULES[name].otherwise)).map((name) => {
    const value = typeof rules[name] === 'boolean' ? '' : `: ${sayValue(rules[name])}`;
    return `${RULES[name].meaning}${value} (${WHOSE[from[name]]}).`;
  });
}
