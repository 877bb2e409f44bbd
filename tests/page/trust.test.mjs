// web/sas.js, web/introduction.js, web/known.js against the vectors that the C side is held to as well.

import './browser.mjs';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fromBase64url, toBase64url } from '../../web/bytes.js';
import { checkIntroduction, identityOf, introduce, IntroductionError, newKey, thumbprint } from '../../web/introduction.js';
import {
  byKey, compared, expected, forget, KnownError, merge, met, nameFrom, readPins, recognise, remember, rename, takeKey, timeOf, writePins,
} from '../../web/known.js';
import { linkName, linkText, readLink } from '../../web/link.js';
import { PICTURES, WORDS } from '../../web/sas_list.js';
import { Sas, SasError } from '../../web/sas.js';

const read = (path) => readFileSync(new URL(path, import.meta.url), 'utf8');
const vectors = JSON.parse(read('../vectors/trust.json'));
const bytes = (hex) => new Uint8Array(Buffer.from(hex, 'hex'));
const hex = (data) => Buffer.from(data).toString('hex');

/** @returns {import('../../web/sas.js').Ends} */
const ends = (vector, client) => ({ client, fingerprints: [bytes(vector.client_fingerprint), bytes(vector.server_fingerprint)],
  sids: [bytes(vector.client_sid), bytes(vector.server_sid)] });
const sas = (vector, client, nonce) => new Sas(ends(vector, client), () => bytes(nonce));

test('the lists of the page are those of docs/sas.txt', () => {
  const rows = read('../../docs/sas.txt').split('\n').filter(Boolean).map((line) => line.split('\t'));
  assert.equal(rows.length, 256);
  assert.deepEqual(rows, PICTURES.map(([picture, name], i) => [String(i), picture, name, WORDS[i]]));
});

test('both ends come to the string of the vectors', async () => {
  assert.ok(vectors.sas.length > 0);
  for (const vector of vectors.sas) {
    const [client, server] = [sas(vector, true, vector.client_nonce), sas(vector, false, vector.server_nonce)];
    const commit = await client.begin();
    assert.equal(await server.begin(), null);
    const nonce = await server.take(commit);
    const reveal = await client.take(nonce);
    assert.deepEqual([commit, nonce, reveal].map(hex), [vector.commit, vector.nonce, vector.reveal]);
    assert.equal(await server.take(reveal), null);
    for (const { string } of [client, server]) {
      assert.equal(hex(string), vector.string);
      assert.deepEqual([...string].map((byte) => PICTURES[byte]), vector.pictures.map((one, i) => [one, vector.names[i]]));
      assert.deepEqual([...string].map((byte) => WORDS[byte]), vector.words);
    }
  }
});

// Which first bytes are another's is for trust.js to say: see trust_run.test.mjs.
for (const vector of vectors.sas_taken.filter(({ take }) => take.every((message) => /^0[123]/.test(message)))) {
  test(`short string, ${vector.role}: ${vector.about} (${vector.result})`, async () => {
    const end = sas(vector, vector.role === 'client', vector.own_nonce);
    const run = async () => {
      await end.begin();
      for (const message of vector.take) await end.take(bytes(message));
    };
    if (vector.result === 'done') {
      await run();
      assert.equal(end.string.length, 4);
      return;
    }
    await assert.rejects(run, (error) => error instanceof SasError && error.reason === vector.result);
    assert.equal(end.string, null);
    await assert.rejects(() => end.take(bytes(vector.take[0] ?? '01')), (error) => error.reason === 'sas-order', 'and stays failed');
  });
}

test('nonces are fresh', async () => {
  const [vector] = vectors.sas;
  assert.notDeepEqual(await new Sas(ends(vector, true)).begin(), await new Sas(ends(vector, true)).begin());
});

const receiver = ({ role, fingerprints, sids }) => ({ client: role === 'client', fingerprints: fingerprints.map(bytes), sids: sids.map(fromBase64url) });
const message = (jws) => new Uint8Array([0x10, ...Buffer.from(jws, 'latin1')]);
const check = ({ jws, receiver: who }) => checkIntroduction(message(jws), receiver(who), who.now);

test('introductions of the vectors are taken', async () => {
  for (const vector of vectors.introductions) assert.equal(await check(vector), vector.thumbprint, vector.about);
  for (const { x, y, thumbprint: wanted } of Object.values(vectors.identities)) assert.equal(await thumbprint(x, y), wanted);
});

for (const vector of vectors.introductions_refused) {
  test(`an introduction is refused: ${vector.rule}`, async () => {
    await assert.rejects(check(vector), (error) => error instanceof IntroductionError && error.reason === 'identity-refused');
  });
}

test('what this end says is what the other one takes, and it keeps its private half to itself', async () => {
  const { receiver: who } = vectors.introductions[0];
  const taken = receiver(who);
  const pair = await newKey();
  const identity = await identityOf(pair);
  const said = await introduce(identity, { ...taken, client: !taken.client }, who.now);
  assert.equal(said[0], 0x10);
  assert.ok(said.length <= 2049);
  assert.equal(await checkIntroduction(said, taken, who.now), identity.thumbprint);
  assert.ok(!pair.privateKey.extractable);
  await assert.rejects(crypto.subtle.exportKey('jwk', pair.privateKey));
  // It is of no use to the one who said it, in the other role, or in another call.
  await assert.rejects(checkIntroduction(said, { ...taken, client: !taken.client }, who.now), IntroductionError);
  await assert.rejects(checkIntroduction(said, { ...taken, sids: [taken.sids[1], taken.sids[0]] }, who.now), IntroductionError);
});

test('files of known people: what is written is what was read', () => {
  for (const { about, text, peers } of vectors.known) {
    const pins = readPins(text);
    assert.deepEqual(pins, peers, about);
    assert.deepEqual(readPins(writePins(pins)), peers, about);
  }
});

for (const { rule, text } of vectors.known_refused) {
  test(`a file of known people is refused: ${rule}`, () => {
    assert.throws(() => readPins(text), (error) => error instanceof KnownError && /[.!]$/.test(error.message));
  });
}

test('a file that is too large, or has too many people, is refused', () => {
  assert.throws(() => readPins(`${' '.repeat(2 << 20)}${vectors.known[0].text}`), KnownError);
  const [pin] = vectors.known.find(({ peers }) => peers.length > 0).peers;
  const key = (i) => toBase64url(new Uint8Array(new Uint32Array([i, 0, 0, 0, 0, 0, 0, 0]).buffer));
  const many = Array.from({ length: 1001 }, (_, i) => ({ ...pin, name: `n${i}`, key: key(i), links: [] }));
  assert.equal(readPins(writePins(many.slice(1))).length, 1000);
  assert.throws(() => readPins(writePins(many)), KnownError);
  assert.throws(() => remember(many.slice(1), many[0]), KnownError);
});

for (const { about, mine, theirs, peers, refused } of vectors.merges) {
  test(`importing: ${about}`, () => {
    const [own, file] = [readPins(mine), readPins(theirs)];
    if (refused) assert.throws(() => merge(own, file), (error) => error instanceof KnownError && error.message.includes(refused));
    else assert.deepEqual(merge(own, file), peers);
  });
}

const key = (letter) => letter.repeat(42) + 'A';
const link = (letter) => letter.repeat(21) + 'A';
const pin = (name, letter, links = []) => ({ name, key: key(letter), since: '2026-11-24T12:00:00Z', compared: null, links });
const [P, Q] = [pin('P', 'P', [link('l')]), pin('Q', 'Q')];

test('the table of recognition', () => {
  const introduced = { 'a pin': P.key, 'another pin': Q.key, P: P.key, 'no pin': key('x'), nothing: null };
  assert.equal(vectors.recognition.length, 7);
  for (const { expected: who, introduced: what, result, alarm } of vectors.recognition) {
    const seen = recognise([P, Q], who === 'P' ? P : null, introduced[what]);
    assert.deepEqual([seen.identity, seen.alarm], [result, alarm], `${who}, ${what}`);
    assert.equal(seen.pin, byKey([P, Q], introduced[what]));
  }
});

test('whom this end expects: the one who was named, or the one who was met with the link', () => {
  assert.equal(expected([P, Q], link('l'), null), P);
  assert.equal(expected([P, Q], link('l'), Q.key), Q);
  assert.equal(expected([P, Q], link('m'), null), null);
  assert.equal(expected([P, Q], link('l'), key('x')), P, 'who was named is forgotten');
});

test('the list: names and keys are there once, and a link leads to one person', () => {
  assert.throws(() => remember([P], pin('P', 'x')), /“P”/);
  assert.throws(() => remember([P], pin('R', 'P')), /“P”/);
  assert.deepEqual(remember([P], pin('R', 'R', [link('l')])).map(({ links }) => links), [[], [link('l')]]);
  assert.deepEqual(met([P, Q], Q.key, link('l')).map(({ links }) => links), [[], [link('l')]]);
  assert.deepEqual(met([P], P.key, link('l')), [P]);
  let list = [P];
  for (const letter of 'abcdefghijklmnopqrstuvwxyz0123456789') list = met(list, P.key, link(letter));
  assert.equal(list[0].links.length, 32);
  assert.equal(list[0].links.at(-1), link('9'));

  assert.deepEqual(rename([P, Q], P.key, 'Pat').map(({ name }) => name), ['Pat', 'Q']);
  assert.deepEqual(rename([P, Q], P.key, 'P'), [P, Q]);
  assert.throws(() => rename([P, Q], P.key, 'Q'), /“Q”/);
  assert.deepEqual(forget([P, Q], P.key), [Q]);
  const at = '2026-11-25T00:00:00Z';
  assert.equal(compared([P, Q], P.key, at)[0].compared, at);
  assert.deepEqual(takeKey(compared([P], P.key, at), P.key, key('x'), at), [{ ...P, key: key('x'), since: at, compared: null }]);
  assert.throws(() => takeKey([P, Q], P.key, Q.key, at), /“Q”/);
  assert.deepEqual([P, Q], [pin('P', 'P', [link('l')]), pin('Q', 'Q')], 'nothing was changed in place');
});

test('names that a person types', () => {
  assert.equal(nameFrom('  Ann   of\tGreen Gables '), 'Ann of Green Gables');
  assert.equal(nameFrom('🦊'.repeat(64)), '🦊'.repeat(64));
  for (const bad of ['', '  ', 'x'.repeat(65), 'a\u0000b', 'a\u202eb', '\ud800']) assert.throws(() => nameFrom(bad), KnownError);
  assert.equal(timeOf(new Date(Date.UTC(2026, 10, 24, 1, 2, 3, 4))), '2026-11-24T01:02:03Z');
});

test('what a link is called in the list', async () => {
  const invitation = await readLink(await linkText(bytes(vectors.link.secret)));
  assert.equal(await linkName(invitation), vectors.link.known);
});
