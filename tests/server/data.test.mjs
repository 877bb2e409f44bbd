// Lines of chat and files between two `sotto call`: folders, pipes, names that are taken, and what goes wrong.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Call, linkOf } from './call.mjs';
import { command, folder, Server, SOTTO, within } from './harness.mjs';

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

async function meeting(t) {
  const server = await Server.start(t);
  return { server, link: await linkOf(server), dir: folder(t) };
}

test('lines go both ways, and come as they were written', async (t) => {
  const { server, link } = await meeting(t);
  const [a, b] = ['a', 'b'].map(() => new Call(t, server, link, '--chat'));
  await Promise.all([a.event('open'), b.event('open')]);
  a.child.stdin.write('good morning\n\ngrüß "dich" \\o/ 🦊\n');
  assert.equal((await b.event('chat')).text, 'good morning');
  await b.event('chat', (e) => e.text === 'grüß "dich" \\o/ 🦊');
  b.child.stdin.write('and back\n');
  assert.equal((await a.event('chat')).text, 'and back');
  a.child.stdin.end('the end of a pipe ends no call\n');
  await b.event('chat', (e) => e.text === 'the end of a pipe ends no call');
  b.child.kill('SIGINT');
  assert.deepEqual(await Promise.all([a.code(), b.code()]), [0, 0]);
});

test('files arrive in a folder, whole, under names that nothing had', async (t) => {
  const { server, link, dir } = await meeting(t);
  const [first, second] = [randomBytes(3_000_001), Buffer.alloc(0)];
  mkdirSync(join(dir, 'got'));
  mkdirSync(join(dir, 'sent'));
  writeFileSync(join(dir, 'sent', 'a photo.jpeg'), first);
  writeFileSync(join(dir, 'sent', 'empty'), second);
  writeFileSync(join(dir, 'got', 'a photo.jpeg'), 'was here before');
  const taker = new Call(t, server, link, '--data-out', join(dir, 'got'));
  const sender = new Call(t, server, link, '--data-in', join(dir, 'sent', 'a photo.jpeg'), '--data-in', join(dir, 'sent', 'empty'));
  const offer = await taker.event('file', (e) => e.state === 'offered' && e.name === 'a photo.jpeg');
  assert.deepEqual([offer.way, offer.size, offer.sha256], ['in', first.length, sha256(first)]);
  // A call that only sends ends when all is through.
  assert.deepEqual(await Promise.all([sender.code(), taker.code()]), [0, 0]);
  assert.deepEqual(readdirSync(join(dir, 'got')).sort(), ['a photo (2).jpeg', 'a photo.jpeg', 'empty']);
  assert.equal(readFileSync(join(dir, 'got', 'a photo.jpeg'), 'utf8'), 'was here before');
  assert.deepEqual(readFileSync(join(dir, 'got', 'a photo (2).jpeg')), first);
  assert.equal(statSync(join(dir, 'got', 'empty')).size, 0);
  assert.equal(statSync(join(dir, 'got', 'a photo (2).jpeg')).mode & 0o777, 0o600);
  for (const end of [sender, taker]) {
    assert.equal(end.events.filter((e) => e.event === 'file' && e.state === 'done').length, 2);
  }
});

test('a pipe at one end, a pipe at the other', async (t) => {
  const { server, link } = await meeting(t);
  const bytes = randomBytes(5_000_003);
  const options = ['call', '--loopback', '--ca', server.listening.ca];
  const taker = spawn(SOTTO, [...options, '--data-out', '-', link], { stdio: ['ignore', 'pipe', 'pipe'] });
  const sender = spawn(SOTTO, [...options, '--data-in', '-', link], { stdio: ['pipe', 'pipe', 'pipe'] });
  t.after(() => [taker, sender].forEach((child) => child.kill('SIGKILL')));
  const got = [];
  let said = '';
  taker.stdout.on('data', (d) => got.push(d));
  for (const child of [taker, sender]) child.stderr.on('data', (d) => { said += d; });
  sender.stdout.on('data', (d) => { said += d; });
  const codes = [taker, sender].map((child) => new Promise((done) => child.on('close', done)));
  sender.stdin.end(bytes);
  assert.deepEqual(await within(Promise.all(codes), 'both to end'), [0, 0], said);
  assert.ok(Buffer.concat(got).equals(bytes), 'nothing else is on standard output');
  assert.match(said, /The other end offers data \(size not known\)/);
  assert.match(said, /Taken, and its digest fits: data \(5\.0 MB\)/);
});

test('what nobody asked for is refused, and said at both ends', async (t) => {
  const { server, link, dir } = await meeting(t);
  writeFileSync(join(dir, 'unasked'), 'bytes');
  const taker = new Call(t, server, link);
  const sender = new Call(t, server, link, '--data-in', join(dir, 'unasked'));
  await taker.event('file', (e) => e.state === 'refused');
  assert.equal(await sender.code(), 1);
  assert.equal((await sender.event('file', (e) => e.state === 'refused')).name, 'unasked');
  assert.match((await sender.event('fault')).text, /unasked was not delivered: the other end refused it/);
  assert.equal(await taker.code(), 0);
});

test('one file to one name: the first is taken, and what had the name gives way at its end alone', async (t) => {
  const { server, link, dir } = await meeting(t);
  const place = join(dir, 'place');
  writeFileSync(place, 'old');
  const taker = new Call(t, server, link, '--data-out', place);
  const sender = new Call(t, server, link, '--data-in', '-');
  sender.child.stdin.write(randomBytes(700_000));
  await taker.event('file', (e) => e.state === 'accepted');
  assert.ok(existsSync(`${place}.part`));
  assert.equal(readFileSync(place, 'utf8'), 'old');
  // The sender goes before the end: nothing of it is kept.
  sender.child.kill('SIGTERM');
  assert.equal(await sender.code(), 1);
  assert.equal(await taker.code(), 1);
  assert.ok((await taker.event('file', (e) => e.state === 'cancelled')).bytes <= 700_000);
  assert.ok(!existsSync(`${place}.part`));
  assert.equal(readFileSync(place, 'utf8'), 'old');

  const again = new Call(t, server, link, '--data-out', place);
  writeFileSync(join(dir, 'new'), 'new');
  writeFileSync(join(dir, 'other'), 'other');
  const both = new Call(t, server, link, '--data-in', join(dir, 'new'), '--data-in', join(dir, 'other'));
  assert.equal(await both.code(), 1);
  await again.event('file', (e) => e.state === 'refused');
  await again.code();
  assert.ok(['new', 'other'].includes(readFileSync(place, 'utf8')));
});

test('what cannot be is said before anything is joined', async (t) => {
  const { server, link, dir } = await meeting(t);
  const ca = ['--ca', server.listening.ca];
  for (const [args, code, words] of [
    [['--data-in', join(dir, 'none')], 1, /none can't be opened \(No such file or directory\)/],
    [['--data-in', dir], 1, /is a directory; give a file, or pipe an archive/],
    [['--data-out', join(dir, 'no', 'such', 'file')], 1, /no file can be made for --data-out/],
    [['--data-in', '-', '--chat'], 2, /standard input can be one thing only/],
    [['--data-in', '-', '--data-in', '-'], 2, /standard input can be one thing only/],
    [['--data-out', dir, '--data-out', dir], 2, /--data-out can be given once/],
    [Array(17).fill(['--data-in', '/dev/null']).flat(), 2, /--data-in can be given 16 times/],
  ]) {
    const done = await command(['call', ...ca, ...args, link]);
    assert.equal(done.code, code, done.err);
    assert.match(done.err, words);
  }
});
