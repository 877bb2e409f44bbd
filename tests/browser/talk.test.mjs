// Messages and files between both browsers, either way: what is said arrives as text, a file arrives whole or not at all.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { PATIENT, World } from './harness.mjs';
import { bothReceive, call, hangUp } from './pairs.mjs';
import { act, cards, fileIs, hold, letGo, lines, offer, openTalk, reads, say } from './talk.mjs';

const MIB = 1 << 20;
const world = new World();
let server, browsers;

before(async () => {
  server = await world.server();
  browsers = { Chromium: await world.chromium(server), Firefox: await world.firefox(server) };
}, PATIENT);
after(() => world.close());

/** @returns {{path: string, name: string, size: number, sha256: string}} a file whose bytes differ from every other's */
function file(name, size) {
  const bytes = Buffer.allocUnsafe(size);
  let x = name.length * 7919 + size + 1;
  for (let i = 0; i < size; i++) {
    x = Math.imul(x, 1664525) + 1013904223 | 0;
    bytes[i] = x >>> 24;
  }
  const path = join(world.folder, name);
  writeFileSync(path, bytes);
  return { path, name, size, sha256: createHash('sha256').update(bytes).digest('hex') };
}

async function meet(first, last) {
  const [a, b] = [await browsers[first].visitor(`${first}, A`), await browsers[last].visitor(`${last}, B`)];
  await call(a, b, await server.link());
  for (const visitor of [a, b]) {
    await visitor.until('can write', () => visitor.page.evaluate(() => !document.getElementById('talk-line').disabled));
  }
  return [a, b];
}

async function part(a, b) {
  await hangUp(a, b);
  for (const visitor of [a, b]) {
    await visitor.isClean(server.url);
    await visitor.close();
  }
}

const saved = (visitor, { size, sha256 }) => visitor.until('has saved it', async () =>
  (await visitor.did()).files.some((each) => each.size === size && each.sha256 === sha256));

const both = [['Chromium', 'Firefox'], ['Firefox', 'Chromium']];
for (const [first, last] of both) {
  test(`${first} and ${last}: lines go both ways, as text, and are gone with the call`, PATIENT, async () => {
    const [a, b] = await meet(first, last);
    const hidden = (id) => a.page.evaluate((name) => document.getElementById(name).hidden, id);
    assert.equal(await hidden('talk-unread'), true);
    await say(b, 'Grüße ☕');
    await a.until('has an unread mark', async () => await a.text('talk-unread') === '1' && !await hidden('talk-unread'));
    assert.equal(await a.page.evaluate(() => document.getElementById('talk-toggle').getAttribute('aria-label')), 'Chat, 1 new');
    assert.equal(await a.text('announce'), 'Message: Grüße ☕');
    await openTalk(a);
    assert.equal(await hidden('talk-unread'), true);
    await reads(a, 'Grüße ☕');
    assert.equal(await a.page.evaluate(() => document.activeElement.id), 'talk-line');

    const markup = '<img src=x onerror=alert(1)><b>https://example.org</b>';
    await say(a, markup);
    await reads(b, markup);
    const [, seen] = await lines(b);
    assert.equal(seen.html, '&lt;img src=x onerror=alert(1)&gt;&lt;b&gt;https://example.org&lt;/b&gt;');
    assert.equal(await b.page.evaluate(() => document.querySelector('#talk-list :is(a, img, b)')), null);
    // Directions stay within their line.
    assert.deepEqual(await b.page.evaluate(() => [...document.querySelectorAll('.said')].map((said) =>
      [said.dir, getComputedStyle(said).unicodeBidi])), [['auto', 'isolate'], ['auto', 'isolate']]);

    await a.page.keyboard.press('Escape');
    assert.deepEqual([await hidden('talk'), await a.page.evaluate(() => document.activeElement.id)], [true, 'talk-toggle']);
    await a.page.evaluate(() => { document.getElementById('talk-line').value = 'ü'.repeat(8193); });
    await say(a, '');
    assert.match(await a.text('talk-error'), /^This is too long for one message\. .*16 KiB/);
    assert.equal((await lines(a)).length, 2);

    await hangUp(a, b);
    for (const visitor of [a, b]) {
      assert.equal((await lines(visitor)).length, 0, 'nothing stays');
      assert.equal(await visitor.page.evaluate(() => document.getElementById('talk-line').value), '');
      assert.deepEqual(await visitor.page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }])), '[{},{}]');
      await visitor.isClean(server.url);
      await visitor.close();
    }
  });

  test(`${first} sends files to ${last}: sixteen mebibytes, nothing, and several at once; a refusal`, PATIENT, async () => {
    const [a, b] = await meet(first, last);
    const [large, empty, small, unwanted] = [file('large.bin', 16 * MIB + 5), file('empty.txt', 0), file('photo.jpg.exe', 70_000),
      file('unwanted.pdf', 100)];
    await offer(a, large.path, empty.path, small.path, unwanted.path);
    for (const { name, size, sha256 } of [large, empty, small, unwanted]) {
      const card = await fileIs(b, name, 'offered');
      assert.equal(card.digest, sha256);
      assert.equal(card.from, 'them');
      if (size === 0) assert.match(card.text, /0 bytes/);
    }
    assert.match((await fileIs(b, small.name, 'offered')).caution, /ends twice.*can run as a program/);
    assert.equal((await fileIs(b, large.name, 'offered')).caution, '');
    assert.match((await fileIs(b, large.name, 'offered')).text, /16\.0 MiB/);
    // Nothing was taken so far.
    assert.deepEqual((await b.did()).files, []);
    await act(b, unwanted.name, 'refuse');
    await fileIs(a, unwanted.name, 'refused');
    for (const { name } of [large, empty, small]) await act(b, name, 'accept');
    for (const each of [large, empty, small]) {
      await fileIs(b, each.name, 'done');
      await fileIs(a, each.name, 'done');
      await saved(b, each);
    }
    assert.deepEqual((await b.did()).names.sort(), ['empty.txt', 'large.bin', 'photo.jpg.exe']);
    assert.equal((await b.did()).files.length, 3);
    // Sound and picture went on beside it.
    await bothReceive(a, b);
    await part(a, b);
  });

  test(`${first} sends a file to ${last}, and either end stops it in the middle`, PATIENT, async () => {
    const [a, b] = await meet(first, last);
    const [one, two] = [file('one.bin', 4 * MIB), file('two.bin', 4 * MIB)];
    await hold(b);
    await offer(a, one.path);
    await act(b, one.name, 'accept');
    await b.until('has a part of it', async () => (await fileIs(b, one.name, 'moving')).progress > 0.2);
    await act(a, one.name, 'cancel');
    await fileIs(a, one.name, 'cancelled');
    await fileIs(b, one.name, 'failed', 'file-stopped');
    await offer(a, two.path);
    await act(b, two.name, 'accept');
    await b.until('has a part of it', async () => (await fileIs(b, two.name, 'moving')).progress > 0.2);
    await act(b, two.name, 'cancel');
    await fileIs(b, two.name, 'cancelled');
    await fileIs(a, two.name, 'failed', 'file-stopped');
    assert.deepEqual((await b.did()).files, []);
    await letGo(b);
    // The channel for words is another one.
    await say(a, 'never mind');
    await reads(b, 'never mind');
    await part(a, b);
  });

  test(`${first} sends ${last} other bytes than it offered: an alarm, and nothing is kept`, PATIENT, async () => {
    const [a, b] = await meet(first, last);
    const evil = file('statement.pdf', 300_000);
    await a.page.evaluate(() => {
      const { send } = RTCDataChannel.prototype;
      RTCDataChannel.prototype.send = function (data) {
        if (typeof data === 'string') return send.call(this, data);
        const altered = data.slice();
        altered[1000] ^= 1;
        return send.call(this, altered);
      };
    });
    await offer(a, evil.path);
    await act(b, evil.name, 'accept');
    const card = await fileIs(b, evil.name, 'failed', 'file-mismatch');
    assert.ok(card.alarm);
    assert.match(card.status, /^This is not the file that was offered\. .*nothing of it was kept/);
    const told = await fileIs(a, evil.name, 'failed', 'file-not-taken');
    assert.match(told.status, /^The other end threw the file away/);
    assert.deepEqual([(await b.did()).files, (await b.did()).names], [[], []]);
    assert.equal(await b.state(), 'in-call');
    await part(a, b);
  });
}

test('an end that reloads in the middle of a file: what came is thrown away, and words go on', PATIENT, async () => {
  const [a, b] = await meet('Chromium', 'Firefox');
  const half = file('half.bin', 4 * MIB);
  await say(a, 'before');
  await reads(b, 'before');
  await hold(b);
  await offer(a, half.path);
  await act(b, half.name, 'accept');
  await b.until('has a part of it', async () => (await fileIs(b, half.name, 'moving')).progress > 0.2);
  await b.look();
  await b.page.reload();
  await fileIs(a, half.name, 'failed', 'file-stopped');
  await b.reaches('in-call');
  await b.until('can write again', () => b.page.evaluate(() => !document.getElementById('talk-line').disabled));
  assert.match(await a.text('talk-list'), /may not have arrived/);
  assert.deepEqual([await lines(b), await cards(b)], [[], []], 'a page that is loaded anew knows nothing of before');
  await say(b, 'there again');
  await reads(a, 'there again');
  await part(a, b);
});

test('with a program of the other end that lies: more than sixteen offers, a name that is none, a channel of another kind', PATIENT, async () => {
  const [a, b] = await meet('Chromium', 'Firefox');
  const states = await a.page.evaluate(async () => {
    const pc = globalThis.sottoSpy.peers.at(-1);
    // One that is closed at once may never have been seen open.
    const open = (label, protocol) => new Promise((done) => {
      const channel = pc.createDataChannel(label, { protocol });
      channel.onopen = channel.onclose = () => done(channel);
    });
    const closes = (channel) => new Promise((done) => {
      if (channel.readyState === 'closed') done(true);
      else channel.onclose = () => done(true);
    });
    const offer = (name) => JSON.stringify({ name, size: 1, sha256: '0'.repeat(64) });
    const odd = await open('file', 'sotto.file.v2');
    await closes(odd);
    const rude = await open('file', 'sotto.file.v1');
    rude.send(offer('../../x'));
    await closes(rude);
    const channels = [];
    for (let i = 0; i < 16; i++) {
      channels.push(await open('file', 'sotto.file.v1'));
      channels[i].send(offer(`${i}.txt`));
    }
    const more = await open('file', 'sotto.file.v1');
    await closes(more);
    return channels.map(({ readyState }) => readyState);
  });
  assert.deepEqual(states, Array(16).fill('open'));
  await openTalk(b);
  await fileIs(b, '15.txt', 'offered');
  assert.deepEqual((await cards(b)).map(({ name }) => name), Array.from({ length: 16 }, (_, i) => `${i}.txt`));
  await part(a, b);
});
