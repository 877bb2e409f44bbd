// Who is at the other end of `sotto call`: compared, remembered, recognised, and alarms.

import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Call, linkOf } from './call.mjs';
import { command, folder, Server } from './harness.mjs';

async function meeting(t) {
  const server = await Server.start(t);
  const states = Object.fromEntries(['ann', 'bob', 'eve'].map((name) => [name, join(folder(t), 'state')]));
  return { server, link: await linkOf(server), states };
}

const call = (t, { server, link, states }, who, ...args) => new Call(t, server, link, '--state', states[who], ...args);
const known = async (state) => JSON.parse((await command(['peers', 'list', '--json', '--state', state])).out).peers;
const string = (end) => end.event('person', (e) => e.string);

/** A report's door. */
const person = ({ report }) => report.doors.find(({ door }) => door === 'person');

/** A first call, in which Ann remembers Bob; both compared. */
async function introduce(t, place) {
  const ann = call(t, place, 'ann', '--sas', '--remember', 'Bob');
  const bob = call(t, place, 'bob', '--sas');
  const [hers, his] = await Promise.all([string(ann), string(bob)]);
  assert.deepEqual(hers.string, his.string);
  ann.child.stdin.write('y\n');
  bob.child.stdin.write('y\n');
  await Promise.all([ann.event('open'), bob.event('open')]);
  await ann.event('person', (e) => e.name === 'Bob' && e.compared);
  return { ann, bob };
}

async function end(...calls) {
  calls[0].child.kill('SIGINT');
  return Promise.all(calls.map((one) => one.code()));
}

test('from unknown over compared to known', async (t) => {
  const place = await meeting(t);
  const { ann, bob } = await introduce(t, place);
  assert.deepEqual(await end(ann, bob), [0, 0]);
  const [first] = ann.events.filter((e) => e.event === 'person' && e.identity);
  assert.equal(first.identity, 'unknown');
  assert.equal(first.name, null);
  assert.equal(person(await ann.event('report')).state, 'held');
  assert.equal((await ann.event('report')).report.compared_by_people, true);
  const [pin] = await known(place.states.ann);
  assert.equal(pin.name, 'Bob');
  assert.equal(pin.key, first.key);
  assert.ok(pin.compared, 'and when they compared is kept');
  assert.deepEqual(await known(place.states.bob), []);

  // Over the same link Bob is expected; over another one he is recognised.
  for (const link of [place.link, await linkOf(place.server)]) {
    const [again, he] = ['ann', 'bob'].map((who) => call(t, { ...place, link }, who));
    const open = await again.event('open');
    const met = await again.event('person', (e) => e.identity);
    assert.deepEqual([met.identity, met.name, met.alarm], ['known', 'Bob', false]);
    assert.equal(met.expected, link === place.link ? 'Bob' : null);
    if (link === place.link) assert.match(open.report.verdict.text, /^Encrypted, with Bob$/);
    assert.deepEqual(await end(again, he), [0, 0]);
    const door = person(await again.event('report'));
    assert.equal(door.state, 'held');
    assert.match(door.fields.compared, /^not in this call; by you on 20/);
    assert.equal(door.fields.name, 'Bob');
  }
});

test('another key over a known link: an alarm, nothing goes out, and nobody there to let it in', async (t) => {
  const place = await meeting(t);
  const { ann, bob } = await introduce(t, place);
  await end(ann, bob);
  for (const [who, options, identity] of [['eve', [], 'changed'], ['bob', ['--private'], 'changed']]) {
    const hers = call(t, place, 'ann', '--in', 'test');
    const theirs = call(t, place, who, ...options);
    const met = await hers.event('person', (e) => e.alarm);
    assert.equal(met.identity, identity);
    assert.equal(met.expected, 'Bob');
    assert.equal(await hers.code(), 11);
    assert.equal(await theirs.code(), 10);
    assert.ok(!hers.events.some((e) => e.event === 'open'), 'the call was never open');
    assert.equal((await theirs.event('totals')).received, 0);
    assert.equal((await hers.event('report')).report.verdict.reason, 'identity-alarm');
  }
  assert.equal((await known(place.states.ann)).length, 1);
});

test('who sits there decides: go on this once, or take the new key', async (t) => {
  const place = await meeting(t);
  const { ann, bob } = await introduce(t, place);
  await end(ann, bob);
  const before = (await known(place.states.ann))[0].key;
  for (const answer of ['y', 't']) {
    const hers = call(t, place, 'ann', '--sas');
    const theirs = call(t, place, 'eve', '--in', 'test');
    await hers.event('person', (e) => e.alarm && e.string);
    hers.child.stdin.write(`${answer}\n`);
    await hers.event('person', (e) => !e.alarm && e.identity);
    hers.child.stdin.write('y\n');
    const { report } = await hers.event('open');
    assert.match(report.verdict.text, answer === 'y' ? /^Encrypted, compared by you$/ : /^Encrypted, with Bob$/);
    assert.deepEqual(await end(hers, theirs), [0, 0]);
    const [pin] = await known(place.states.ann);
    assert.equal(pin.name, 'Bob');
    assert.equal(pin.key === before, answer === 'y');
  }
});

test('different ends the call at both ends', async (t) => {
  const place = await meeting(t);
  const ann = call(t, place, 'ann', '--sas', '--in', 'test');
  const bob = call(t, place, 'bob');
  await string(ann);
  ann.child.stdin.write('n\n');
  assert.deepEqual(await Promise.all([ann.code(), bob.code()]), [11, 10]);
  assert.equal((await ann.event('report')).report.verdict.reason, 'sas-different');
  assert.equal((await bob.event('totals')).received, 0);
});

test('somebody else whom one knows is an alarm too, and a name that nobody has is said at once', async (t) => {
  const place = await meeting(t);
  const { ann, bob } = await introduce(t, place);
  await end(ann, bob);
  const elsewhere = { ...place, link: await linkOf(place.server) };
  const [first, eve] = [call(t, elsewhere, 'ann', '--remember', 'Eve'), call(t, elsewhere, 'eve')];
  await first.event('person', (e) => e.name === 'Eve');
  await end(first, eve);
  const third = { ...place, link: await linkOf(place.server) };
  const [hers, theirs] = [call(t, third, 'ann', '--expect', 'Bob'), call(t, third, 'eve')];
  const met = await hers.event('person', (e) => e.alarm);
  assert.deepEqual([met.identity, met.name, met.expected], ['other', 'Eve', 'Bob']);
  assert.deepEqual(await Promise.all([hers.code(), theirs.code()]), [11, 10]);
  const nobody = await command(['call', '--ca', place.server.listening.ca, '--state', place.states.ann, '--expect', 'Zoe', place.link]);
  assert.equal(nobody.code, 1);
  assert.match(nobody.err, /you know nobody as Zoe/);
});

test('a list that others can write is not believed, and a private call leaves no key behind', async (t) => {
  const place = await meeting(t);
  const { ann, bob } = await introduce(t, place);
  await end(ann, bob);
  chmodSync(join(place.states.ann, 'peers.json'), 0o620);
  const refused = await command(['call', '--ca', place.server.listening.ca, '--state', place.states.ann, place.link]);
  assert.equal(refused.code, 1);
  assert.match(refused.err, /peers\.json/);
  const [eve, he] = [call(t, place, 'eve', '--private'), call(t, place, 'bob')];
  const { key } = await he.event('person', (e) => e.key);
  await end(he, eve);
  assert.ok(!existsSync(join(place.states.eve, 'identity.pem')));
  assert.ok(!readFileSync(join(place.states.bob, 'identity.pem'), 'utf8').includes(key));
});
