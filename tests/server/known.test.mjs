// `sotto identity` and `sotto peers` as a newcomer uses them, and with files that are missing, damaged or open to others.

import assert from 'node:assert/strict';
import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { command, folder } from './harness.mjs';

const vectors = JSON.parse(readFileSync(new URL('../vectors/trust.json', import.meta.url), 'utf8'));
const mode = (path) => statSync(path).mode & 0o777;
const two = vectors.known.find(({ about }) => about === 'two').text;

/** The thumbprint of the key in a PEM file, by Node's own crypto. */
function thumbprint(pem, passphrase) {
  const { x, y } = createPublicKey(createPrivateKey({ key: pem, passphrase })).export({ format: 'jwk' });
  return createHash('sha256').update(`{"crv":"P-256","kty":"EC","x":"${x}","y":"${y}"}`).digest('base64url');
}

function written(t, text, name = 'file.json') {
  const path = join(folder(t), name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

const names = async (state) => JSON.parse((await command(['peers', 'list', '--json', '--state', state])).out).peers.map((p) => p.name);

test('an identity is made, shown, and not replaced by accident', async (t) => {
  const state = join(folder(t), 'deep', 'state'), pem = join(state, 'identity.pem');
  const none = await command(['identity', 'show', '--state', state]);
  assert.equal(none.code, 1);
  assert.match(none.err, /no identity in .* yet; the first call makes one, and so does sotto identity new/);
  assert.ok(!existsSync(state), 'looking makes nothing');

  const made = await command(['identity', 'new', '--state', state]);
  assert.equal(made.code, 0, made.err);
  assert.equal(mode(pem), 0o600);
  assert.equal(mode(state), 0o700);
  const key = thumbprint(readFileSync(pem));
  assert.ok(made.out.includes(key));
  assert.ok(!made.out.includes('warned'), 'there was nobody to be warned');
  const shown = JSON.parse((await command(['identity', 'show', '--json', '--state', state])).out);
  assert.deepEqual({ ...shown, since: '' }, { path: pem, key, since: '', encrypted: false });
  assert.ok(Math.abs(Date.now() - Date.parse(shown.since)) < 600_000, shown.since);

  const again = await command(['identity', 'new', '--state', state]);
  assert.equal(again.code, 1);
  assert.match(again.err, /there is an identity .* already, and who has remembered you would be warned/);
  assert.equal(thumbprint(readFileSync(pem)), key);
  const forced = await command(['identity', 'new', '--force', '--state', state]);
  assert.equal(forced.code, 0, forced.err);
  assert.match(forced.out, /Who has remembered you will be warned at the next call/);
  assert.notEqual(thumbprint(readFileSync(pem)), key);
});

test('the state folder follows XDG_STATE_HOME', async (t) => {
  const home = folder(t);
  assert.equal((await command(['identity', 'new'], { XDG_STATE_HOME: home })).code, 0);
  assert.ok(existsSync(join(home, 'sotto', 'identity.pem')));
  assert.equal((await command(['identity', 'new'], { XDG_STATE_HOME: '', HOME: home })).code, 0);
  assert.ok(existsSync(join(home, '.local', 'state', 'sotto', 'identity.pem')));
});

test('an identity with a passphrase', async (t) => {
  const state = folder(t), pass = written(t, 'four random words here\n'), wrong = written(t, 'four other words here\n'), short = written(t, 'short\n');
  assert.match((await command(['identity', 'new', '--passphrase-file', short, '--state', state])).err, /choose one of 8 to 1024/);
  const made = await command(['identity', 'new', '--passphrase-file', pass, '--state', state]);
  assert.equal(made.code, 0, made.err);
  const key = thumbprint(readFileSync(join(state, 'identity.pem')), 'four random words here');
  const shown = await command(['identity', 'show', '--json', '--passphrase-file', pass, '--state', state]);
  assert.equal(JSON.parse(shown.out).key, key);
  assert.equal(JSON.parse(shown.out).encrypted, true);
  for (const [args, words] of [[[], /is encrypted; pass --passphrase-file/], [['--passphrase-file', wrong], /passphrase does not open/]]) {
    const refused = await command(['identity', 'show', '--state', state, ...args]);
    assert.equal(refused.code, 1);
    assert.match(refused.err, words);
    assert.ok(!refused.err.includes('words here'), 'a passphrase is not repeated');
  }
});

test('a key from elsewhere is taken, others are not', async (t) => {
  const state = folder(t), pem = join(state, 'identity.pem');
  const { d, x, y } = vectors.identities.ann;
  writeFileSync(pem, createPrivateKey({ key: { kty: 'EC', crv: 'P-256', d, x, y }, format: 'jwk' }).export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  const shown = JSON.parse((await command(['identity', 'show', '--json', '--state', state])).out);
  assert.equal(shown.key, vectors.identities.ann.thumbprint);
  assert.equal(shown.since, null);
  for (const [text, words] of [['', /is empty/], ['-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n', /is not a private key/]]) {
    writeFileSync(pem, text);
    const damaged = await command(['identity', 'show', '--state', state]);
    assert.equal(damaged.code, 1);
    assert.match(damaged.err, words);
    assert.equal((await command(['identity', 'new', '--state', state])).code, 1, 'a damaged one is not replaced by accident');
  }
  assert.equal((await command(['identity', 'new', '--force', '--state', state])).code, 0);
});

test('what others can read or change is refused', async (t) => {
  const state = folder(t), pem = join(state, 'identity.pem'), peers = join(state, 'peers.json');
  assert.equal((await command(['identity', 'new', '--state', state])).code, 0);
  assert.equal((await command(['peers', 'import', '--state', state, written(t, two)])).code, 0);
  assert.equal(mode(peers), 0o600);
  for (const [path, bits, args] of [[pem, 0o640, ['identity', 'show']], [pem, 0o602, ['identity', 'show']], [peers, 0o660, ['peers', 'list']],
    [peers, 0o660, ['peers', 'forget', 'Ann']], [state, 0o770, ['peers', 'list']], [state, 0o770, ['identity', 'show']], [state, 0o770, ['peers', 'forget', 'Ann']]]) {
    const before = mode(path);
    chmodSync(path, bits);
    const refused = await command([...args, '--state', state]);
    chmodSync(path, before);
    assert.equal(refused.code, 1, `${args} with ${bits.toString(8)}`);
    assert.match(refused.err, /other users can .*run: chmod [67]00 /);
    assert.equal((await command([...args.slice(0, 1), args[0] === 'peers' ? 'list' : 'show', '--state', state])).code, 0);
  }
  assert.deepEqual(await names(state), ['Ann', 'Bob']);
  // A link could lead to a file that another user chose.
  const linked = folder(t);
  symlinkSync(peers, join(linked, 'peers.json'));
  assert.equal((await command(['peers', 'list', '--state', linked])).code, 1);
});

test('peers: listed, renamed, forgotten', async (t) => {
  const state = join(folder(t), 'state');
  const nobody = await command(['peers', 'list', '--state', state]);
  assert.equal(nobody.code, 0);
  assert.match(nobody.out, /remembered nobody yet/);
  assert.deepEqual(await names(state), []);
  assert.ok(!existsSync(state), 'looking makes nothing');

  const taken = await command(['peers', 'import', '--state', state, written(t, two)]);
  assert.equal(taken.out, '2 of 2 in the file are new; you know 2 now.\n');
  const list = await command(['peers', 'list', '--state', state]);
  for (const { name, key, since, compared } of JSON.parse(two).peers)
    assert.ok(list.out.includes(`${name}\n  key       ${key}\n  since     ${since}\n  compared  ${compared ?? 'never'}\n`), list.out);

  assert.equal((await command(['peers', 'rename', '--state', state, 'Ann', 'Zo\u00eb \u{1f98a}'])).code, 0);
  assert.deepEqual(await names(state), ['Zo\u00eb \u{1f98a}', 'Bob']);
  for (const [args, words] of [[['rename', 'Bob', 'Zo\u00eb \u{1f98a}'], /another known peer is called/], [['rename', 'Eve', 'Ann'], /nobody called Eve/],
    [['rename', 'Bob', 'B\u001b[31mob'], /U\+001B/], [['rename', 'Bob', '\u202eboB'], /U\+202E/], [['rename', 'Bob', 'x'.repeat(65)], /65 characters/],
    [['rename', 'Bob', ''], /empty/], [['forget', 'Eve'], /nobody called Eve/]]) {
    const refused = await command(['peers', args[0], '--state', state, ...args.slice(1)]);
    assert.equal(refused.code, 1, `${args}`);
    assert.match(refused.err, words);
  }
  assert.equal((await command(['peers', 'forget', '--state', state, 'Bob'])).code, 0);
  assert.deepEqual(await names(state), ['Zo\u00eb \u{1f98a}']);
});

test('peers: exported and imported, and nothing of a file that breaks a rule', async (t) => {
  const state = folder(t), other = folder(t), out = join(folder(t), 'mine.json');
  assert.equal((await command(['peers', 'import', '--state', state, written(t, two)])).code, 0);
  const exported = await command(['peers', 'export', '--state', state, out]);
  assert.match(exported.out, /^2 known peers written to /);
  assert.equal(mode(out), 0o600);
  assert.deepEqual(JSON.parse(readFileSync(out, 'utf8')), JSON.parse(two));
  assert.equal((await command(['peers', 'export', '--state', state])).out, readFileSync(out, 'utf8'));
  assert.match((await command(['peers', 'export', '--state', state, out])).err, /is there already/);
  assert.match((await command(['peers', 'export', '--state', state, '/nowhere/at/all'])).err, /can't be written/);

  assert.equal((await command(['peers', 'import', '--state', other, out])).code, 0);
  assert.match((await command(['peers', 'import', '--state', other, out])).out, /^0 of 2 in the file are new/);
  for (const { about, mine, theirs, refused } of vectors.merges.filter((m) => m.refused)) {
    const here = folder(t);
    assert.equal((await command(['peers', 'import', '--state', here, written(t, mine)])).code, 0, about);
    const no = await command(['peers', 'import', '--state', here, written(t, theirs)]);
    assert.equal(no.code, 1, about);
    assert.ok(no.err.includes(`the file calls somebody ${refused},`), no.err);
    assert.deepEqual(await names(here), JSON.parse(mine).peers.map((p) => p.name));
  }
  for (const { rule, text } of vectors.known_refused) {
    const no = await command(['peers', 'import', '--state', other, written(t, text)]);
    assert.equal(no.code, 1, rule);
    assert.match(no.err, /^sotto peers: the file .*; /, rule);
  }
  assert.deepEqual(await names(other), ['Ann', 'Bob']);
  const wrong = await command(['peers', 'import', '--state', other, written(t, 'four random words here\n')]);
  assert.equal(wrong.code, 1);
  assert.ok(!wrong.err.includes('four'), 'what stands in a wrong file is not repeated');
  assert.equal((await command(['peers', 'import', '--state', other, join(other, 'none')])).code, 1);
  assert.equal((await command(['peers', 'import', '--state', other, other])).code, 1);
});

test('a damaged list is kept as it is, and nothing is written over it', async (t) => {
  const state = folder(t), peers = join(state, 'peers.json'), damaged = two.slice(0, -2);
  writeFileSync(peers, damaged, { mode: 0o600 });
  for (const args of [['list'], ['forget', 'Ann'], ['export'], ['import', written(t, two)]]) {
    const refused = await command(['peers', args[0], '--state', state, ...args.slice(1)]);
    assert.equal(refused.code, 1, args[0]);
    assert.ok(refused.err.includes(peers), refused.err);
  }
  assert.equal(readFileSync(peers, 'utf8'), damaged);
});

test('several writers at once: nobody is lost, and one identity is made', async (t) => {
  const state = folder(t), since = '2026-11-24T12:00:00Z';
  const files = Array.from({ length: 12 }, (_, i) => written(t, JSON.stringify({ sotto: 'known peers', version: 1, peers: [
    { name: `n${i}`, key: createHash('sha256').update(`${i}`).digest('base64url'), since, compared: null, links: [] }] })));
  const all = await Promise.all(files.map((file) => command(['peers', 'import', '--state', state, file])));
  for (const one of all) assert.equal(one.code, 0, one.err);
  assert.deepEqual((await names(state)).sort(), files.map((_, i) => `n${i}`).sort());
  const made = await Promise.all(files.map(() => command(['identity', 'new', '--state', state])));
  assert.equal(made.filter(({ code }) => code === 0).length, 1);
  assert.ok(made.find(({ code }) => code === 0).out.includes(thumbprint(readFileSync(join(state, 'identity.pem')))));
});

test('where nothing can be written it says so', async (t) => {
  const file = written(t, 'x'), inFile = join(file, 'state');
  for (const state of [inFile, '/proc/self/sotto']) {
    for (const args of [['identity', 'new', '--state', state], ['peers', 'import', '--state', state, written(t, two)]]) {
      const refused = await command(args);
      assert.equal(refused.code, 1, `${args}`);
      assert.match(refused.err, /^sotto (identity|peers): making the folder .* failed: .*; /);
    }
  }
  const full = folder(t);
  mkdirSync(join(full, 'peers.json'));
  assert.match((await command(['peers', 'list', '--state', full])).err, /is a folder; give a file/);
});

test('help, and what is not understood', async () => {
  for (const name of ['identity', 'peers']) {
    for (const help of [['--help'], [name === 'peers' ? 'list' : 'show', '--help']]) {
      const { code, out } = await command([name, ...help]);
      assert.equal(code, 0);
      assert.match(out, /^usage: sotto /);
    }
  }
  for (const args of [['identity'], ['identity', 'dance'], ['identity', 'show', 'x'], ['identity', 'show', '--force'], ['identity', 'new', '--dance'],
    ['peers'], ['peers', 'dance'], ['peers', 'list', 'x'], ['peers', 'rename', 'a'], ['peers', 'forget'], ['peers', 'import'], ['peers', 'export', 'a', 'b'],
    ['peers', 'export', '--json']]) {
    const { code, out, err } = await command(args);
    assert.equal(code, 2, `${args}`);
    assert.equal(out, '');
    assert.match(err, new RegExp(`sotto ${args[0]}`));
  }
});
