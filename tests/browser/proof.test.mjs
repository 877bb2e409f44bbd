// What a server asks of calls, on the page; and the reports of both ends of a call, held against each other.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { PATIENT, World } from './harness.mjs';
import { meet, Native } from './native.mjs';
import { bothReceive, call, hangUp } from './pairs.mjs';
import { nothingCameIn, pictures, remembers, says } from './trust.mjs';

const run = promisify(execFile);
const world = new World();
let server, browsers, files = 0;

before(async () => {
  server = await world.server();
  browsers = { Chromium: await world.chromium(server), Firefox: await world.firefox(server) };
}, PATIENT);
after(() => world.close());

function write(text) {
  const path = join(world.folder, `proof-${++files}.json`);
  writeFileSync(path, typeof text === 'string' ? text : JSON.stringify(text));
  return path;
}

/** The server, started anew with another policy. */
async function asks(policy) {
  await server.kill();
  server.args = policy ? ['--policy', write(policy)] : [];
  await server.start();
}

/** What the button saves. @returns {Promise<string>} the file */
const report = async (visitor) => write(await visitor.saveReport());

const check = (...args) => run(process.env.SOTTO, ['report', 'check', '--json', ...args]).then(({ stdout }) => JSON.parse(stdout));

/** @param {any} told by `sotto report check` @param {string[]} silent what a browser does not show */
function agree(told, silent) {
  assert.ok(told.holds, JSON.stringify(told.facts.filter(({ result }) => result === 'differs')));
  const missing = told.facts.filter(({ result }) => result !== 'agrees').map(({ fact }) => fact);
  assert.deepEqual(missing.filter((fact) => !silent.includes(fact)), []);
  assert.ok(told.facts.length - missing.length >= 13);
}

const SILENT = ['key exchange', 'packets from A to B', 'packets from B to A', 'path'];

test('Chromium and Firefox: both reports are signed and tell of one call', PATIENT, async () => {
  const [a, b] = [await browsers.Chromium.visitor('A'), await browsers.Firefox.visitor('B')];
  await call(a, b, await server.link());
  await bothReceive(a, b);
  await pictures(a);
  agree(await check(await report(a), await report(b)), SILENT);
  await says(a, 'same');
  await hangUp(a, b);
  const told = await check(await report(a), await report(b));
  agree(told, SILENT);
  assert.deepEqual(told.files.map(({ report: { compared_by_people: compared } }) => compared), [true, false]);
  for (const { report: { ended, ends, events_left_out: out } } of told.files) assert.ok(ended && ends.mine.length === 43 && out === 0);
  for (const { report: { doors: [, , , { fields }] } } of told.files) assert.ok(fields.sent > 0 && fields.received_bytes > 0, JSON.stringify(fields));
  for (const visitor of [a, b]) {
    await visitor.isClean(server.url);
    await visitor.close();
  }
});

for (const name of ['Chromium', 'Firefox']) {
  test(`${name} and sotto call: page and terminal report the same call`, PATIENT, async () => {
    const visitor = await browsers[name].visitor(name), link = await server.link(), saved = write('');
    const native = await meet(visitor, link, () => new Native(world, server, link, '--in', 'test', '--report', saved,
      '--state', join(world.folder, `proof-${name}`)), 'native');
    await visitor.receives();
    await pictures(visitor);
    native.hangUp();
    await visitor.reaches('ended peer-hangup');
    assert.equal(await native.ends(), 0);
    const [theirs, other] = [await report(visitor), write('{}')];
    agree(await check(saved, theirs), SILENT);
    agree(await check(theirs, saved), SILENT);
    const html = join(world.folder, `proof-${name}.html`);
    await check(saved, theirs, '--html', html);
    await visitor.page.goto(`file://${html}`).catch(() => {}); // a page of its own, which no browser has to be served
    await assert.rejects(check(saved, other), /has not the form of a report/);
    await visitor.close();
  });
}

test('the server can have people compare before anything goes out', PATIENT, async () => {
  await asks({ compare: true });
  const [a, b] = [await browsers.Chromium.visitor('A'), await browsers.Firefox.visitor('B')];
  const link = await server.link();
  await a.join(link);
  await a.reaches('waiting');
  await b.join(link);
  const open = (visitor) => visitor.until('is asked to compare', () => visitor.page.evaluate(() =>
    document.getElementById('compare-dialog').open && !document.getElementById('compare-first').hidden));
  await open(a);
  await open(b);
  assert.deepEqual(await pictures(a), await pictures(b));
  for (const visitor of [a, b]) {
    await visitor.sentNoMedia();
    assert.equal(await visitor.state(), 'connecting');
    assert.match(await visitor.text('policy-rules'), /before you have compared \(of the server\)/);
  }
  await a.press('compare-same');
  await a.reaches('in-call');
  await b.sentNoMedia();
  await nothingCameIn(b);
  await b.press('compare-same');
  await b.reaches('in-call');
  await bothReceive(a, b);
  await hangUp(a, b);
  const told = await check(await report(a), await report(b));
  agree(told, SILENT);
  assert.ok(told.files.every(({ report: { compared_by_people: compared, policy } }) => compared && policy.from.compare === 'server'));
  for (const visitor of [a, b]) {
    await visitor.isClean(server.url);
    await visitor.close();
  }
});

test('where only known people may call, strangers are refused and known people are not', PATIENT, async () => {
  await asks(null);
  const [a, b] = [await browsers.Firefox.visitor('A'), await browsers.Chromium.visitor('B')];
  await call(a, b, await server.link());
  await remembers(a, 'Bea');
  await remembers(b, 'Ann');
  await hangUp(a, b);
  for (const visitor of [a, b]) await visitor.startOver();
  await asks({ known_only: true });
  await call(a, b, await server.link());
  await bothReceive(a, b);
  await hangUp(a, b);
  for (const visitor of [a, b]) await visitor.close();

  const [c, d] = [await browsers.Firefox.visitor('C'), await browsers.Chromium.visitor('D')];
  const link = await server.link();
  await c.join(link);
  await c.reaches('waiting');
  await d.join(link);
  const states = await Promise.all([c, d].map((visitor) => visitor.until('is refused', async () => {
    const state = await visitor.state();
    return state.startsWith('failed') && state;
  })));
  assert.ok(states.includes('failed policy-known-only') && states.every((state) => /known-only|peer-refused/.test(state)), states.join());
  for (const visitor of [c, d]) {
    await visitor.sentNoMedia();
    await visitor.close();
  }
});

/** Both meet a policy that one of them can't meet. */
async function refused(policy, wanted) {
  await asks(policy);
  const [a, b] = [await browsers.Chromium.visitor('A'), await browsers.Firefox.visitor('B')];
  const link = await server.link();
  await a.join(link);
  const alone = await a.until('waits or is refused', async () => {
    const state = await a.state();
    return /^(waiting|failed)/.test(state) && state;
  });
  if (alone === 'waiting') await b.join(link);
  const states = await Promise.all((alone === 'waiting' ? [a, b] : [a]).map((visitor) => visitor.until('is refused', async () => {
    const state = await visitor.state();
    return state.startsWith('failed') && state;
  })));
  assert.ok(states.includes(`failed ${wanted}`), states.join());
  const one = states[0] === `failed ${wanted}` ? a : b;
  for (const visitor of alone === 'waiting' ? [a, b] : [a]) await visitor.sentNoMedia();
  const panel = await one.panel();
  assert.equal(panel.verdict, 'failed');
  const text = await one.text('over-text');
  for (const visitor of [a, b]) await visitor.close();
  return text;
}

test('what a browser does not show, or cannot meet, is refused with rule and cause', PATIENT, async () => {
  assert.match(await refused({ dtls_groups: ['x25519'] }, 'policy-dtls-groups'), /The rule dtls_groups, of the server, asks for x25519, and this browser does not show it\./);
  assert.match(await refused({ relay_only: true }, 'no-relay'), /through a relay only/);
  assert.match(await refused({ srtp_profiles: ['SRTP_AES128_CM_HMAC_SHA1_80'] }, 'policy-srtp-profiles'), /asks for SRTP_AES128_CM_HMAC_SHA1_80, and it is \S*AEAD_AES_\d+_GCM/);
});

test('what both browsers have is met, and stands in the panel and the report', PATIENT, async () => {
  await asks({ tls_min: '1.3', dtls_min: '1.3', srtp_profiles: ['SRTP_AEAD_AES_128_GCM', 'SRTP_AEAD_AES_256_GCM'], recording: false });
  const [a, b] = [await browsers.Chromium.visitor('A'), await browsers.Firefox.visitor('B')];
  await call(a, b, await server.link());
  await bothReceive(a, b);
  assert.match(await a.text('policy-rules'), /at least this version of DTLS: 1\.3 \(of the server\)/);
  const told = await check(await report(a), await report(b));
  agree(told, SILENT);
  assert.equal(told.files[1].report.policy.rules.dtls_min, '1.3');
  await hangUp(a, b);
  for (const visitor of [a, b]) await visitor.close();
});
