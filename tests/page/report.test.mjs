// web/report.js, web/stats.js, web/errors.js: one source for panel, verdict and saved report; nothing guessed, no address.

import './browser.mjs';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createPublicKey, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isKnown, sentence } from '../../web/errors.js';
import { identityOf, newKey } from '../../web/introduction.js';
import { inForce, tighten } from '../../web/policy.js';
import { DOORS, notReported, Report, say } from '../../web/report.js';
import { describeCounts, describeMedia, describePath } from '../../web/stats.js';

const clock = () => '2026-01-01T00:00:00.000Z';
const fresh = () => new Report(() => {}, clock);

function held(report) {
  for (const door of DOORS) report.set(door, 'held', 'held');
  return report;
}

test('no verdict before every door has held', () => {
  for (const missing of ['seal', 'fingerprints', 'media']) {
    const report = fresh();
    report.begin('checking');
    for (const door of DOORS) if (door !== missing) report.set(door, 'held', 'held');
    assert.equal(report.verdict().state, 'checking', missing);
  }
  assert.equal(held(fresh()).verdict().state, 'verified');
});

test('the verdict says that people have not compared', () => {
  assert.equal(held(fresh()).verdict().text, 'Encrypted, not compared');
  assert.equal(fresh().toJSON().compared_by_people, false);
});

const KEY = 'MtORVmfhsWyMxgucAQ0_Qappu7a4TNXfIL3AyqeMJ7c';
const ann = { name: 'Ann', key: KEY, since: '2026-01-01T00:00:00Z', compared: null, links: [] };
const nobody = { identity: null, key: null, pin: null, awaited: null, alarm: false, admitted: true, string: null, compared: null };
const now = '2026-02-02T00:00:00Z';

test('the verdict names who was recognised, and says what that rests on', () => {
  const meets = (standing) => {
    const report = fresh();
    for (const door of DOORS) if (door !== 'person') report.set(door, 'held', 'held');
    report.meet({ ...nobody, ...standing });
    const { state, text, detail } = report.verdict();
    assert.equal(state, 'verified', 'the person is not needed for that');
    const saved = JSON.parse(JSON.stringify(report));
    assert.equal(saved.compared_by_people, Boolean(standing.compared));
    return { text, detail, door: saved.doors.find(({ door }) => door === 'person') };
  };
  const unknown = meets({ identity: 'unknown', key: KEY });
  assert.equal(unknown.text, 'Encrypted, not compared');
  assert.deepEqual([unknown.door.state, unknown.door.fields.key, unknown.door.fields.compared], ['pending', KEY, 'no']);
  assert.ok(unknown.door.fields.name.not_reported);

  const once = meets({ identity: 'unknown', key: KEY, compared: now });
  assert.equal(once.text, 'Encrypted, compared by you');
  assert.match(once.detail, /the host of this page is trusted/);
  assert.deepEqual([once.door.state, once.door.fields.compared], ['held', 'by you, in this call']);

  const known = meets({ identity: 'known', key: KEY, pin: ann, awaited: ann });
  assert.equal(known.text, 'Encrypted, with Ann');
  assert.match(known.detail, /named Ann on 2026-01-01\. You have never compared/);
  assert.deepEqual([known.door.state, known.door.fields.name, known.door.fields.since], ['held', 'Ann', '2026-01-01']);

  const before = meets({ identity: 'known', key: KEY, pin: { ...ann, compared: now } });
  assert.match(before.detail, /since 2026-01-01, compared by you on 2026-02-02/);
  assert.equal(before.door.fields.compared, 'not in this call; by you on 2026-02-02');
  assert.equal(meets({ identity: 'known', key: KEY, pin: ann, compared: now }).text, 'Encrypted, with Ann');

  for (const identity of ['changed', 'other', 'silent']) {
    const other = meets({ identity, key: identity === 'silent' ? null : KEY, awaited: ann, pin: identity === 'other' ? { ...ann, name: 'Bob' } : null });
    assert.equal(other.text, 'Encrypted, and not shown to be Ann');
    assert.equal(other.door.state, 'pending');
    assert.match(other.door.fields.identity, new RegExp(`^${identity}: `));
  }
});

test('nobody who was not let in has a call that is verified', () => {
  const report = held(fresh());
  for (const alarm of [false, true]) {
    report.meet({ ...nobody, admitted: false, alarm, awaited: ann });
    assert.equal(report.verdict().state, 'checking');
  }
  report.meet({ ...nobody, admitted: false, wanted: true });
  assert.deepEqual([report.verdict().state, report.verdict().text], ['checking', 'Waiting for you to compare']);
});

test('a new association knows nobody yet', () => {
  const report = held(fresh());
  report.meet({ ...nobody, identity: 'unknown', key: KEY, compared: now });
  report.reset(['person']);
  assert.equal(report.verdict().text, 'Encrypted, not compared');
  assert.equal(report.toJSON().compared_by_people, false);
  assert.ok(report.doors.person.fields.key.not_reported);
});

test('a failed door stays failed and says which, why and what to do', () => {
  const report = held(fresh());
  report.fail('fingerprints', 'fingerprint-mismatch');
  report.set('fingerprints', 'held', 'never');
  report.fail('seal', 'seal-altered');
  report.end('hangup');
  const verdict = report.verdict();
  assert.equal(verdict.state, 'failed');
  assert.equal(verdict.door, 'fingerprints');
  assert.equal(verdict.reason, 'fingerprint-mismatch');
  assert.ok(verdict.remedy);
  assert.equal(report.doors.fingerprints.state, 'failed');
});

test('a door that does not hold claims nothing', () => {
  const report = fresh();
  report.fail('seal', 'seal-altered');
  const saved = JSON.parse(JSON.stringify(report));
  assert.ok(saved.doors.every(({ meaning }) => meaning.startsWith('Not shown now')));
  assert.equal(saved.doors[1].reason, 'altered');
  assert.equal(saved.verdict.reason, 'altered');
});

test('a reset starts the verdict anew', () => {
  const report = held(fresh());
  report.begin('checking');
  report.reset(['fingerprints', 'media', 'path']);
  assert.equal(report.verdict().state, 'checking');
});

test('a browser that shows no certificate gives a weaker verdict', () => {
  const report = fresh();
  for (const door of DOORS) report.set(door, door === 'fingerprints' ? 'unknown' : 'held', '');
  assert.equal(report.verdict().state, 'unreported');
});

test('the saved report has the panel’s values and times', () => {
  const report = held(fresh());
  report.begin('checking');
  const saved = JSON.parse(JSON.stringify(report));
  assert.equal(saved.format, 'sotto-report-2');
  assert.equal(saved.started, clock());
  assert.deepEqual(saved.doors.map(({ door }) => door), [...DOORS]);
  for (const { since, meaning, fields } of saved.doors) {
    assert.equal(since, clock());
    assert.ok(meaning && !meaning.startsWith('Not shown'));
    for (const value of Object.values(fields)) assert.deepEqual(Object.keys(value), ['not_reported']);
  }
  assert.ok(saved.events.every(({ at, event }) => at && event));
  assert.equal(say(notReported('x')), 'not reported: x');
});

const stats = (...entries) => new Map(entries.map((entry) => [entry.id, entry]));

test('media: versions by name, silence as silence, weak ciphers as faults', () => {
  const good = describeMedia(stats({ id: 'T', type: 'transport', tlsVersion: 'FEFC', dtlsCipher: 'C', srtpCipher: 'S', dtlsRole: 'client' }));
  assert.deepEqual(good, { fault: null, fields: { dtls: '1.3', cipher: 'C', srtp: 'S', role: 'client', group: good.fields.group } });
  assert.ok(good.fields.group.not_reported);
  assert.equal(describeMedia(stats({ id: 'T', type: 'transport', tlsVersion: 'fefd' })).fields.dtls, '1.2');
  assert.equal(describeMedia(stats({ id: 'T', type: 'transport', tlsVersion: 'FEFF' })).fault, 'dtls-old');
  assert.equal(describeMedia(stats({ id: 'T', type: 'transport', srtpCipher: 'SRTP_NULL_HMAC_SHA1_80' })).fault, 'srtp-null');
  assert.equal(describeMedia(stats()).fault, null);
  assert.ok(Object.values(describeMedia(stats()).fields).every((field) => field.not_reported));
});

test('path: relayed from either side, and never an address', () => {
  const path = (local, remote) => describePath(stats(
    { id: 'T', type: 'transport', selectedCandidatePairId: 'P' },
    { id: 'P', type: 'candidate-pair', localCandidateId: 'L', remoteCandidateId: 'R' },
    { id: 'L', type: 'local-candidate', candidateType: local, protocol: 'udp', address: '192.0.2.1', ip: '192.0.2.1' },
    { id: 'R', type: 'remote-candidate', candidateType: remote, address: '192.0.2.2' }));
  assert.equal(path('host', 'host').kind, 'direct');
  assert.equal(path('relay', 'host').kind, 'relayed');
  assert.equal(path('srflx', 'relay').kind, 'relayed');
  assert.ok(!JSON.stringify(path('host', 'prflx')).includes('192.0.2'));
  assert.equal(describePath(stats()), null);
});

test('every code that ends a call has a sentence', () => {
  for (const code of ['seal-gap', 'fingerprint-changed', 'sdes', 'room-full', 'permission-refused', 'page-outdated']) {
    assert.ok(isKnown(code));
    assert.ok(sentence(code).remedy, code);
  }
  assert.ok(!isKnown('toString') && !isKnown(undefined));
  assert.equal(sentence('<b>').title, 'Something went wrong');
});

test('every code with which a native end can leave a call has words on the page', () => {
  const source = readFileSync(new URL('../../src/trust/words.c', import.meta.url), 'utf8');
  const codes = [...source.matchAll(/^ {4}\{"([a-z-]+)",/gm)].map(([, code]) => code);
  assert.ok(codes.length > 40, `${codes.length} codes`);
  // These end a call before anything can be said to the other end, or are this end's own affair.
  const own = new Set(['certificate-refused', 'nobody-came', 'no-memory', 'peer-left', 'seal-failed']);
  for (const code of codes) if (!own.has(code)) assert.ok(isKnown(code), code);
});

test('a report in every state has its form, and what is signed is what is read', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'sotto-report-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const identity = await identityOf(await newKey());
  const source = readFileSync(new URL('../../web/errors.js', import.meta.url), 'utf8');
  const codes = [...source.matchAll(/^ {2}'([a-z-]+)': \[/gm)].map(([, code]) => code);
  assert.ok(codes.length > 60, `${codes.length} codes`);
  const make = (...work) => {
    const report = new Report(() => {}, () => new Date().toISOString());
    for (const step of work) step(report);
    return report;
  };
  const begun = (report) => report.begin('checking');
  const known = (report) => {
    report.call = KEY;
    report.policy = tighten(inForce({ relay_only: true }), { dtls_groups: ['x25519'], compare: true });
    report.meet({ ...nobody, identity: 'known', key: KEY, pin: { ...ann, name: '𝒜'.repeat(64), compared: now }, compared: now });
    report.put('media', { ...describeMedia(stats()).fields, ...describeCounts(stats()) });
  };
  const long = (report) => {
    for (let i = 0; i < 300; i++) report.note(`event ${i} ${'x'.repeat(i)}`);
  };
  const reports = [make(), make(begun), make(begun, held), make(begun, held, known), make(begun, long), make(begun, held, (r) => r.end('hangup')),
    ...codes.flatMap((code) => [null, ...DOORS].map((door) => make(begun, (r) => r.fail(door, code, 'It said so.'))))];
  const files = await Promise.all(reports.map(async (report, i) => {
    if (i % 3) report.identity = identity;
    const file = join(dir, `${i}.json`);
    writeFileSync(file, await report.file());
    return file;
  }));
  execFileSync('python3', [new URL('../server/valid.py', import.meta.url).pathname, new URL('../../docs/report.schema.json', import.meta.url).pathname, ...files]);

  const { report, jws } = JSON.parse(readFileSync(files[4], 'utf8'));
  const [header, payload, signature] = jws.split('.');
  const { jwk, ...rest } = JSON.parse(Buffer.from(header, 'base64url'));
  assert.deepEqual(rest, { alg: 'ES256', typ: 'sotto-report' });
  assert.deepEqual(JSON.parse(Buffer.from(payload, 'base64url')), report);
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  assert.ok(verify('sha256', Buffer.from(`${header}.${payload}`), { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url')));
  assert.equal(report.ends.mine, identity.thumbprint);
  assert.equal(report.events.length + report.events_left_out, 300);
  assert.deepEqual([report.events[0].event, report.events.length], ['event 0 ', 128]);
});
