// web/report.js, web/stats.js, web/errors.js: one source for panel, verdict and saved report; nothing guessed, no address.

import './browser.mjs';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isKnown, sentence } from '../../web/errors.js';
import { DOORS, notReported, Report, say } from '../../web/report.js';
import { describeMedia, describePath } from '../../web/stats.js';

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
  assert.match(held(fresh()).verdict().text, /Not compared by people/);
  assert.equal(fresh().toJSON().compared_by_people, false);
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
  assert.equal(saved.format, 'sotto-report-1');
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
