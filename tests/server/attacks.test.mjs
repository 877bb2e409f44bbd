// Attacks 9 and 25 on real sockets: TLS downgrade against the server, impostors against the command's client.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { SOTTO, Server, command, folder } from './harness.mjs';

const weak = { ciphers: 'ALL:@SECLEVEL=0' };

test('attack 9: TLS below 1.2, and 1.2 without ECDHE or AEAD, get no connection', async (t) => {
  const s = await Server.start(t);
  const got = async (options) => {
    const socket = await s.tls(options);
    const facts = `${socket.getProtocol()} ${socket.getCipher().name}`;
    socket.destroy();
    return facts;
  };
  assert.match(await got({}), /^TLSv1\.3 TLS_(AES_256_GCM|AES_128_GCM|CHACHA20)/);
  assert.match(await got({ maxVersion: 'TLSv1.2' }), /^TLSv1\.2 ECDHE-ECDSA-(AES\d+-GCM|CHACHA20)/);
  await assert.rejects(got({ ...weak, minVersion: 'TLSv1', maxVersion: 'TLSv1' }), /alert|protocol|version/i);
  await assert.rejects(got({ ...weak, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' }), /alert|protocol|version/i);
  for (const ciphers of ['ECDHE-ECDSA-AES128-SHA', 'ECDHE-ECDSA-AES256-SHA384', 'AES128-GCM-SHA256', 'DHE-RSA-AES128-GCM-SHA256'])
    await assert.rejects(got({ maxVersion: 'TLSv1.2', ciphers: `${ciphers}:@SECLEVEL=0` }), /alert|handshake/i, ciphers);
});

test('attack 9: only HTTP/1.1 is negotiated by ALPN, and there is no renegotiation and no ticket', async (t) => {
  const s = await Server.start(t);
  const both = await s.tls({ ALPNProtocols: ['h2', 'http/1.1'] });
  assert.equal(both.alpnProtocol, 'http/1.1');
  both.destroy();
  await assert.rejects(s.tls({ ALPNProtocols: ['h2'] }), /alert/i);
  const old = await s.tls({ maxVersion: 'TLSv1.2' });
  assert.equal(old.getTLSTicket(), undefined);
  const failed = await new Promise((done) => {
    old.on('error', () => {});
    old.renegotiate({ rejectUnauthorized: true }, (error) => done(error));
    old.on('close', () => done(new Error('closed')));
  });
  assert.ok(failed, 'renegotiation must fail');
  old.destroy();
});

test('attack 25: an impostor of each kind is refused, with the reason that fits', async (t) => {
  const dir = folder(t);
  execFileSync(join(dirname(SOTTO), 'tests', 'make_impostors'), [dir, 'localhost']);
  const kinds = readFileSync(join(dir, 'kinds.tsv'), 'utf8').trim().split('\n').map((line) => line.split('\t'));
  assert.ok(kinds.length >= 9);
  let refused = 0, honest = 0;
  for (const [kind, number, because] of kinds) {
    let said = 0;
    const server = https.createServer({ cert: readFileSync(join(dir, `${kind}.pem`)), key: readFileSync(join(dir, `${kind}.key`)), ...weak },
      (request, response) => { said++; response.end('hello'); });
    server.on('tlsClientError', () => {});
    await new Promise((ok) => server.listen(0, '127.0.0.1', ok));
    const { code, out, err } = await command(['page', 'verify', '--ca', join(dir, 'ca.pem'), `https://localhost:${server.address().port}`]);
    server.closeAllConnections?.();
    server.close();
    assert.equal(code, 1, kind);
    if (number === '0') {
      honest++;
      assert.ok(said > 0, `${kind} is honest: the client speaks to it`);
      assert.match(out, /DIFFERS/);
    } else {
      refused++;
      assert.equal(said, 0, `${kind}: nothing may be said to an impostor`);
      assert.ok(err.includes(because), `${kind}: "${because}" is not in: ${err}`);
    }
  }
  assert.ok(refused >= 8 && honest >= 1, `${refused} refused, ${honest} honest`);
});
