// `sotto report` and `sotto policy` as somebody would use them who must show that a call was secure.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Call, linkOf } from './call.mjs';
import { command, folder, freshRoom, Server } from './harness.mjs';

const SCHEMA = new URL('../../docs/report.schema.json', import.meta.url).pathname;
const VALID = new URL('valid.py', import.meta.url).pathname;

/** Two ends of the command, with state folders of their own, in one call to its end. @returns {Promise<string[]>} their reports */
async function call(t, server, dir, options = [[], []]) {
  const link = await linkOf(server);
  const files = ['a.json', 'b.json'].map((name) => join(dir, name));
  const a = new Call(t, server, link, '--in', 'test', '--report', files[0], '--state', join(dir, 'a'), ...options[0]);
  await a.reaches('waiting');
  const b = new Call(t, server, link, '--echo', '--report', files[1], '--state', join(dir, 'b'), '--duration', '1', ...options[1]);
  assert.deepEqual(await Promise.all([a.code(), b.code()]), [0, 0]);
  return files;
}

const check = (...args) => command(['report', 'check', ...args]);
const change = (file, edit) => {
  const whole = JSON.parse(readFileSync(file, 'utf8'));
  edit(whole);
  const changed = `${file}.changed`;
  writeFileSync(changed, JSON.stringify(whole));
  return changed;
};

test('two reports of one call check out, are of their form, and are for their owner', async (t) => {
  const dir = folder(t);
  const [a, b] = await call(t, await Server.start(t), dir);
  execFileSync('python3', [VALID, SCHEMA, a, b]);
  for (const file of [a, b]) assert.equal(statSync(file).mode & 0o777, 0o600);

  const html = join(dir, 'call.html');
  const { code, out, err } = await check(a, b, '--html', html);
  assert.equal(code, 0, err);
  assert.match(out, /Both reports are of one call, and agree in all that both know \(19 facts\)/);
  const page = readFileSync(html, 'utf8');
  assert.match(page, /^<!DOCTYPE html>[\s\S]*<svg [\s\S]*<\/html>\n$/);
  assert.doesNotMatch(page, /<script|src=|href=|url\(|127\.0\.0\.1/);
  const [mine, theirs] = [a, b].map((file) => JSON.parse(readFileSync(file, 'utf8')).report);
  assert.equal(mine.ends.mine, theirs.ends.theirs);
  for (const text of [mine.call, mine.ends.mine, theirs.ends.mine]) assert.ok(page.includes(text) && out.includes(text), text);

  const { code: one, out: alone } = await check(b);
  assert.equal(one, 0);
  assert.match(alone, /signed, and as it was signed/);
  const told = JSON.parse((await check('--json', a, b)).out);
  assert.equal(told.holds, true);
  assert.ok(told.facts.length === 19 && told.facts.every(({ result }) => result === 'agrees'));
});

test('no address is in a report unless it was asked for', async (t) => {
  const dir = folder(t);
  const files = await call(t, await Server.start(t), dir, [['--report-addresses'], []]);
  const [asked, silent] = files.map((file) => readFileSync(file, 'utf8'));
  const { addresses } = JSON.parse(asked).report;
  for (const end of ['mine', 'theirs']) assert.match(addresses[end], /^(\[[0-9a-f:]+\]|\d+\.\d+\.\d+\.\d+):\d+$/);
  assert.equal(JSON.parse(silent).report.addresses, undefined);
  for (const end of ['mine', 'theirs']) assert.ok(!silent.includes(addresses[end].replace(/:\d+$/, '')));
  execFileSync('python3', [VALID, SCHEMA, ...files]);
  assert.match((await check(...files)).out, /^ {2}Addresses +\S+, \S+$/m);
});

test('who signed is named where this end knows them', async (t) => {
  const dir = folder(t);
  const [a, b] = await call(t, await Server.start(t), dir, [['--remember', 'Bea'], []]);
  const { out } = await check(a, b, '--state', join(dir, 'a'));
  assert.match(out, /^ {2}Signed by the key +\S{43}, Bea$/m);
});

test('what was changed, swapped, cut off or is no report is refused, and named', async (t) => {
  const dir = folder(t);
  const server = await Server.start(t);
  const [a, b] = await call(t, server, dir);
  const refused = async (says, ...files) => {
    const { code, err, out } = await check(...files);
    assert.equal(code, 1, out);
    assert.match(err, says);
  };
  const at = (door) => ({ report }) => report.doors.find((record) => record.door === door);
  await refused(/changed after it was signed, in doors\[3\]\.fields\.srtp/,
    change(a, (file) => { at('media')(file).fields.srtp = 'NULL'; }));
  await refused(/in events\[0\]\.event/, change(a, ({ report }) => { report.events[0].event = 'something else'; }), b);
  await refused(/has not the form of a report: report\.note does not belong there/, change(a, ({ report }) => { report.note = 1; }));
  await refused(/not signed/, change(a, (file) => { delete file.jws; file.not_signed = 'no reason'; }));
  await refused(/of its signature, the signature is not of its key/, change(a, (file) => {
    file.jws = file.jws.replace(/.{86}$/, JSON.parse(readFileSync(b, 'utf8')).jws.slice(-86));
  }));
  const cut = join(dir, 'cut.json');
  writeFileSync(cut, readFileSync(a).subarray(0, 500));
  await refused(/is no JSON/, cut);
  await refused(/nowhere\.json/, join(dir, 'nowhere.json'));

  const other = await call(t, server, folder(t));
  const { code, out } = await check(a, other[1]);
  assert.equal(code, 1);
  assert.match(out, /^ {2}call +DIFFERS$/m);
  assert.match(out, /do not belong together/);
  assert.equal(JSON.parse((await check('--json', a, other[1])).out).holds, false);
});

test('a call under a policy says so in both reports', async (t) => {
  const dir = folder(t);
  const own = join(dir, 'own.json');
  const servers = join(dir, 'server.json');
  writeFileSync(own, '{"srtp_profiles":["SRTP_AEAD_AES_256_GCM"],"dtls_groups":["x25519"]}');
  writeFileSync(servers, '{"tls_min":"1.3","recording":false}');
  const server = await Server.start(t, ['--policy', servers]);
  const files = await call(t, server, dir, [['--policy', own], []]);
  const [a, b] = files.map((file) => JSON.parse(readFileSync(file, 'utf8')).report);
  assert.deepEqual([a.policy.rules.tls_min, a.policy.from.tls_min, a.policy.from.recording], ['1.3', 'server', 'server']);
  assert.deepEqual([a.policy.rules.dtls_groups, a.policy.from.dtls_groups], [['x25519'], 'own']);
  assert.deepEqual([b.policy.rules.dtls_groups, b.policy.from.dtls_groups], ['any', 'default']);
  assert.equal(b.doors[3].fields.srtp, 'AEAD_AES_256_GCM');
  assert.equal((await check(...files)).code, 0);
  execFileSync('python3', [VALID, SCHEMA, ...files]);
});

test('a policy that is not met ends the call with 12, and says rule, cause and remedy', async (t) => {
  const dir = folder(t);
  const policy = (name, rules) => {
    const file = join(dir, name);
    writeFileSync(file, JSON.stringify(rules));
    return file;
  };
  const server = await Server.start(t, ['--policy', policy('server.json', { recording: false })]);
  const link = await linkOf(server);
  const recorder = new Call(t, server, link, '--out', join(dir, 'x.ogg'));
  assert.equal(await recorder.code(), 12);
  const { report } = recorder.events.find(({ event }) => event === 'report');
  assert.equal(report.verdict.reason, 'policy-recording');
  assert.match(report.verdict.detail, /the rule recording, of the server's policy, is not met: .*; let it out by/);

  const groups = new Call(t, server, link, '--policy', policy('tls.json', { tls_groups: ['secp384r1'] }));
  assert.equal((await groups.event('state', ({ state }) => state === 'waiting')).state, 'waiting', 'it offered that group alone');
  groups.child.kill('SIGTERM');
  await groups.code();

  const strangers = new Call(t, server, link, '--policy', policy('known.json', { known_only: true }), '--state', join(dir, 'k'));
  await strangers.reaches('waiting');
  const other = new Call(t, server, link, '--echo');
  assert.equal(await strangers.code(), 12);
  assert.equal(await other.code(), 10);

  for (const [rules, says] of [['{"tls":"1.3"}', /a rule "tls" that this program does not know/], ['[1]', /no JSON object/], ['{', /no JSON/]]) {
    const file = join(dir, 'bad.json');
    writeFileSync(file, rules);
    const { code, err } = await command(['call', '--policy', file, '--ca', server.listening.ca, link]);
    assert.equal(code, 1);
    assert.match(err, says);
    const served = await command(['serve', '--policy', file, '--listen', '127.0.0.1:0', '--state', join(dir, 's')]);
    assert.equal(served.code, 2);
    assert.match(served.err, says);
  }
});

test('a server keeps its own TLS to its policy', async (t) => {
  const dir = folder(t);
  const file = join(dir, 'p.json');
  writeFileSync(file, '{"tls_min":"1.3","tls_groups":["secp384r1"]}');
  const server = await Server.start(t, ['--policy', file]);
  const welcome = await (await server.client()).join(freshRoom());
  assert.deepEqual(welcome.policy, { tls_min: '1.3', tls_groups: ['secp384r1'] });
  assert.equal(welcome.tls.version, 'TLSv1.3');
  assert.equal(welcome.tls.group, 'secp384r1');
  await assert.rejects(server.tls({ maxVersion: 'TLSv1.2' }), /alert protocol version/);
  await assert.rejects(server.tls({ ecdhCurve: 'X25519' }), /alert handshake failure/);
});

test('sotto policy show says what is in force and why', async (t) => {
  const dir = folder(t);
  const [own, theirs, against] = [['own', '{"tls_min":"1.3","dtls_groups":["x25519","secp256r1"]}'], ['theirs', '{"dtls_groups":["secp256r1"],"compare":true}'],
    ['against', '{"dtls_groups":["x448"]}']].map(([name, text]) => {
    const file = join(dir, name);
    writeFileSync(file, text);
    return file;
  });
  const plain = await command(['policy', 'show']);
  assert.equal(plain.code, 0);
  assert.equal(plain.out.match(/From the default\./g).length, 10);
  const both = JSON.parse((await command(['policy', 'show', '--json', '--policy', own, '--server', theirs])).out);
  assert.deepEqual([both.rules.dtls_groups, both.from.dtls_groups, both.from.compare, both.from.tls_min], [['secp256r1'], 'server', 'server', 'own']);
  const server = await Server.start(t, ['--policy', theirs]);
  const asked = await command(['policy', 'show', '--json', '--policy', own, '--ca', server.listening.ca, server.url]);
  assert.deepEqual(JSON.parse(asked.out), both, asked.err);
  assert.match((await command(['doctor', '--ca', server.listening.ca, server.url])).out, /asks of every call: \{"dtls_groups":\["secp256r1"\],"compare":true\}/);
  assert.equal((await command(['policy', 'show', server.url])).code, 1, 'its CA is not trusted here');
  const conflict = await command(['policy', 'show', '--policy', own, '--server', against]);
  assert.equal(conflict.code, 1);
  assert.match(conflict.err, /nothing in common in the rule dtls_groups/);
  for (const args of [['policy'], ['policy', 'make'], ['policy', 'show', 'x', 'y'], ['report'], ['report', 'check'], ['report', 'check', 'a', 'b', 'c']]) {
    assert.equal((await command(args)).code, 2, args.join(' '));
  }
  for (const name of ['policy', 'report']) assert.equal((await command([name, '--help'])).code, 0);
});
