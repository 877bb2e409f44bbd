// `sotto rehearse`: all holds against the real server; without one defence, exactly the attack on it is weak; and no
// other machine is attacked before its operator has allowed it.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { linkOf } from './call.mjs';
import { SOTTO, Server, command, folder, within } from './harness.mjs';
import { run } from './rehearse.mjs';

const WEAK = join(dirname(SOTTO), 'tests', 'weak_sotto');
const TOKEN = 'a token of these tests alone';

/** Each attack, and what it is tried with besides; its defence has its name (tests/weak). */
const listed = execFileSync(SOTTO, ['rehearse', '--list'], { encoding: 'utf8' }).trim().split('\n')
  .map((line) => /^(\S+) +(\S+) /.exec(line)).map(([, group, name]) => ({ group, name }));

/** What one and the same defence is against. */
const TOGETHER = [['seal-dropped', 'seal-reordered'], ['sdes-offer', 'sdes-answer'], ['plain-offer', 'plain-answer'],
  ['srtp-none', 'srtp-null', 'srtp-tags']];

/** Without a build of their own: what they need is weak in another way, below. */
const ELSEWHERE = new Set(['tls-clear', 'link-sdes', 'link-plain', 'link-weak', 'link-several']);

test('everything holds against a server of this program, and nothing of it stays', async (t) => {
  const tmp = folder(t);
  const { code, events, err } = await run(SOTTO, [], { TMPDIR: tmp });
  assert.equal(code, 0, JSON.stringify(events.filter(({ result }) => result !== 'held')) + err);
  const attacks = events.filter(({ event }) => event === 'attack');
  assert.deepEqual(attacks.map(({ name }) => name), listed.map(({ name }) => name));
  for (const attack of attacks) {
    assert.ok(attack.seen.length > 10, attack.name);
    assert.ok(['server', 'this program', 'the end at the link'].includes(attack.on), attack.name);
  }
  const { held, weak, not_tried: left, controls_failed: failed } = events.at(-1);
  assert.deepEqual([weak, failed], [0, 0]);
  assert.equal(held + left, listed.length);
  for (const { name, result, seen } of attacks)
    if (result === 'not tried') assert.match(seen, /give the link/, name);
  assert.deepEqual(readdirSync(tmp), []);
});

test('without one defence exactly the attack on it is weak', async (t) => {
  const work = listed.filter(({ name }) => !ELSEWHERE.has(name));
  await Promise.all([...Array(4)].map(async () => {
    for (let attack; (attack = work.shift());) {
      const { name, group } = attack;
      const { code, events, err } = await run(WEAK, ['--only', group === 'slow' ? name : group], { WEAK: name });
      const weak = events.filter(({ event, result }) => event === 'attack' && result === 'weak').map((e) => e.name);
      assert.deepEqual(weak, TOGETHER.find((names) => names.includes(name)) ?? [name], `without ${name}: ${JSON.stringify(events)} ${err}`);
      assert.equal(code, 1, name);
    }
  }));
});

test('a server that an attack takes down is not reported as strong', async () => {
  const { code, events } = await run(WEAK, ['--only', 'messages'], { WEAK: 'life' });
  assert.equal(code, 1);
  const after = events.find(({ event }) => event === 'control');
  assert.equal(after.when, 'after');
  assert.equal(after.group, 'messages');
  assert.equal(events.at(-1).held, 0, JSON.stringify(events));
});

/** Something in front of a server that answers HTTP in the clear too. */
async function careless(t, server) {
  const proxy = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (first) => {
      if (first.toString('latin1').startsWith('GET ')) {
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
        return;
      }
      const behind = net.connect(server.port, '127.0.0.1');
      behind.on('error', () => {});
      behind.write(first);
      socket.pipe(behind).pipe(socket);
    });
  });
  await new Promise((ok) => proxy.listen(0, '127.0.0.1', ok));
  t.after(() => proxy.close());
  return proxy.address().port;
}

test('HTTP without TLS on the port is weak', async (t) => {
  const s = await Server.start(t);
  const port = await careless(t, s);
  const { code, events } = await run(SOTTO, ['--only', 'tls', '--ca', s.listening.ca, `https://localhost:${port}`]);
  assert.equal(code, 1);
  assert.deepEqual(events.filter(({ result }) => result === 'weak').map(({ name }) => name), ['tls-clear']);
});

test('a server that answers nobody, or is another one, is not reported as strong', async (t) => {
  const deaf = net.createServer((socket) => socket.on('error', () => {}).destroy());
  await new Promise((ok) => deaf.listen(0, '127.0.0.1', ok));
  t.after(() => deaf.close());
  const s = await Server.start(t);
  const { code, events } = await run(SOTTO, ['--only', 'tls', '--ca', s.listening.ca, `https://localhost:${deaf.address().port}`]);
  assert.equal(code, 1);
  assert.equal(events.at(-1).held, 0);
  assert.equal(events.at(-1).controls_failed, 1);
  const other = await Server.start(t);
  const mistaken = await run(SOTTO, ['--only', 'origins', '--ca', other.listening.ca, s.url]);
  assert.equal(mistaken.code, 1);
  assert.equal(mistaken.events.at(-1).held, 0);
  const nobody = await run(SOTTO, ['--ca', s.listening.ca, 'https://localhost:1']);
  assert.equal(nobody.code, 3);
  assert.match(nobody.err, /takes no connection/);
});

/** How many connections came, and what was asked for on them, as the server counts. */
async function counted(s) {
  await s.stop();
  return s.events.find(({ event }) => event === 'stopped');
}

// 0.0.0.0 leads to this machine, and is no loopback address: what any other host is to the command.
test('what is not loopback is not touched without the token of its operator', async (t) => {
  const dir = folder(t);
  const right = join(dir, 'right'), wrong = join(dir, 'wrong');
  writeFileSync(right, `${TOKEN}\n`, { mode: 0o600 });
  writeFileSync(wrong, 'another token that is long\n', { mode: 0o600 });
  const to = (s, ...more) => run(SOTTO, ['--only', 'origins', '--ca', s.listening.ca, '--connect', '0.0.0.0', ...more, s.url]);

  const silent = await Server.start(t);
  const none = await to(silent);
  assert.equal(none.code, 5);
  assert.match(none.err, /--allow-rehearsal-file/);
  const closed = await to(silent, '--token-file', right);
  assert.equal(closed.code, 5);
  assert.match(closed.err, /does not know this token/);
  const asked = await counted(silent);
  assert.equal(asked.connections, 1, 'without a token nothing at all goes out, with one a single request');
  assert.equal(asked.requests, 1);

  const open = await Server.start(t, ['--allow-rehearsal', TOKEN]);
  const refused = await to(open, '--token-file', wrong);
  assert.equal(refused.code, 5);
  const taken = await to(open, '--token-file', right);
  assert.equal(taken.code, 0, taken.err);
  assert.ok(taken.events.filter(({ result }) => result === 'held').length >= 8);
  const byEnvironment = await run(SOTTO, ['--only', 'origin-evil', '--ca', open.listening.ca, '--connect', '0.0.0.0', open.url],
    { SOTTO_REHEARSAL_TOKEN: TOKEN });
  assert.equal(byEnvironment.code, 0);
  const unseen = JSON.stringify([taken, refused, open.events, open.errors]);
  assert.ok(!unseen.includes(TOKEN) && !unseen.includes('another token'));
});

test('the proof is for one nonce, one host and one token, and nobody else gets an answer', async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, 'token'), `${TOKEN}\n`, { mode: 0o600 });
  const s = await Server.start(t, ['--allow-rehearsal-file', join(dir, 'token')]);
  const nonce = 'AAAAAAAAAAAAAAAAAAAAAA', other = 'BAAAAAAAAAAAAAAAAAAAAA';
  const ask = async (n, host = `localhost:${s.port}`) =>
    s.http(`GET /rehearsal?nonce=${n} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  const { createHmac } = await import('node:crypto');
  const wanted = (n, host) => createHmac('sha256', TOKEN).update(`sotto v1 rehearsal\0${n}${host}`).digest('hex');
  assert.equal((await ask(nonce)).body, wanted(nonce, `localhost:${s.port}`));
  assert.equal((await ask(other)).body, wanted(other, `localhost:${s.port}`));
  for (const [n, host] of [[nonce, 'evil.example'], ['short', undefined], [`${nonce}A`, undefined], [`${nonce.slice(1)}=`, undefined], ['', undefined]])
    assert.equal((await ask(n, host)).status, 404, `${n} ${host}`);
  const without = await Server.start(t);
  assert.equal((await without.get(`/rehearsal?nonce=${nonce}`)).status, 404);
});

test('a token that can be guessed is refused, and so is one that is given twice', async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, 'token'), `${TOKEN}\n`, { mode: 0o600 });
  const short = await command(['serve', '--state', dir, '--allow-rehearsal', 'fifteen letters']);
  assert.equal(short.code, 2);
  assert.match(short.err, /16 characters/);
  const both = await command(['serve', '--state', dir, '--allow-rehearsal', TOKEN, '--allow-rehearsal-file', join(dir, 'token')]);
  assert.equal(both.code, 2);
  assert.match(both.err, /not both/);
});

test('interrupted it takes its server and its folder with it', async (t) => {
  const tmp = folder(t);
  const child = spawn(SOTTO, ['rehearse', '--json', '--only', 'slow'],
    { env: { ...process.env, TMPDIR: tmp }, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise((done) => child.on('close', (code, signal) => done(signal)));
  await within(new Promise((ok) => child.stdout.once('data', ok)), 'the first line'); // the attacks take some seconds
  assert.equal(readdirSync(tmp).length, 1);
  child.kill('SIGINT');
  assert.equal(await within(ended, 'its end'), 'SIGINT');
  assert.deepEqual(readdirSync(tmp), []);
});

test('a server under a public name holds too, HSTS and all', async (t) => {
  const state = folder(t);
  assert.equal((await command(['ca', 'init', '--state', state, '--permit', 'call.example'])).code, 0);
  const s = await Server.start(t, ['--name', 'call.example', '--public-url', 'https://call.example'], { state });
  const url = `https://call.example:${s.port}`;
  const { code, events, err } = await run(SOTTO, ['--ca', s.listening.ca, '--connect', '127.0.0.1', url, '--only', 'tls', '--only', 'origins', '--only', 'messages']);
  assert.equal(code, 0, JSON.stringify(events.filter(({ result }) => result !== 'held')) + err);
});

/** An end that takes call after call at a link of its own, and what a rehearsal with that link says of it. */
async function atLink(t, s, program, env = {}) {
  const link = await linkOf(s);
  const end = spawn(program, ['call', '--json', '--answer', '--loopback', '--ca', s.listening.ca, '--state', folder(t), '--in', 'test', link],
    { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise((done) => end.on('close', done));
  t.after(async () => {
    end.kill('SIGKILL');
    await ended;
  });
  let said = '';
  await within(new Promise((ok) => end.stdout.on('data', (d) => {
    said += d;
    if (said.includes('"waiting"')) ok();
  })), 'an end that waits');
  const report = await run(SOTTO, ['--only', 'link', '--ca', s.listening.ca, link]);
  assert.ok(!JSON.stringify(report).includes(link.split('#')[1]), 'the secret of the link is in no output');
  return { ...report, weak: report.events.filter(({ result }) => result === 'weak').map(({ name }) => name) };
}

test('the end at a link is tried too, and each of its defences that is missing shows', async (t) => {
  const s = await Server.start(t, ['--joins-per-minute', '1000']);
  const good = await atLink(t, s, SOTTO);
  assert.equal(good.code, 0, JSON.stringify(good.events) + good.err);
  const { held } = good.events.at(-1), names = listed.filter(({ group }) => group === 'link').map(({ name }) => name);
  assert.equal(held, names.length);
  for (const name of names) {
    const { code, weak, events, err } = await atLink(t, s, WEAK, { WEAK: name });
    assert.deepEqual(weak, [name], JSON.stringify(events) + err);
    assert.equal(code, 1);
  }
});

test('a link at which nobody waits is not reported as strong', async (t) => {
  const s = await Server.start(t, ['--joins-per-minute', '1000']);
  const { code, events } = await run(SOTTO, ['--only', 'link-sdes', '--ca', s.listening.ca, await linkOf(s)]);
  assert.equal(code, 1);
  assert.match(events.find(({ event }) => event === 'control').seen, /nobody waits/);
  assert.equal(events.at(-1).held, 0);
});

test('the man page has every attack, in the same words', () => {
  const man = readFileSync('man/sotto-rehearse.1', 'utf8').replaceAll('\\-', '-');
  for (const line of execFileSync(SOTTO, ['rehearse', '--list'], { encoding: 'utf8' }).trim().split('\n')) {
    const [, name, tries] = /^\S+ +(\S+) +(.+)$/.exec(line);
    assert.ok(man.includes(`.B ${name}\n${tries}\n`), name);
  }
});

test('wrong usage says what is wrong', async () => {
  for (const [args, pattern] of [[['--only', 'nothing'], /no attack and no group/], [['--ca', 'x'], /give its URL/],
    [['http://localhost'], /https/], [['https://a.example', 'https://b.example'], /one URL/], [['--list', '--', 'x'], /stands alone/]]) {
    const { code, err } = await command(['rehearse', ...args]);
    assert.equal(code, 2, args.join(' '));
    assert.match(err, pattern);
  }
});
