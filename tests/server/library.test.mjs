// libsotto as its users meet it: installed into a folder, found by pkg-config, the examples built against it and run.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { before, test } from 'node:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { Call, linkOf } from './call.mjs';
import { command, folder, Server, SOTTO, within } from './harness.mjs';

const build = resolve(dirname(SOTTO));
const sanitized = /address/.test(readFileSync(join(build, 'meson-info', 'intro-buildoptions.json'), 'utf8')
  .match(/"name": "b_sanitize"[^}]*/)?.[0] ?? '');
const root = mkdtempSync(join(tmpdir(), 'sotto-install-'));
process.on('exit', () => rmSync(root, { recursive: true, force: true }));
/** What ends up in root is where `make install DESTDIR=root` puts it. */
let prefix, pkgConfig;

const run = (program, args, options = {}) => execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], ...options });

before(() => {
  run('meson', ['install', '-C', build, '--quiet', '--no-rebuild', '--destdir', root]);
  prefix = join(root, 'usr', 'local');
  const found = run('find', [root, '-name', 'libsotto.pc']).trim();
  pkgConfig = { ...process.env, PKG_CONFIG_PATH: dirname(found), PKG_CONFIG_SYSROOT_DIR: root };
});

function compile(source, ...more) {
  const out = join(root, basename(source, '.c'));
  const flags = run('pkg-config', ['--cflags', '--libs', 'libsotto'], { env: pkgConfig }).trim().split(/\s+/);
  const compiler = sanitized ? ['clang', '-fsanitize=address,undefined'] : ['cc'];
  run(compiler[0], [...compiler.slice(1), '-std=c11', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-Werror', source, '-o', out, ...flags, ...more]);
  return out;
}

const libraries = () => dirname(run('find', [root, '-name', 'libsotto.so']).trim());
const withLibrary = () => ({ ...process.env, LD_LIBRARY_PATH: libraries() });

test('the shared library shows what the header says, and nothing else', () => {
  const shown = run('nm', ['-D', '--defined-only', join(libraries(), 'libsotto.so')]).trim().split('\n')
    .map((line) => line.split(' ').at(-1)).filter((name) => !/^(__asan|__ubsan|__odr_asan|_init|_fini)/.test(name)).sort();
  const header = readFileSync(join(prefix, 'include', 'sotto', 'sotto.h'), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
  const said = [...header.matchAll(/SOTTO_API[^;(]*?(sotto_\w+)\(/g)].map(([, name]) => name).sort();
  assert.deepEqual(shown, said);
  assert.ok(said.length > 30);
  assert.ok(existsSync(join(libraries(), 'libsotto.a')));
  assert.ok(!/\bso_|openssl|uv\.h/i.test(header), 'nothing of the inside shows in the header');
});

test('every function of the header has words above it or in its group, and C++ can read it', () => {
  // A group is what stands without an empty line between; its comment is its first line, or above a function of it.
  const text = readFileSync(join(prefix, 'include', 'sotto', 'sotto.h'), 'utf8');
  for (const group of text.split(/\n[ \t]*\n/)) {
    const names = [...group.matchAll(/SOTTO_API[^;(]*?(sotto_\w+)\(/g)];
    if (names.length === 0) continue;
    const comment = group.search(/\/\*/);
    assert.ok(comment >= 0 && comment < names[0].index, `no words for ${names[0][1]}`);
  }
  run(sanitized ? 'clang++' : 'c++', ['-fsyntax-only', '-Wall', '-Werror', '-x', 'c++', join(prefix, 'include', 'sotto', 'sotto.h')]);
});

test('own_loop: two peers in a poll loop hear each other', () => {
  const out = run(compile('examples/own_loop.c'), [], { env: withLibrary() });
  assert.match(out, /both heard 10 frames; (AEAD|AES)\S*, DTLS 1\.[23], the certificate is the promised one: yes/);
});

test('echo, of at most 100 lines: what sotto call says to it comes back', async (t) => {
  assert.ok(readFileSync('examples/echo.c', 'utf8').split('\n').length <= 101);
  const echo = compile('examples/echo.c');
  const server = await Server.start(t);
  const link = (await command(['link', server.url])).out.trim();
  const child = spawn(echo, [link, server.listening.ca], { env: withLibrary(), stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stdout.on('data', (data) => { said += data; });
  child.stderr.on('data', (data) => { said += data; });
  const ended = new Promise((done) => child.on('close', done));
  t.after(async () => { child.kill('SIGKILL'); await ended; });
  const { code, out } = await command(['call', '--json', '--loopback', '--ca', server.listening.ca, '--in', 'test', '--duration', '3', link]);
  assert.equal(code, 0, `${out}\n${said}`);
  const totals = out.trim().split('\n').map((line) => JSON.parse(line)).find(({ event }) => event === 'totals');
  assert.ok(totals.received > 50 && totals.level > -30, JSON.stringify(totals));
  assert.equal(await within(ended, 'the echo to end'), 0, said);
  assert.match(said, /"state":"verified"/);
  assert.match(said, /ended: peer-hangup/);
});

test('a call that is freed while it is open says goodbye', async (t) => {
  const server = await Server.start(t);
  const link = (await command(['link', server.url])).out.trim();
  const leaver = spawn(compile('tests/server/leaver.c'), [link, server.listening.ca], { env: withLibrary(), stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  leaver.stdout.on('data', (data) => { said += data; });
  leaver.stderr.on('data', (data) => { said += data; });
  const ended = new Promise((done) => leaver.on('close', done));
  t.after(async () => { leaver.kill('SIGKILL'); await ended; });
  const { code, out } = await command(['call', '--json', '--loopback', '--ca', server.listening.ca, '--in', 'test', link]);
  assert.equal(await within(ended, 'the program to end'), 0, said);
  assert.equal(said, 'open\n');
  assert.equal(code, 0, out);
  const last = out.trim().split('\n').map((line) => JSON.parse(line)).filter(({ event }) => event === 'state').at(-1);
  assert.equal(last.reason, 'peer-hangup', out);
});

test('doorbell: a device lets in the one whose key it was given, and nobody else', async (t) => {
  const doorbell = compile('examples/doorbell.c');
  const server = await Server.start(t);
  const [owner, stranger, own] = [folder(t), folder(t), join(folder(t), 'identity.pem')];
  const state = (dir) => ['--state', join(dir, 'state')];
  const { key } = JSON.parse((await command(['identity', 'new', '--json', ...state(owner)])).out);
  let thumbprint;
  for (const [who, rings] of [[owner, true], [stranger, false]]) {
    const link = await linkOf(server);
    const child = spawn(doorbell, [link, own, key, server.listening.ca], { env: withLibrary(), stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stdout.on('data', (data) => { said += data; });
    child.stderr.on('data', (data) => { said += data; });
    const ended = new Promise((done) => child.on('close', done));
    t.after(async () => { child.kill('SIGKILL'); await ended; });
    const call = new Call(t, server, link, ...state(who), '--chat');
    const { key: shown } = await call.event('person', (e) => e.identity);
    thumbprint ??= shown;
    assert.equal(shown, thumbprint, 'the device has one key');
    if (rings) {
      assert.equal((await call.event('chat')).text, 'Somebody is at the door.');
      call.child.stdin.write('coming\n');
      await within((async () => { while (!said.includes('Answer: coming')) await new Promise((done) => child.stdout.once('data', done)); })(), 'the answer');
      call.child.kill('SIGINT');
      assert.equal(await call.code(), 0);
    } else {
      assert.equal(await call.code(), 10);
      assert.ok(!call.events.some(({ event }) => event === 'chat'));
    }
    assert.equal(await within(ended, 'the doorbell to end'), 0, said);
    assert.match(said, new RegExp(`^My key: ${thumbprint}\n`));
    assert.match(said, rings ? /The expected one is there\.\n[^]*Over: peer-hangup\n$/ : /Somebody else: [\w-]{43}\nOver: identity-alarm\n$/);
    assert.equal(said.includes('The expected one is there'), rings);
  }
});
