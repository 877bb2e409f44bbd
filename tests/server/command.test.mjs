// The command as a newcomer types it: link, page verify, help, mistakes.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import { Server, command } from './harness.mjs';

test('sotto link prints a fresh, whole link each time', async () => {
  const one = await command(['link', 'https://Call.Example:8443/']), two = await command(['link', 'https://call.example:8443']);
  assert.match(one.out, /^https:\/\/call\.example:8443\/#[A-Za-z0-9_-]{24}\n$/);
  assert.notEqual(one.out, two.out);
  assert.match((await command(['link', 'https://[::1]:8443'])).out, /^https:\/\/\[::1\]:8443\/#/);
  for (const bad of ['http://call.example', 'call.example', 'https://', 'https://a b', 'https://a/path', 'https://a:0', 'https://a:99999',
    'https://user@a', 'https://a?b']) {
    const { code, out, err } = await command(['link', bad]);
    assert.equal(code, 2, bad);
    assert.equal(out, '');
    assert.match(err, /must look like https:\/\/host/);
  }
});

test('an address with a secret in it is not repeated in an error', async () => {
  const { code, err } = await command(['link', 'http://call.example/#c2VjcmV0LXNlY3JldA']);
  assert.equal(code, 2);
  assert.ok(!err.includes('c2Vj'), err);
});

test('help and mistakes', async () => {
  const help = await command(['--help']);
  assert.equal(help.code, 0);
  for (const name of ['serve', 'link', 'ca', 'page']) {
    assert.ok(help.out.includes(`sotto ${name}`), name);
    const own = await command([name, '--help']);
    assert.equal(own.code, 0, name);
    assert.match(own.out, /^usage: sotto /, name);
  }
  assert.equal((await command([])).code, 2);
  const wrong = await command(['dance']);
  assert.equal(wrong.code, 2);
  assert.match(wrong.err, /no command "dance"/);
  assert.match((await command(['--version'])).out, /^sotto \d/);
  assert.equal((await command(['page'])).code, 2);
  assert.equal((await command(['page', 'verify'])).code, 2);
  assert.equal((await command(['page', 'verify', 'ftp://x'])).code, 2);
});

test('page verify: equal, unreachable, another page', async (t) => {
  const s = await Server.start(t);
  const ca = join(s.state, 'ca.pem');
  const equal = await command(['page', 'verify', '--ca', ca, s.url]);
  assert.equal(equal.code, 0, equal.out + equal.err);
  assert.match(equal.out, /All \d+ files and their headers are those of Sotto/);
  const json = JSON.parse((await command(['page', 'verify', '--json', '--ca', ca, s.url])).out);
  assert.equal(json.equal, true);
  assert.ok(json.files.some((f) => f.target === '/' && f.equal));
  const untrusted = await command(['page', 'verify', s.url]);
  assert.equal(untrusted.code, 1);
  assert.match(untrusted.err, /CA that this machine does not trust; pass --ca FILE/);
  const named = await command(['page', 'verify', '--ca', ca, '--connect', '127.0.0.1', `https://other.example:${s.port}`]);
  assert.equal(named.code, 1);
  assert.match(named.err, /other\.example/);

  // The same page from a host that changed one byte of one file, and from one that dropped a header.
  const get = (path) => new Promise((ok) => https.get(`${s.url}${path}`, { ca: readFileSync(ca), family: 4 }, (r) => {
    const parts = [];
    r.on('data', (d) => parts.push(d));
    r.on('end', () => ok({ headers: r.headers, body: Buffer.concat(parts) }));
  }));
  for (const evil of ['byte', 'header', 'refresh', 'none']) {
    const mirror = https.createServer({ cert: readFileSync(join(s.state, 'server.pem')), key: readFileSync(join(s.state, 'server.key')) },
      async (request, response) => {
        const { headers, body } = await get(request.url);
        headers['content-security-policy'] = headers['content-security-policy'].replaceAll(String(s.port), String(mirror.address().port));
        if (evil === 'byte' && request.url === '/seal.js') body[100] ^= 1;
        if (evil === 'refresh') headers.refresh = '0;url=https://evil.example/';
        if (evil === 'header') delete headers['x-content-type-options'];
        delete headers['transfer-encoding'];
        response.writeHead(200, headers).end(body);
      });
    await new Promise((ok) => mirror.listen(0, '127.0.0.1', ok));
    const { code, out } = await command(['page', 'verify', '--ca', ca, `https://localhost:${mirror.address().port}`]);
    mirror.closeAllConnections?.();
    mirror.close();
    assert.equal(code, evil === 'none' ? 0 : 1, `${evil}: ${out}`);
    if (evil === 'byte') assert.match(out, /DIFFERS {2}\/seal\.js: SHA-256/);
    if (evil === 'refresh') assert.match(out, /adds the header refresh/i);
    if (evil === 'header') assert.match(out, /header X-Content-Type-Options/);
  }
  await s.stop();
  const gone = await command(['page', 'verify', '--ca', ca, s.url]);
  assert.equal(gone.code, 1);
  assert.match(gone.err, /can't connect to localhost port \d+/);
});

test('the page is light', async () => {
  const { out } = await command(['page', 'list']);
  const names = out.trim().split('\n').map((line) => line.split(/\s+/)[1]);
  assert.ok(names.includes('/') && names.includes('/app.js'));
  const total = names.reduce((sum, n) => sum + readFileSync(join('web', n === '/' ? 'index.html' : n)).length, 0);
  // 150,000 were enough for calls alone; the rest is messages, files, comparing and known people.
  assert.ok(total < 300_000, `${total} bytes`);
});
