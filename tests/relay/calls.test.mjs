// Calls between two homes behind symmetric NATs, which only a relay lets meet: over UDP, TCP and TLS, with coturn as
// docs/coturn.conf sets it up.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADDRESS, Call, coturn, elsewhere, server } from './world.mjs';

const WAYS = {
  udp: `turn:${ADDRESS}:3478?transport=udp`,
  tcp: `turn:${ADDRESS}:3478?transport=tcp`,
  tls: `turns:${ADDRESS}:5349`,
};

const doorsOf = (report) => Object.fromEntries(report.doors.map((door) => [door.door, door]));

/** A call of some seconds. @returns {Promise<any[]>} what both ends' doors said at its end */
async function callOf(t, there, one, two) {
  const a = new Call(t, 'home-a', there, '--in', 'test', ...one);
  await a.event('state', (e) => e.state === 'waiting');
  const b = new Call(t, 'home-b', there, '--echo', '--duration', '3', ...two);
  assert.deepEqual(await Promise.all([a.code(), b.code()]), [0, 0], JSON.stringify([a.events, b.events]));
  const totals = a.events.find(({ event }) => event === 'totals');
  assert.ok(totals.sent > 100 && totals.received > 100, JSON.stringify(totals));
  assert.ok(totals.level > -30 && totals.level < 0, `the tone came back: ${totals.level} dBov`);
  for (const end of [a, b])
    assert.ok(!JSON.stringify(end.events.at(-1)).includes(ADDRESS), 'the report tells an address');
  return [a, b].map((end) => doorsOf(end.events.findLast(({ event }) => event === 'report').report));
}

for (const [way, url] of Object.entries(WAYS)) {
  test(`two homes behind symmetric NATs meet over ${way}`, async (t) => {
    const relay = await coturn(t);
    const there = await server(t, [url], [relay.ca]);
    elsewhere('home-a');
    elsewhere('home-b');
    const ends = await callOf(t, there, [], []);
    // The counter counts: with STUN each has an address that the other one tries.
    if (way === 'udp') assert.ok(elsewhere('home-a') > 0 && elsewhere('home-b') > 0);
    for (const doors of ends) {
      for (const [door, { state }] of Object.entries(doors)) assert.equal(state, door === 'person' ? 'pending' : 'held', door);
      assert.equal(doors.path.fields.kind, 'relayed');
    }
    assert.ok(ends.some((doors) => doors.path.fields.protocol === way && doors.path.fields.mine === 'through a relay'));
  });

  test(`attack 21: with --relay over ${way} no packet goes anywhere but to the relay`, async (t) => {
    const relay = await coturn(t);
    const there = await server(t, [url], [relay.ca]);
    elsewhere('home-a');
    elsewhere('home-b');
    const ends = await callOf(t, there, ['--relay'], ['--relay']);
    assert.deepEqual([elsewhere('home-a'), elsewhere('home-b')], [0, 0]);
    for (const doors of ends) {
      assert.equal(doors.path.fields.kind, 'relayed');
      assert.equal(doors.path.fields.mine, 'through a relay');
      assert.equal(doors.path.fields.theirs, 'through a relay');
      assert.equal(doors.path.fields.protocol, way);
    }
  });
}

test('one end asks for a relay only, and the other one, which does not, is kept from its address', async (t) => {
  const relay = await coturn(t);
  const there = await server(t, Object.values(WAYS), [relay.ca]);
  elsewhere('home-a');
  elsewhere('home-b');
  const [a] = await callOf(t, there, ['--relay'], []);
  assert.equal(a.path.fields.mine, 'through a relay');
  assert.equal(a.path.fields.protocol, 'udp', 'datagrams are preferred');
  assert.deepEqual([elsewhere('home-a'), elsewhere('home-b')], [0, 0], 'nobody has anything else to try');
});

test('without a relay there is no way between the two', async (t) => {
  await coturn(t); // for STUN
  const there = await server(t, []);
  const a = new Call(t, 'home-a', there, '--in', 'test');
  await a.event('state', (e) => e.state === 'waiting');
  const b = new Call(t, 'home-b', there);
  assert.deepEqual(await Promise.all([a.code(), b.code()]), [9, 9]);
});

test('a relay is asked for and the server has none: the call does not begin, and says why', async (t) => {
  const there = await server(t, []);
  const a = new Call(t, 'home-a', there, '--relay');
  assert.equal(await a.code(), 9);
  assert.ok(a.events.some((e) => e.event === 'state' && e.state === 'failed' && e.reason === 'no-relay'), JSON.stringify(a.events));
});

for (const [what, options, trusts, code] of [
  ['from a CA that nobody trusts', {}, false, 'relay-certificate'],
  ['for another name', { subject: 'DNS:elsewhere.example' }, true, 'relay-certificate'],
  ['that is right, and another secret', { secret: 'not the one of sotto serve' }, true, 'relay-credentials'],
]) {
  test(`a relay with a certificate ${what} is not used`, async (t) => {
    const relay = await coturn(t, options);
    const there = await server(t, [WAYS.tls], trusts ? [relay.ca] : []);
    const a = new Call(t, 'home-a', there, '--relay', '--in', 'test');
    await a.event('state', (e) => e.state === 'waiting');
    const b = new Call(t, 'home-b', there);
    const told = await a.event('relay');
    assert.equal(told.code, code, JSON.stringify(told));
    assert.ok(told.text.length > 40);
    assert.equal(await a.code(), 9);
    assert.ok(a.events.some((e) => e.event === 'state' && e.state === 'failed' && e.reason === code), JSON.stringify(a.events));
    const report = a.events.findLast(({ event }) => event === 'report').report;
    assert.match(JSON.stringify(report), /a relay is not used/);
    assert.ok(!JSON.stringify(report).includes(ADDRESS), 'the report tells an address');
    b.child.kill('SIGINT');
    await b.code();
  });
}

test('the relay stops in mid-call: the path is lost, and found again once it is back', async (t) => {
  const relay = await coturn(t);
  const there = await server(t, [WAYS.tcp], [relay.ca]);
  const a = new Call(t, 'home-a', there, '--in', 'test');
  await a.event('state', (e) => e.state === 'waiting');
  const b = new Call(t, 'home-b', there, '--echo');
  await Promise.all([a.event('open'), b.event('open')]);
  await relay.stop();
  await a.event('notice', (e) => e.notice === 'path-lost');
  await coturn(t);
  await Promise.all([a, b].map((end) => end.event('notice', (e) => e.notice === '')));
  a.child.kill('SIGINT');
  assert.deepEqual(await Promise.all([a.code(), b.code()]), [0, 0]);
});
