// What a call outlives: a signaling server that dies, a third visitor, a reload.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ADDRESS, PATIENT, World } from './harness.mjs';
import { bothReceive, call, hangUp, panelsAgree } from './pairs.mjs';
import { act, fileIs, hold, letGo, lines, offer, reads, say } from './talk.mjs';

const world = new World();
let server, browsers;

before(async () => {
  server = await world.server();
  browsers = { Chromium: await world.chromium(server), Firefox: await world.firefox(server) };
}, PATIENT);
after(() => world.close());

const epoch = async (visitor) => Number((await visitor.panel()).doors.seal.fields.epoch);

for (const [first, last] of [['Chromium', 'Firefox'], ['Firefox', 'Firefox']]) {
  test(`${first} and ${last}: the server is killed and comes back, and the call goes on`, PATIENT, async () => {
    const [a, b] = [await browsers[first].visitor('A'), await browsers[last].visitor('B')];
    await call(a, b, await server.link());
    const before = await panelsAgree(a, b);

    await server.kill();
    for (const visitor of [a, b]) {
      await visitor.until('says that the server is gone', async () => (await visitor.panel()).notice === 'signaling-lost');
    }
    await bothReceive(a, b);
    await server.start();
    for (const visitor of [a, b]) await visitor.until('is in a new epoch', async () => await epoch(visitor) > 1);
    for (const visitor of [a, b]) {
      await visitor.until('has nothing to complain of', async () => (await visitor.panel()).notice === '');
      await visitor.until('has every door', async () => (await visitor.panel()).verdict === 'verified');
    }
    await bothReceive(a, b);

    const now = await panelsAgree(a, b);
    for (const [i, visitor] of [a, b].entries()) {
      assert.equal(await visitor.state(), 'in-call');
      assert.equal((await visitor.did()).peers, 1, 'the same peer connection');
      assert.equal(now[i].doors.fingerprints.fields.seen, before[i].doors.fingerprints.fields.seen);
    }
    // The new epoch carries what the old one did.
    await hangUp(a, b);
    for (const visitor of [a, b]) await visitor.close();
  });
}

test('a third visitor is refused, and the two notice nothing', PATIENT, async () => {
  const [a, b] = [await browsers.Chromium.visitor('A'), await browsers.Chromium.visitor('B')];
  const c = await browsers.Firefox.visitor('C');
  const link = await server.link();
  await call(a, b, link);
  await c.join(link);
  await c.reaches('failed room-full');
  assert.equal(await c.text('over-title'), 'This call has two people already');
  assert.match(await c.text('over-remedy'), /start a new call/);
  assert.equal((await c.did()).peers, 0);
  await c.isClean(server.url);
  await bothReceive(a, b);
  await panelsAgree(a, b);
  await hangUp(a, b);
  for (const visitor of [a, b, c]) await visitor.close();
});

for (const [first, last] of [['Chromium', 'Firefox'], ['Firefox', 'Chromium']]) {
  test(`${last} reloads in mid-call, takes its own seat and is back with a verdict of its own`, PATIENT, async () => {
    const [a, b] = [await browsers[first].visitor('A'), await browsers[last].visitor('B, who reloads')];
    await call(a, b, await server.link());
    await bothReceive(a, b);
    const before = await panelsAgree(a, b);

    await b.look();
    await b.page.reload();
    // The panel names the certificates of now: nobody pressed anything, and nothing of the old verdict is left.
    await a.until('sees another certificate', async () => {
      const { verdict, doors } = await a.panel();
      return verdict === 'verified' && doors.fingerprints.fields.seen !== before[0].doors.fingerprints.fields.seen;
    });
    await Promise.all([a.reaches('in-call'), b.reaches('in-call')]);
    await bothReceive(a, b);
    const now = await panelsAgree(a, b, { epochs: ['2', '1'] });
    for (const end of [0, 1]) {
      assert.notEqual(now[end].doors.fingerprints.fields.mine, before[end].doors.fingerprints.fields.mine);
    }
    assert.deepEqual((await b.did()).resumed, [true], 'the seat was taken again, with one join');
    assert.equal((await a.did()).peers, 2);
    for (const visitor of [a, b]) await visitor.isClean(server.url);
    await hangUp(b, a);
    for (const visitor of [a, b]) await visitor.close();
  });
}

/** The namespace's only way out, as tests/browser/run made it. @param {...string} args */
const ip = (...args) => execFileSync('ip', args);
const takeAddress = (address) => ip('addr', 'del', `${address}/24`, 'dev', 'sotto0');
function giveAddress(address) {
  ip('addr', 'add', `${address}/24`, 'dev', 'sotto0');
  ip('route', 'replace', 'default', 'via', '10.77.0.2');
}

for (const name of ['Chromium', 'Firefox']) {
  test(`${name}: the machine gets another address in mid-call, and the call is back on it`, PATIENT, async (t) => {
    const [a, b] = [await browsers[name].visitor('A'), await browsers[name].visitor('B')];
    await call(a, b, await server.link());
    await bothReceive(a, b);
    takeAddress(ADDRESS);
    t.after(() => {
      takeAddress('10.77.0.9');
      giveAddress(ADDRESS);
    });
    for (const visitor of [a, b])
      await visitor.until('says that the path is lost', async () => (await visitor.panel()).notice === 'path-lost');
    giveAddress('10.77.0.9');
    for (const visitor of [a, b])
      await visitor.until('has nothing to complain of', async () => (await visitor.panel()).notice === '');
    await bothReceive(a, b);
    await panelsAgree(a, b);
    for (const visitor of [a, b]) {
      assert.equal(await visitor.state(), 'in-call');
      assert.equal((await visitor.did()).peers, 1, 'the same peer connection');
    }
    await hangUp(a, b);
    for (const visitor of [a, b]) await visitor.close();
  });
}

test('the path is lost in the middle of a file, and it comes whole when there is another', PATIENT, async (t) => {
  const [a, b] = [await browsers.Chromium.visitor('A'), await browsers.Chromium.visitor('B')];
  await call(a, b, await server.link());
  await bothReceive(a, b);
  const path = join(world.folder, 'half.bin');
  writeFileSync(path, randomBytes(4 << 20));
  await hold(b);
  await offer(a, path);
  await act(b, 'half.bin', 'accept');
  await b.until('has a part of it', async () => (await fileIs(b, 'half.bin', 'moving')).progress > 0.2);
  takeAddress(ADDRESS);
  t.after(() => {
    takeAddress('10.77.0.9');
    giveAddress(ADDRESS);
  });
  for (const visitor of [a, b])
    await visitor.until('says that the path is lost', async () => (await visitor.panel()).notice === 'path-lost');
  await letGo(b);
  giveAddress('10.77.0.9');
  for (const visitor of [a, b]) await fileIs(visitor, 'half.bin', 'done');
  await b.until('has saved it', async () => (await b.did()).files.length === 1);
  assert.equal((await b.did()).files[0].sha256, createHash('sha256').update(readFileSync(path)).digest('hex'));
  assert.equal((await b.did()).peers, 1, 'the same peer connection');
  await hangUp(a, b);
  for (const visitor of [a, b]) await visitor.close();
});

for (const name of ['Chromium', 'Firefox']) {
  test(`${name}: what is written while the path is lost arrives, or both are told, and the call goes on`, PATIENT, async (t) => {
    const [a, b] = [await browsers[name].visitor('A'), await browsers.Chromium.visitor('B')];
    await call(a, b, await server.link());
    await bothReceive(a, b);
    await say(b, 'before');
    await reads(a, 'before');
    takeAddress(ADDRESS);
    t.after(() => {
      takeAddress('10.77.0.9');
      giveAddress(ADDRESS);
    });
    await a.until('says that the path is lost', async () => (await a.panel()).notice === 'path-lost');
    await say(a, 'into the void');
    giveAddress('10.77.0.9');
    for (const visitor of [a, b])
      await visitor.until('has nothing to complain of', async () => (await visitor.panel()).notice === '');
    await bothReceive(a, b);
    // Firefox gives the whole connection up when it was to send data through a device that is gone.
    const arrived = async () => (await lines(b)).some(({ text }) => text === 'into the void');
    const toldOf = async (visitor) => /may not have arrived/.test(await visitor.text('talk-list'));
    await b.until('has the line, or is told', async () => await arrived() || (name === 'Firefox' && await toldOf(b)));
    if (!await arrived()) await a.until('is told too', () => toldOf(a));
    for (const visitor of [a, b]) await visitor.reaches('in-call');
    await say(a, 'there again');
    await reads(b, 'there again');
    await panelsAgree(a, b);
    await hangUp(a, b);
    for (const visitor of [a, b]) await visitor.close();
  });
}

test('a path that stays lost is told as a lost connection, and the call is back when there is one', PATIENT, async (t) => {
  const [a, b] = [await browsers.Chromium.visitor('A'), await browsers.Chromium.visitor('B')];
  await call(a, b, await server.link());
  takeAddress(ADDRESS);
  let given = false;
  t.after(() => given || giveAddress(ADDRESS));
  for (const visitor of [a, b])
    await visitor.until('says what it is', async () => (await visitor.panel()).notice === 'connection-lost');
  assert.match(await a.text('notice'), /^The connection was lost\. Check your connection.*hang up and join again/);
  assert.equal(await a.state(), 'in-call');
  given = true;
  giveAddress(ADDRESS);
  for (const visitor of [a, b])
    await visitor.until('has nothing to complain of', async () => (await visitor.panel()).notice === '');
  await bothReceive(a, b);
  await hangUp(a, b);
  for (const visitor of [a, b]) await visitor.close();
});

test('a tab disappears without a word, and the other end waits for it', PATIENT, async () => {
  const [a, b] = [await browsers.Chromium.visitor('A'), await browsers.Chromium.visitor('B, who is gone')];
  await call(a, b, await server.link());
  await bothReceive(a, b);
  // What a crash leaves: no farewell, no close_notify, and a seat that is kept for half a minute.
  const session = await b.page.createCDPSession();
  void session.send('Page.crash').catch(() => {});
  const seen = await a.until('says that the path is lost', async () => (await a.panel()).notice === 'path-lost');
  assert.ok(seen);
  assert.equal(await a.state(), 'in-call', 'it may come back');
  await a.reaches('waiting peer-left');
  assert.equal(await a.text('cover-text'), 'The other end has left');
  assert.equal((await a.panel()).notice, '');
  await a.press('hangup');
  await a.reaches('ended hangup');
  await a.close();
});
