// Attack 15: a relay as a way into the networks that it stands in. coturn with docs/coturn.conf is asked for every
// special-purpose address, by a client with good credentials.

import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Turn } from './turn.mjs';
import { ADDRESS, coturn } from './world.mjs';

// The first and the last address of each block of IANA's registries of special-purpose addresses, and multicast.
const V4 = ['0.0.0.0', '0.0.0.1', '0.255.255.255', '10.0.0.0', '10.255.255.255', '100.64.0.0', '100.127.255.255',
  '127.0.0.0', '127.0.0.1', '127.255.255.255', '169.254.0.0', '169.254.169.254', '169.254.255.255', '172.16.0.0',
  '172.31.255.255', '192.0.0.0', '192.0.0.255', '192.0.2.0', '192.0.2.255', '192.31.196.0', '192.31.196.255',
  '192.52.193.0', '192.52.193.255', '192.88.99.0', '192.88.99.255', '192.168.0.0', '192.168.255.255', '192.175.48.0',
  '192.175.48.255', '198.18.0.0', '198.19.255.255', '198.51.100.0', '198.51.100.255', '203.0.113.0', '203.0.113.255',
  '224.0.0.0', '239.255.255.255', '240.0.0.0', '255.255.255.254', '255.255.255.255'];
const V6 = ['::', '::1', '64:ff9b::', '64:ff9b::a00:1', '64:ff9b:1::', '64:ff9b:1:ffff:ffff:ffff:ffff:ffff', '100::',
  '100::ffff:ffff:ffff:ffff', '100:0:0:1::', '2001::', '2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff', '2001:db8::',
  '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', '2002::', '2002:7f00:1::', '2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
  '2620:4f:8000::', '3fff::', '3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff', '5f00::', 'fc00::',
  'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'fe80::', 'fe80::1', 'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'ff00::', 'ff02::1'];

/** Neither a permission nor a channel; 0 would be a yes. */
async function refuses(turn, ip, number) {
  assert.notEqual(await turn.permit(ip), 0, `a permission for ${ip}`);
  assert.notEqual(await turn.bind(ip, 9, number), 0, `a channel to ${ip}`);
}

test('attack 15: no special-purpose IPv4 address is let through', async (t) => {
  await coturn(t);
  const turn = new Turn(t);
  await turn.allocate(4);
  for (const [i, ip] of V4.entries()) await refuses(turn, ip, 0x4000 + i);
  assert.equal(await turn.permit('198.51.101.2'), 0, 'an ordinary address is');
  assert.equal(await turn.permit(ADDRESS), 0, 'and the address that it relays from, for the other end of a call');
});

test('attack 15: no special-purpose IPv6 address, and no IPv4 address dressed as one', async (t) => {
  await coturn(t);
  const turn = new Turn(t);
  await turn.allocate(6);
  for (const [i, ip] of V6.entries()) await refuses(turn, ip, 0x4000 + i);
  for (const [i, ip] of V4.entries()) await refuses(turn, `::ffff:${ip}`, 0x4100 + i);
  for (const [i, ip] of V4.entries()) await refuses(turn, `::${ip}`, 0x4200 + i);
  assert.equal(await turn.permit('2400:cb00::2'), 0, 'an ordinary address is let through');
});

test('attack 15: nothing reaches a service on the relay’s own loopback, whatever it is called', async (t) => {
  await coturn(t);
  const heard = [];
  for (const [family, address] of [['udp4', '127.0.0.1'], ['udp6', '::1']]) {
    const service = createSocket(family);
    service.on('message', (bytes) => heard.push(bytes.toString()));
    t.after(() => service.close());
    await new Promise((done) => service.bind(7777, address, () => done(undefined)));
  }
  for (const [family, ips] of /** @type {[4 | 6, string[]][]} */ ([[4, ['127.0.0.1', '0.0.0.0', '127.1.2.3']],
    [6, ['::1', '::', '::ffff:127.0.0.1', '::127.0.0.1', '64:ff9b::7f00:1', '2002:7f00:1::']]])) {
    const turn = new Turn(t, `of${family}`);
    await turn.allocate(family);
    for (const ip of ips) {
      await turn.permit(ip);
      turn.send(ip, 7777, `to ${ip}`);
    }
    assert.notEqual(await turn.permit(ips[0]), 0); // everything before it has been handled
  }
  // The service is there, and hears what is sent to it in the open.
  const probe = createSocket('udp4');
  t.after(() => probe.close());
  for (let i = 0; i < 100 && !heard.includes('in the open'); i++) {
    probe.send('in the open', 7777, '127.0.0.1');
    await sleep(20);
  }
  assert.deepEqual([...new Set(heard)], ['in the open']);
});
