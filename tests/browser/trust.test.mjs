// Who is at the other end: pictures that two people compare, and keys by which they know each other again.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PATIENT, World } from './harness.mjs';
import { bothReceive, call, hangUp, panelsAgree } from './pairs.mjs';
import { Visitor } from './visitor.mjs';
import { alarm, chooses, importsFile, knows, nothingCameIn, person, pictures, remembers, says } from './trust.mjs';

const world = new World();
let server, browsers;

before(async () => {
  server = await world.server();
  browsers = { Chromium: await world.chromium(server), Firefox: await world.firefox(server) };
}, PATIENT);
after(() => world.close());

const WAYS = [['Chromium', 'Firefox'], ['Firefox', 'Chromium']];
const both = async (first, last) => [await browsers[first].visitor('A'), await browsers[last].visitor('B')];

async function leave(...visitors) {
  for (const visitor of visitors) {
    await visitor.isClean(server.url);
    await visitor.close();
  }
}

/** A call after which `a` knows `b` as Ann. @returns {Promise<string>} the link */
async function acquaint(a, b) {
  const link = await server.link();
  await call(a, b, link);
  await remembers(a, 'Ann');
  await hangUp(a, b);
  for (const visitor of [a, b]) await visitor.startOver();
  return link;
}

/** `a` waits with a link and meets an alarm when the other one comes. */
async function alarmed(a, other, link) {
  await a.join(link);
  await a.reaches('waiting');
  await other.join(link);
  const shown = await alarm(a);
  await other.reaches('in-call');
  await other.until('sends', async () => (await other.stats()).packetsSent > 10);
  await nothingCameIn(a);
  return shown;
}

for (const [first, last] of WAYS) {
  test(`${last} calls ${first}: both see the same, compare, are remembered and known again`, PATIENT, async () => {
    const [a, b] = await both(first, last);
    const link = await server.link();
    await call(a, b, link);
    await bothReceive(a, b);
    const seen = await pictures(a);
    assert.deepEqual(seen, await pictures(b));
    await panelsAgree(a, b);
    const { key } = (await person(a)).fields;
    assert.match(key, /^[\w-]{43}$/);

    await says(a, 'same');
    await a.until('is told that it is compared', async () => (await a.panel()).text === 'Encrypted, compared by you');
    assert.equal((await b.panel()).text, 'Encrypted, not compared', 'what people answer stays at their own end');
    await remembers(a, 'Ann');
    await hangUp(a, b);
    for (const visitor of [a, b]) await visitor.startOver();

    // With another link nobody is expected, and with the same one she is.
    for (const [again, how] of [[await server.link(), 'another link'], [link, 'the same link']]) {
      await call(a, b, again);
      await bothReceive(a, b);
      const panel = await a.panel();
      assert.equal(panel.text, 'Encrypted, with Ann', how);
      assert.match(panel.detail, /known? as Ann since .*, compared by you on /);
      const { state, fields } = panel.doors.person;
      assert.deepEqual([state, fields.identity, fields.name, fields.key], ['held', 'known', 'Ann', key], how);
      assert.equal((await person(b)).fields.name, 'not reported: you gave this key no name');
      assert.notDeepEqual(await pictures(a), seen, 'each association has pictures of its own');
      await hangUp(b, a);
      for (const visitor of [a, b]) await visitor.startOver();
    }
    await leave(a, b);
  });

  test(`${last} calls ${first}: "Different" ends the call at both ends`, PATIENT, async () => {
    const [a, b] = await both(first, last);
    await call(a, b, await server.link());
    await says(a, 'different');
    await a.reaches('failed sas-different');
    await b.reaches('failed peer-refused');
    assert.match(await b.text('over-text'), /It said: sas-different/);
    assert.deepEqual([(await person(a)).state, (await a.panel()).over], ['failed', 'The pictures are different']);
    await leave(a, b);
  });

  test(`${last} comes to ${first} with another key on the same link: an alarm stands in the way`, PATIENT, async () => {
    const [a, b] = await both(first, last);
    const link = await acquaint(a, b);
    const eve = await browsers[last].visitor('Eve');

    const shown = await alarmed(a, eve, link);
    assert.deepEqual([shown.title, shown.focus, shown.canTake], ['This is not the key of Ann', 'alarm-hangup', true]);
    assert.deepEqual(shown.pictures, await pictures(eve));
    assert.equal(await a.state(), 'connecting');
    assert.equal((await a.panel()).verdict, 'checking');
    await a.press('alarm-hangup');
    await a.reaches('failed identity-alarm');
    await eve.reaches('failed peer-refused');
    await a.sentNoMedia();
    for (const visitor of [a, eve]) await visitor.startOver();

    await alarmed(a, eve, link);
    await a.press('alarm-go-on');
    await a.reaches('in-call');
    await bothReceive(a, eve);
    assert.equal((await a.panel()).text, 'Encrypted, and not shown to be Ann');
    assert.match((await person(a)).fields.identity, /^changed/);
    await hangUp(a, eve);
    for (const visitor of [a, eve]) await visitor.startOver();

    // It was for once: the next time the alarm is there again, and now the key is taken.
    await alarmed(a, eve, link);
    await a.press('alarm-take');
    await a.reaches('in-call');
    await a.until('knows the new key', async () => (await a.panel()).text === 'Encrypted, with Ann');
    assert.equal((await person(a)).fields.compared, 'no');
    await hangUp(a, eve);
    for (const visitor of [a, eve]) await visitor.startOver();
    await call(a, eve, link);
    assert.equal((await a.panel()).text, 'Encrypted, with Ann');
    await hangUp(a, eve);
    await leave(a, b, eve);
  });

  test(`${last} in a private call with ${first} is recognised by nobody, and a reload gives nothing away`, PATIENT, async () => {
    const [a, b] = await both(first, last);
    await acquaint(a, b);
    const known = (await knows(a, server.url))[0].key;
    await a.startOver();
    const link = await server.link();
    await a.join(link);
    await a.reaches('waiting');
    await b.open(link);
    await b.reaches('prejoin');
    await b.press('private-call');
    await b.press('join');
    await Promise.all([a.reaches('in-call'), b.reaches('in-call')]);
    const identified = async () => {
      await a.until('has an introduction', async () => /^unknown/.test((await person(a)).fields.identity));
      return (await person(a)).fields.key;
    };
    const passing = await identified();
    assert.notEqual(passing, known);
    await b.page.reload();
    await b.reaches('in-call');
    await a.until('meets another key', async () => ![passing, 'not'].includes((await identified()).split(' ')[0]));
    assert.notEqual((await person(a)).fields.key, known);
    await hangUp(b, a);
    await leave(a, b);
  });

  test(`${first} expects the one who was chosen, also after a reload, and ${last} is somebody else`, PATIENT, async () => {
    const [a, b] = await both(first, last);
    await acquaint(a, b);
    const link = await server.link();
    await a.open(link);
    await a.reaches('prejoin');
    await chooses(a, 'Ann');
    await a.press('join');
    await a.reaches('waiting');
    await a.page.reload();
    await a.reaches('waiting');
    const eve = await browsers[last].visitor('Eve');
    await eve.join(link, { media: false });
    assert.equal((await alarm(a)).title, 'This is not the key of Ann');
    await a.press('alarm-hangup');
    await a.reaches('failed identity-alarm');
    for (const visitor of [a, eve]) await visitor.startOver();

    await a.open(link);
    await a.reaches('prejoin');
    await chooses(a, 'Ann');
    await a.press('join');
    await a.reaches('waiting');
    await b.join(link, { media: false });
    await a.reaches('in-call');
    assert.equal((await a.panel()).text, 'Encrypted, with Ann');
    await hangUp(b, a);
    await leave(a, b, eve);
  });
}

for (const name of ['Chromium', 'Firefox']) {
  test(`${name}: who says nothing of itself is no stranger to be let in, where somebody is expected`, PATIENT, async () => {
    const [a, b] = await both(name, name);
    const link = await acquaint(a, b);
    // The very one who is expected, by whom nothing is said on this channel.
    await b.page.evaluateOnNewDocument(() => {
      const { send } = RTCDataChannel.prototype;
      RTCDataChannel.prototype.send = function (data) {
        if (this.label !== 'trust') send.call(this, data);
      };
    });
    const shown = await alarmed(a, b, link);
    assert.deepEqual([shown.title, shown.canTake, shown.pictures], ['Nobody said to be Ann', false, []]);
    // However the box is closed, it is not closed in favour of a stranger.
    await a.page.evaluate(() => document.getElementById('alarm-dialog').close());
    await a.reaches('failed identity-alarm');
    await a.sentNoMedia();
    await leave(a, b);
  });

  test(`${name}: a key that can't be kept is not taken, and whom one has spoken with is remembered after the call`, PATIENT, async () => {
    const [a, b] = await both(name, name);
    const link = await acquaint(a, b);
    const eve = await browsers[name].visitor('Eve');
    await alarmed(a, eve, link);
    await a.page.evaluate(() => {
      IDBObjectStore.prototype.put = () => { throw new DOMException('for a test', 'QuotaExceededError'); };
    });
    await a.press('alarm-take');
    await a.until('is told', async () => /^This browser keeps nothing/.test(await a.text('alarm-error')));
    await nothingCameIn(a);
    await a.press('alarm-hangup');
    await eve.reaches('failed peer-refused');
    for (const visitor of [a, eve]) await visitor.startOver();

    await call(a, eve, await server.link());
    await a.until('has an introduction', async () => /^unknown/.test((await person(a)).fields.identity));
    await hangUp(eve, a);
    await a.page.type('#remember-name', 'Eve');
    await a.press('remember-save');
    await a.until('has done so', () => a.page.evaluate(() => document.getElementById('remember').hidden));
    assert.deepEqual((await knows(a, server.url)).map((one) => one.name), ['Ann', 'Eve']);
    await leave(a, b, eve);
  });

  test(`${name}: two tabs of one browser can call each other`, PATIENT, async () => {
    const a = await browsers[name].visitor('A');
    const b = new Visitor('B', name, a.context, await a.context.newPage({ type: 'window' }));
    await b.prepare();
    await call(a, b, await server.link());
    await bothReceive(a, b);
    assert.deepEqual(await pictures(a), await pictures(b));
    await panelsAgree(a, b);
    assert.equal((await person(a)).fields.key, (await person(b)).fields.key, 'both have the key of the browser');
    await hangUp(b, a);
    await b.isClean(server.url);
    await leave(a);
  });

  test(`${name}: where nothing can be kept, a call goes on with a key of its own`, PATIENT, async () => {
    const [a, b] = await both(name, name);
    await a.page.evaluateOnNewDocument(() => {
      IDBFactory.prototype.open = () => { throw new DOMException('for a test', 'SecurityError'); };
    });
    const link = await server.link();
    await call(a, b, link);
    await bothReceive(a, b);
    assert.deepEqual(await pictures(a), await pictures(b));
    const key = (await person(b)).fields.key;
    assert.match(key, /^[\w-]{43}$/);
    assert.equal(await a.page.evaluate(() => document.getElementById('remember').hidden), true);
    assert.equal(await a.page.evaluate(() => document.getElementById('keyring-note').hidden), false);
    await hangUp(a, b);
    for (const visitor of [a, b]) await visitor.startOver();
    await call(a, b, link);
    await pictures(b);
    assert.notEqual((await person(b)).fields.key, key);
    await hangUp(a, b);
    await leave(a, b);
  });

  test(`${name}: the list of known people is exported, imported, renamed and forgotten`, PATIENT, async () => {
    const [a, b] = await both(name, name);
    await acquaint(a, b);
    const [{ key }] = await knows(a, server.url);
    await a.press('people-export');
    const text = await a.until('has a file', async () => (await a.did()).saved.at(-1));
    const { sotto, version, peers } = JSON.parse(text);
    assert.deepEqual([sotto, version, peers.map((peer) => [peer.name, peer.key, peer.links.length])], ['known peers', 1, [['Ann', key, 1]]]);

    assert.deepEqual(await knows(b, server.url), []);
    await importsFile(b, text);
    await b.until('has the list', async () => (await b.page.$$('#people-list li')).length === 1);
    await b.press('people-close');
    assert.deepEqual(await knows(b, server.url), [{ name: 'Ann', key }]);
    for (const [file, words] of [
      ['{}', /^This is no file of known people\./],
      [JSON.stringify({ sotto, version, peers: [{ ...peers[0], key: 'x'.repeat(42) + 'A' }] }), /^You know somebody else as “Ann”/],
    ]) {
      await importsFile(b, file);
      await b.until('is told why not', async () => words.test(await b.text('people-error')));
    }

    await b.page.click('#people-list [data-act=rename]');
    await b.page.keyboard.type('Anna');
    await b.page.keyboard.press('Enter');
    await b.until('has the new name', () => b.page.evaluate(() => document.querySelector('.person-name')?.textContent === 'Anna'));
    await b.page.click('#people-list [data-act=forget]');
    assert.equal((await b.page.$$('#people-list li')).length, 1, 'it is asked first');
    await b.page.click('#people-list [data-act=forget]');
    await b.until('has forgotten', async () => (await b.page.$$('#people-list li')).length === 0);
    await leave(a, b);
  });
}

test('what was compared holds as long as the connection, over a lost server too, and no longer', PATIENT, async () => {
  const own = await world.server();
  const [chromium, firefox] = [await world.chromium(own), await world.firefox(own)];
  const [a, b] = [await chromium.visitor('A'), await firefox.visitor('B')];
  await call(a, b, await own.link());
  const seen = await pictures(a);
  await says(a, 'same');
  const said = (await a.did()).dataSent;
  await own.kill();
  await own.start();
  for (const visitor of [a, b]) {
    await visitor.until('is in a new epoch', async () => (await visitor.panel()).doors.seal.fields.epoch === '2');
  }
  assert.equal((await a.panel()).text, 'Encrypted, compared by you');
  assert.deepEqual([(await a.did()).dataSent, await pictures(a)], [said, seen], 'nothing is run again');

  await b.page.reload();
  await a.until('is in a new call', async () => (await a.panel()).text === 'Encrypted, not compared');
  await a.until('has other pictures', async () => JSON.stringify(await pictures(a)) !== JSON.stringify(seen));
  assert.deepEqual(await pictures(a), await pictures(b));
  await hangUp(a, b);
  for (const browser of [chromium, firefox]) await browser.close();
});
