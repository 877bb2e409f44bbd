// What a server asks of calls that the page is in already, through a relay, and in words that nobody can read.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { answersStun } from '../server/stun.mjs';
import { Evil } from './evil.mjs';
import { ADDRESS, PATIENT, World, until } from './harness.mjs';
import { Native } from './native.mjs';
import { bothReceive, call, hangUp } from './pairs.mjs';
import { nothingCameIn, pictures } from './trust.mjs';

const world = new World();
const SECRET = 'a secret of this test alone';
let evil, browsers;

before(async () => {
  evil = await Evil.start(world);
  browsers = { Chromium: await world.chromium(evil.server), Firefox: await world.firefox(evil.server) };
}, PATIENT);
after(() => world.close());

/** From now on the server asks for this, however its text is. @param {string} text of a policy */
function asks(text) {
  evil.welcome = (welcome) => welcome.replace(/}$/, `,"policy":${text}}`);
}

const panelOf = (visitor) => visitor.panel();

/** @returns {Promise<any>} the report, as the button saves it */
const report = async (visitor) => JSON.parse(await visitor.saveReport()).report;

async function both() {
  evil.play();
  return [await browsers.Chromium.visitor('A'), await browsers.Firefox.visitor('B')];
}

test('a policy that the page cannot read, or can read in two ways, is refused before anybody else is there', PATIENT, async () => {
  const visitor = await browsers.Firefox.visitor();
  const long = 'x'.repeat(5000);
  for (const [text, remark] of [
    ['null', /It is no JSON object, or says a name twice/], ['[]', /It is no JSON object/], ['{"colour":"blue"}', /does not know the rule colour\./],
    [`{"${long}":1}`, /does not know the rule with that name\./], ['{"tls_min":"1.1"}', /rule tls_min has a value that it cannot have/],
    ['{"compare":true,"compare":false}', /It is no JSON object/], ['{"compare":true},"policy":{}', /It is no JSON object/],
    ['{"__proto__":{"compare":true}}', /does not know the rule __proto__/],
  ]) {
    evil.play();
    asks(text);
    await visitor.join(await evil.server.link(), { media: false });
    await visitor.reaches('failed policy-unreadable');
    assert.match(await visitor.text('over-text'), remark);
    assert.equal((await visitor.did()).peers, 0);
    assert.equal((await panelOf(visitor)).doors.signaling.state, 'failed');
    await visitor.startOver();
  }
  await visitor.close();
});

test('a group that no browser shows is refused before a connection is made', PATIENT, async () => {
  const [a, b] = await both();
  asks('{"dtls_groups":["x25519"]}');
  for (const visitor of [a, b]) {
    await visitor.join(await evil.server.link(), { media: false });
    await visitor.reaches('failed policy-dtls-groups');
    assert.match(await visitor.text('over-text'), /dtls_groups, of the server, asks for x25519, and this browser does not show it/);
    assert.equal((await visitor.did()).peers, 0);
    await visitor.close();
  }
});

/** A call in which the server comes back and asks for something else. @param {string} text @param {string} [before] */
async function meanwhile(text, before = '{}') {
  const [a, b] = await both();
  asks(before);
  await call(a, b, await evil.server.link());
  await bothReceive(a, b);
  asks(text);
  evil.cut('first');
  return [a, b];
}

test('a policy that becomes stricter in mid-call is met, or ends the call; one that becomes looser changes nothing', PATIENT, async () => {
  const strict = '{"dtls_min":"1.3","srtp_profiles":["SRTP_AEAD_AES_256_GCM","SRTP_AEAD_AES_128_GCM"]}';
  const [a, b] = await meanwhile(strict);
  await a.until('shows what is asked for', async () => /DTLS: 1\.3 \(of the server\)/.test(await a.text('policy-rules')));
  asks('{}');
  evil.cut('first');
  await a.until('is in another epoch', async () => Number((await panelOf(a)).doors.seal.fields.epoch) >= 3);
  assert.match(await a.text('policy-rules'), /DTLS: 1\.3 \(of the server\)/);
  await bothReceive(a, b);
  assert.equal((await report(a)).policy.from.dtls_min, 'server');
  assert.equal((await report(b)).policy.from.dtls_min, 'default');
  await hangUp(a, b);
  for (const visitor of [a, b]) {
    await visitor.isClean(evil.url);
    await visitor.close();
  }
});

for (const [text, code, remark, before] of [
  ['{"srtp_profiles":["SRTP_AES128_CM_HMAC_SHA1_80"]}', 'policy-srtp-profiles', /asks for SRTP_AES128_CM_HMAC_SHA1_80, and it is/],
  ['{"srtp_profiles":["SRTP_AES128_CM_HMAC_SHA1_80"]}', 'policy-conflict', /nothing in common in the rule srtp_profiles/,
    '{"srtp_profiles":["SRTP_AEAD_AES_256_GCM","SRTP_AEAD_AES_128_GCM"]}'],
  ['{"compare":true}', 'policy-compare', /The rule compare, of the server, asks for true, and it is false/],
  ['{"known_only":true}', 'policy-known-only', /The rule known_only, of the server, asks for true, and it is false/],
  ['{"relay_only":true}', 'policy-relay-only', /The rule relay_only, of the server, asks for true, and it is false/],
]) {
  test(`a running call that does not meet ${text} ends with ${code}`, PATIENT, async () => {
    const [a, b] = await meanwhile(text, before);
    await a.reaches(`failed ${code}`);
    assert.match(await a.text('over-text'), remark);
    await b.until('hears of it, or waits for another one', async () => /^(failed peer-refused|waiting)/.test(await b.state()));
    const { verdict, ended } = await report(a);
    assert.equal(verdict.reason, code);
    assert.ok(ended);
    for (const visitor of [a, b]) await visitor.close();
  });
}

test('comparing that was put off can still be done, and pictures that differ let nobody in', PATIENT, async () => {
  const [a, b] = await both();
  asks('{"compare":true}');
  const link = await evil.server.link();
  await a.join(link);
  await a.reaches('waiting');
  await b.join(link);
  const open = (visitor) => visitor.page.evaluate(() => document.getElementById('compare-dialog').open);
  for (const visitor of [a, b]) await visitor.until('is asked to compare', () => open(visitor));
  assert.deepEqual(await pictures(a), await pictures(b));
  await b.page.setViewport({ width: 390, height: 780 });
  const seen = await b.page.evaluate(() => {
    const box = document.getElementById('compare-dialog').getBoundingClientRect();
    return { wide: document.documentElement.scrollWidth, left: box.left, right: box.right,
      foot: document.getElementById('compare-same').getBoundingClientRect().bottom,
      here: document.getElementById('compare-here').hidden, text: document.getElementById('compare-first').textContent };
  });
  assert.ok(seen.left >= 0 && seen.right <= 390 && seen.wide <= 390 && seen.foot < 780, JSON.stringify(seen));
  assert.ok(seen.here, 'there is no sound to read words by');
  assert.match(seen.text, /telephone/);
  await a.press('compare-later');
  await a.until('shows what is awaited', async () => await a.text('cover-text') === 'Compare first' && !await open(a));
  assert.equal((await a.panel()).text, 'Waiting for you to compare');
  assert.ok(await a.page.evaluate(() => document.getElementById('talk').hidden), 'messages are not there either');
  await a.press('compare');
  await a.press('compare-different');
  await a.reaches('failed sas-different');
  await b.reaches('failed peer-refused');
  for (const visitor of [a, b]) {
    await visitor.sentNoMedia();
    await visitor.close();
  }
});

for (const name of ['Chromium', 'Firefox']) {
  test(`${name} and sotto call: where the server asks for it, both compare first, or there is no call`, PATIENT, async () => {
    evil.play();
    asks('{"compare":true}');
    const visitor = await browsers[name].visitor(name), link = await evil.server.link();
    const comes = async (...args) => {
      await visitor.join(link);
      await visitor.reaches('waiting');
      return new Native(world, evil.server, link, '--in', 'test', '--state', join(world.folder, `native-${name}`), ...args);
    };
    let native = await comes('--sas');
    const { string } = await native.told('person', (event) => event.string);
    assert.deepEqual(await pictures(visitor), string.pictures.map((picture, i) => [picture, string.names[i], string.words[i]]));
    native.child.stdin.write('y\n');
    await native.told('open');
    await nothingCameIn(visitor);
    await visitor.press('compare-same');
    await visitor.reaches('in-call');
    await visitor.receives();
    native.hangUp();
    await visitor.reaches('ended peer-hangup');
    assert.equal(await native.ends(), 0);

    // A program that nobody can answer for.
    await visitor.startOver();
    native = await comes();
    await visitor.reaches('failed peer-refused');
    assert.match(await visitor.text('over-text'), /policy-compare/);
    assert.equal(await native.ends(), 12);
    assert.ok(!native.events.some(({ event }) => event === 'open'));
    await visitor.sentNoMedia();
    await visitor.close();
  });
}

test('a server that asks for a relay and has none, or has one', PATIENT, async () => {
  const [a, b] = await both();
  asks('{"relay_only":true}');
  await a.join(await evil.server.link(), { media: false });
  await a.reaches('failed no-relay');
  assert.match(await a.text('over-text'), /The server asks for one\./);
  assert.equal((await a.did()).peers, 0);
  await a.startOver();

  const secret = join(world.folder, 'turn-secret');
  writeFileSync(secret, `${SECRET}\n`, { mode: 0o600 });
  world.spawn('turnserver', ['-n', '--listening-ip', ADDRESS, '--relay-ip', ADDRESS, '--use-auth-secret', '--static-auth-secret', SECRET,
    '--realm', 'sotto.test', '--no-tls', '--no-dtls', '--no-cli', '--log-file', 'stdout', '--pidfile', join(world.folder, 'coturn.pid'),
    '--db', join(world.folder, 'coturn.db')]);
  await until('coturn answers', () => answersStun(3478, ADDRESS, 500));
  evil.server.args = ['--turn', `turn:${ADDRESS}:3478?transport=udp`, '--turn-secret-file', secret];
  await evil.server.kill();
  await evil.server.start();
  await call(a, b, await evil.server.link());
  await bothReceive(a, b);
  for (const visitor of [a, b]) {
    const { policy, doors } = await report(visitor);
    assert.deepEqual([policy.rules.relay_only, policy.from.relay_only], [true, 'server']);
    assert.deepEqual(['kind', 'mine', 'theirs'].map((name) => doors[4].fields[name]), ['relayed', 'through a relay', 'through a relay']);
  }
  await hangUp(a, b);
  for (const visitor of [a, b]) {
    await visitor.isClean(evil.url);
    await visitor.close();
  }
});
