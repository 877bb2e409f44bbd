// web/policy.js against tests/vectors/policy.json, which the C side meets too.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { check, checkRule, codeOf, inForce, NAMES, parsePolicy, PolicyError, readPolicy, sayPolicy, tighten } from '../../web/policy.js';
import { isKnown } from '../../web/errors.js';

const vectors = JSON.parse(readFileSync(new URL('../vectors/policy.json', import.meta.url), 'utf8'));

test('policies are read', () => {
  assert.ok(vectors.parse.length > 15);
  for (const { text, rules } of vectors.parse) assert.deepEqual(inForce(parsePolicy(text)).rules, rules, text);
});

test('what is no policy is refused', () => {
  assert.ok(vectors.refuse.length > 35);
  for (const { text, rule } of vectors.refuse) {
    assert.throws(() => parsePolicy(text), (error) => error instanceof PolicyError && (rule === null || error.rule === rule), text);
  }
  assert.throws(() => parsePolicy(`{}${' '.repeat(8191)}`), PolicyError);
  for (const value of [undefined, null, [], 'x', { compare: 'yes' }]) assert.throws(() => readPolicy(value), PolicyError);
});

test('the stricter of two', () => {
  assert.ok(vectors.stricter.length > 35);
  for (const { own, server, rules, from, conflict } of vectors.stricter) {
    const work = () => tighten(inForce(own), server);
    if (conflict) assert.throws(work, (error) => error instanceof PolicyError && error.rule === conflict);
    else {
      assert.deepEqual(work(), { rules, from }, JSON.stringify([own, server]));
      assert.deepEqual(tighten(work(), server), work(), 'said twice');
    }
  }
});

test('calls are checked', () => {
  assert.ok(vectors.check.length > 50);
  for (const { policy, stage, facts, fails } of vectors.check) {
    const broken = check(inForce(policy), stage, facts);
    assert.deepEqual(broken && { rule: broken.rule, fault: broken.fault }, fails, JSON.stringify([policy, facts]));
    if (broken) assert.ok(broken.why.includes(broken.rule) && isKnown(codeOf(broken.rule)), broken.why);
  }
});

test('what is asked for is told in words, and nothing else', () => {
  assert.deepEqual(sayPolicy(inForce({})), []);
  assert.deepEqual(sayPolicy(inForce({ tls_min: '1.2', seal: true })), []);
  const lines = sayPolicy(tighten(inForce({ relay_only: true }), { compare: true, dtls_groups: ['x25519'] }));
  assert.deepEqual(lines.map((line) => /\((.*)\)\.$/.exec(line)[1]), ['of the server', 'of this end', 'of the server']);
  assert.match(lines[0], /: x25519 \(/);
  for (const name of NAMES) assert.ok(isKnown(codeOf(name)), name);
});

test('what no browser shows is refused before a call', () => {
  assert.equal(checkRule(inForce({}), 'dtls_groups', null), null);
  const { fault, door, why } = checkRule(inForce({ dtls_groups: ['x25519'] }), 'dtls_groups', null);
  assert.deepEqual([fault, door], ['not-observed', 'media']);
  assert.match(why, /dtls_groups, of this end, asks for x25519, and this browser does not show it/);
});

test('what a server calls a rule is said only where it is a name', () => {
  const message = (name) => {
    try {
      return readPolicy({ [name]: true });
    } catch (error) {
      return error.message;
    }
  };
  assert.match(message('tls'), /the rule tls\.$/);
  for (const name of ['', 'x'.repeat(41), 'two words', '<b>', '\ud800', '192.0.2.1']) assert.equal(message(name), 'This page does not know the rule with that name.');
});
