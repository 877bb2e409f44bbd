// Lines and files between the page and `sotto call`, in both browsers and both ways.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { PATIENT, World } from './harness.mjs';
import { meet, Native } from './native.mjs';
import { act, fileIs, offer, reads, say } from './talk.mjs';

const world = new World();
let server, browsers;

before(async () => {
  server = await world.server();
  browsers = { Chromium: await world.chromium(server), Firefox: await world.firefox(server) };
}, PATIENT);
after(() => world.close());

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const saved = (visitor, bytes) => visitor.until('has saved it', async () =>
  (await visitor.did()).files.some((file) => file.size === bytes.length && file.sha256 === sha256(bytes)));

/** @param {string} dir @param {string} name @param {Buffer} bytes */
function put(dir, name, bytes) {
  writeFileSync(join(dir, name), bytes);
  return join(dir, name);
}

for (const [name, last] of [['Chromium', 'native'], ['Firefox', 'browser']]) {
  test(`${name} and sotto call, the ${last} end comes last: lines and files both ways`, PATIENT, async () => {
    const dir = mkdtempSync(join(world.folder, 'talk-'));
    mkdirSync(join(dir, 'got'));
    const [theirs, unwanted, ours] = [randomBytes(3_000_001), randomBytes(10), randomBytes(2_500_000)];
    const visitor = await browsers[name].visitor();
    const link = await server.link();
    const native = await meet(visitor, link, () => new Native(world, server, link, '--in', 'test', '--chat', '--data-out', join(dir, 'got'),
      '--data-in', put(dir, 'their photo.jpeg', theirs), '--data-in', put(dir, 'unwanted.exe', unwanted)), last);

    const card = await fileIs(visitor, 'their photo.jpeg', 'offered');
    assert.equal(card.digest, sha256(theirs));
    assert.match((await fileIs(visitor, 'unwanted.exe', 'offered')).caution, /can run as a program/);
    await act(visitor, 'unwanted.exe', 'refuse');
    await native.told('file', (event) => event.name === 'unwanted.exe' && event.state === 'refused');
    await act(visitor, 'their photo.jpeg', 'accept');
    await fileIs(visitor, 'their photo.jpeg', 'done');
    await native.told('file', (event) => event.name === 'their photo.jpeg' && event.state === 'done');
    await saved(visitor, theirs);

    await say(visitor, 'Grüße von der Seite');
    await native.told('chat', (event) => event.text === 'Grüße von der Seite');
    native.child.stdin.write('and "back" <b>\n');
    await reads(visitor, 'and "back" <b>');

    await offer(visitor, put(dir, 'ours.bin', ours), put(dir, 'empty.txt', Buffer.alloc(0)));
    for (const each of ['ours.bin', 'empty.txt']) await fileIs(visitor, each, 'done');
    assert.deepEqual(readFileSync(join(dir, 'got', 'ours.bin')), ours);
    assert.equal(readFileSync(join(dir, 'got', 'empty.txt')).length, 0);

    await visitor.press('hangup');
    await visitor.reaches('ended hangup');
    await native.ends();
    await visitor.isClean(server.url);
    await visitor.close();
  });

  test(`${name} takes what has no known size from sotto call`, PATIENT, async () => {
    const bytes = randomBytes(1_500_000);
    const visitor = await browsers[name].visitor();
    const link = await server.link();
    const native = await meet(visitor, link, () => new Native(world, server, link, '--in', 'test', '--data-in', '-'), last);
    const { name: shown } = await native.told('file', (event) => event.state === 'offered');
    const card = await fileIs(visitor, shown, 'offered');
    assert.match(card.text, /Its size is not known before its end\..*SHA-256 not known before its end/);
    await act(visitor, shown, 'accept');
    native.child.stdin.end(bytes);
    await saved(visitor, bytes);
    await native.told('file', (event) => event.state === 'done');
    native.hangUp();
    await visitor.reaches('ended peer-hangup');
    await native.ends();
    await visitor.isClean(server.url);
    await visitor.close();
  });
}
