// `sotto serve` as a program: start, stop, options, certificates and their reload, drain, resume, logs.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { Client, Server, command, folder, freshRoom, readAll, within } from './harness.mjs';

test('the first line on stdout says where it listens, and the CA that it names is trusted', async (t) => {
  const s = await Server.start(t);
  assert.equal(s.events[0].event, 'listening');
  assert.equal(s.events[0].url, s.url);
  assert.match(s.events[0].ca_sha256, /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  const socket = await s.tls();
  assert.equal(socket.authorized, true);
  assert.equal(socket.getProtocol(), 'TLSv1.3');
  socket.destroy();
  const { code } = await s.stop();
  assert.equal(code, 0);
});

test('a second start finds CA and certificate as they were', async (t) => {
  const state = folder(t);
  const first = await Server.start(t, [], { state });
  await first.stop('SIGINT');
  const second = await Server.start(t, [], { state });
  assert.equal(second.listening.ca_sha256, first.listening.ca_sha256);
  assert.equal(second.listening.certificate_ends, first.listening.certificate_ends);
  assert.equal(statSync(join(state, 'ca.key')).mode & 0o777, 0o600);
  assert.equal(statSync(join(state, 'server.key')).mode & 0o777, 0o600);
  assert.equal(statSync(state).mode & 0o777, 0o700);
});

test('several listeners, IPv6 among them', async (t) => {
  const s = await Server.start(t, ['--listen', '[::1]:0']);
  assert.equal(s.listening.listen.length, 2);
  const port = Number(/:(\d+)$/.exec(s.listening.listen[1])[1]);
  const socket = await s.tls({ host: '::1', port });
  assert.equal(socket.authorized, true);
  socket.destroy();
});

test('every answer carries the headers, and nothing but page, health and upgrade is served', async (t) => {
  const s = await Server.start(t);
  const page = await s.get('/');
  assert.equal(page.status, 200);
  assert.match(page.body, /<script type="module" src="app.js">/);
  const missing = await s.get('/nothing');
  assert.equal(missing.status, 404);
  for (const { head } of [page, missing, await s.get('/healthz'), await s.get('/signal')]) {
    assert.match(head, /Content-Security-Policy: default-src 'none'; script-src 'self'/);
    assert.doesNotMatch(head, /unsafe|http:|\*/);
    assert.match(head, /Content-Security-Policy: [^\r]*; frame-ancestors 'none'/);
    assert.match(head, /Permissions-Policy: /);
    assert.match(head, /Referrer-Policy: no-referrer/);
    assert.match(head, /X-Content-Type-Options: nosniff/);
    assert.match(head, /Cross-Origin-Opener-Policy: same-origin/);
    assert.doesNotMatch(head, /Strict-Transport|Set-Cookie/);
  }
  const health = JSON.parse((await s.get('/healthz')).body);
  assert.deepEqual(health.protocols, ['sotto.v1']);
});

test('HSTS is sent for a public name', async (t) => {
  const s = await Server.start(t, ['--public-url', 'https://call.example']);
  assert.equal(s.listening.url, 'https://call.example');
  const { head } = await s.http('GET / HTTP/1.1\r\nHost: call.example\r\nConnection: close\r\n\r\n');
  assert.match(head, /Strict-Transport-Security: max-age=\d{7,}/);
  assert.doesNotMatch((await s.get('/')).head, /Strict-Transport/, 'the same server under its loopback name');
});

test('--http redirects and does nothing else', async (t) => {
  const s = await Server.start(t, ['--http', '127.0.0.1:0', '--public-url', 'https://call.example']);
  const ask = async (text) => {
    const socket = net.connect(s.listening.http_port, '127.0.0.1');
    socket.end(text);
    return within(readAll(socket), 'the redirect');
  };
  const answer = await ask('GET /x?y HTTP/1.1\r\nHost: call.example\r\n\r\n');
  assert.match(answer, /^HTTP\/1.1 308 Permanent Redirect\r\n/);
  assert.match(answer, /\r\nLocation: https:\/\/call\.example\/x\?y\r\n/);
  assert.doesNotMatch(answer, /<script/);
  assert.match(await ask('rubbish\r\n\r\n'), /^HTTP\/1.1 400 /);
  assert.match(await ask(`GET /${'a'.repeat(20000)} HTTP/1.1\r\n\r\n`), /^HTTP\/1.1 4(14|31) /);
  // The page's headers go along, but for HSTS, which counts only where it came over TLS (RFC 6797 §7.2).
  for (const sent of [answer, await ask('rubbish\r\n\r\n')]) {
    assert.match(sent, /\r\nContent-Security-Policy: [^\r]*frame-ancestors 'none'/);
    assert.match(sent, /\r\nX-Content-Type-Options: nosniff\r\n/);
    assert.doesNotMatch(sent, /Strict-Transport-Security/i);
    assert.equal(sent.match(/\r\nConnection: close\r\n/g).length, 1);
  }
  assert.match(await ask('GET //evil.example/ HTTP/1.1\r\nHost: a\r\n\r\n'), /\r\nLocation: https:\/\/call\.example\/\/evil/);
});

test('options: command line before environment before file; mistakes are named', async (t) => {
  const dir = folder(t);
  const config = join(dir, 'sotto.conf');
  writeFileSync(config, '# a comment\nmessage-rate = 7\nmax-message = 32768 # another\npublic-url = https://file.example\njson\n');
  const s = await Server.start(t, ['--config', config, '--message-rate', '9'], { env: { SOTTO_PUBLIC_URL: 'https://env.example' } });
  assert.equal(s.listening.url, 'https://env.example');
  const c = await s.client();
  const welcome = await c.join(freshRoom());
  assert.deepEqual(welcome.limits, { message: 32768, rate: 9 });
  for (const [args, what] of [[['--no-such'], /no option --no-such/], [['--listen'], /needs a value/], [['x'], /not an option/],
    [['--message-rate', 'many'], /whole number/], [['--message-rate', '0'], /from 1/], [['--listen', 'localhost:1'], /address and a port/],
    [['--message-rate', '0x10'], /whole number/], [['--message-rate', '1e2'], /whole number/], [['--join-timeout', '0x1p3'], /number of seconds/],
    [['--origin', 'partner.example'], /origin: "partner\.example" must look like https:\/\/host/], [['--origin', 'https://a.example/path'], /origin: /],
    [['--origin', '*'], /origin: /], [['--public-url', 'http://x'], /https:\/\/host/], [['--log-level', 'loud'], /debug, info, warn or error/],
    [['--turn', 'turn:x'], /turn-secret-file/], [['--ice-server', 'http://x'], /stun:/], [['--cert', config], /--key is missing/]]) {
    const { code, err } = await command(['serve', '--state', dir, '--listen', '127.0.0.1:0', ...args]);
    assert.equal(code, 2, `${args}: ${err}`);
    assert.match(err, what);
  }
  // A comment begins a line or comes after white space; anywhere else '#' belongs to the value.
  writeFileSync(config, '# a comment\n  # another\nlog-level = a#b # and one more\n');
  assert.match((await command(['serve', '--state', dir, '--listen', '127.0.0.1:0', '--config', config])).err, /"a#b"/);
  writeFileSync(config, 'no-such = 1\n');
  const bad = await command(['serve', '--config', config]);
  assert.equal(bad.code, 2);
  assert.match(bad.err, /line 1: there is no option "no-such"/);
  const help = await command(['serve', '--help']);
  assert.equal(help.code, 0);
  for (const name of ['--listen', '--public-url', '--http', '--cert', '--key', '--origin', '--turn-secret-file', '--json', '--config'])
    assert.ok(help.out.includes(name), name);
  assert.match((await command(['serve', '--version'])).out, /^sotto \d+\.\d+\.\d+\n$/);
});

test('the port without TLS has limits of its own, each an option', async (t) => {
  const visit = (s) => {
    const socket = net.connect(s.listening.http_port, '127.0.0.1');
    return { there: new Promise((done) => socket.once('connect', done)), gone: new Promise((done) => socket.once('close', done)), socket };
  };
  const narrow = await Server.start(t, ['--http', '127.0.0.1:0', '--http-connections', '1', '--http-timeout', '3600']);
  const first = visit(narrow);
  await first.there;
  const second = visit(narrow);
  await within(first.gone, 'the first to go for the second');
  second.socket.destroy();
  const hasty = await Server.start(t, ['--http', '127.0.0.1:0', '--http-timeout', '0.1']);
  await within(visit(hasty).gone, 'the end of a silent visit', 4000);
});

test('an added origin may open the signaling, however it was written', async (t) => {
  const s = await Server.start(t, ['--origin', 'https://Partner.Example:443/']);
  const upgrade = async (origin) => {
    const socket = await s.tls();
    socket.write(`GET /signal HTTP/1.1\r\nHost: localhost\r\nOrigin: ${origin}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n`
      + 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: sotto.v1\r\n\r\n');
    const data = await within(new Promise((done) => socket.once('data', done)), 'an answer');
    socket.destroy();
    return String(data).split('\r\n')[0];
  };
  assert.equal(await upgrade('https://partner.example'), 'HTTP/1.1 101 Switching Protocols');
  assert.equal(await upgrade('https://partner.example.evil'), 'HTTP/1.1 403 Forbidden');
});

test('a port in use is an error that says so', async (t) => {
  const s = await Server.start(t);
  const { code, err } = await command(['serve', '--state', s.state, '--listen', `127.0.0.1:${s.port}`]);
  assert.equal(code, 1);
  assert.match(err, /can't listen on 127\.0\.0\.1:\d+: address already in use/);
});

test('TURN credentials are minted for each member, short-lived and coturn’s', async (t) => {
  const dir = folder(t);
  const secret = join(dir, 'turn');
  writeFileSync(secret, 'north-wind\n', { mode: 0o600 });
  const s = await Server.start(t, ['--ice-server', 'stun:stun.example', '--turn', 'turns:turn.example:5349', '--turn-secret-file', secret,
    '--turn-lifetime', '600']);
  const c = await s.client();
  const { ice, id } = await c.join(freshRoom());
  assert.deepEqual(ice[0], { urls: ['stun:stun.example'] });
  assert.deepEqual(ice[1].urls, ['turns:turn.example:5349']);
  const [expiry, name] = ice[1].username.split(':');
  assert.equal(name, id);
  const left = Number(expiry) - Date.now() / 1000;
  assert.ok(left > 300 && left <= 600, `${left}`);
  const want = execFileSync('openssl', ['dgst', '-sha1', '-hmac', 'north-wind', '-binary'], { input: ice[1].username }).toString('base64');
  assert.equal(ice[1].credential, want);
  chmodSync(secret, 0o644);
  const { code, err } = await command(['serve', '--state', dir, '--turn', 'turn:x', '--turn-secret-file', secret]);
  assert.notEqual(code, 0);
  assert.match(err, /chmod 600/);
});

// ---- the certificate ----

async function issue(state, out, ...more) {
  const { code, err } = await command(['ca', 'issue', 'localhost', '127.0.0.1', '--state', state, '--out', out, ...more]);
  assert.equal(code, 0, err);
}

test('a certificate of one’s own is served whole, and read again on SIGHUP and when its files change', async (t) => {
  const dir = folder(t), live = folder(t), next = folder(t);
  assert.equal((await command(['ca', 'init', '--state', dir])).code, 0);
  await issue(dir, live);
  const [cert, key] = [join(live, 'server.pem'), join(live, 'server.key')];
  const s = await Server.start(t, ['--cert', cert, '--key', key]);
  s.ca = readFileSync(join(dir, 'ca.pem'));
  assert.equal(s.listening.ca, undefined);
  const fingerprint = async () => {
    const socket = await s.tls();
    const { fingerprint256, issuerCertificate } = socket.getPeerCertificate(true);
    assert.ok(issuerCertificate, 'the chain is sent');
    socket.destroy();
    return fingerprint256;
  };
  const first = await fingerprint();
  const held = await s.client();
  await held.join(freshRoom());

  await issue(dir, next);
  copyFileSync(join(next, 'server.key'), key);
  copyFileSync(join(next, 'server.pem'), cert);
  s.child.kill('SIGHUP');
  await s.event('reloaded', (e) => e.why === 'SIGHUP' && e.ok);
  const second = await fingerprint();
  assert.notEqual(second, first);

  await issue(dir, next);
  renameSync(join(next, 'server.key'), key);
  renameSync(join(next, 'server.pem'), cert);
  await s.event('reloaded', (e) => e.why === 'the files changed' && e.ok);
  const third = await fingerprint();
  assert.notEqual(third, second);

  writeFileSync(cert, 'not a certificate');
  s.child.kill('SIGHUP');
  const refused = await s.event('reloaded', (e) => e.why === 'SIGHUP' && !e.ok);
  assert.match(refused.error, /certificate/);
  assert.equal(await fingerprint(), third, 'the old one stays');

  held.send({ kind: 'dance' });
  assert.equal((await held.next('error')).code, 'unknown-kind', 'no connection was dropped');
});

test('a certificate that clients would refuse is refused at start, with the fault named', async (t) => {
  const dir = folder(t), one = folder(t), two = folder(t);
  assert.equal((await command(['ca', 'init', '--state', dir])).code, 0);
  await issue(dir, one);
  await issue(dir, two);
  const start = (cert, key) => command(['serve', '--listen', '127.0.0.1:0', '--cert', cert, '--key', key]);
  const mixed = await start(join(one, 'server.pem'), join(two, 'server.key'));
  assert.notEqual(mixed.code, 0);
  assert.match(mixed.err, /key/);
  const leaf = join(one, 'leaf.pem');
  writeFileSync(leaf, /-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----\n/.exec(readFileSync(join(one, 'server.pem'), 'utf8'))[0]);
  const alone = await start(leaf, join(one, 'server.key'));
  assert.notEqual(alone.code, 0);
  assert.match(alone.err, /chain/);
  assert.match((await start('/nonexistent', join(one, 'server.key'))).err, /nonexistent/);
  chmodSync(join(one, 'server.key'), 0o644);
  assert.match((await start(join(one, 'server.pem'), join(one, 'server.key'))).err, /chmod 600/);
});

// ---- members ----

test('SIGTERM: members are told with a Close frame and a reason, and the exit code is 0', async (t) => {
  const s = await Server.start(t);
  const c = await s.client();
  await c.join(freshRoom());
  s.child.kill('SIGTERM');
  assert.equal((await c.next('bye')).reason, 'restart');
  const { code, reason } = await c.close();
  assert.equal(code, 1012);
  assert.match(reason, /stopping/);
  assert.deepEqual(await within(s.ended, 'the end'), { code: 0, signal: null });
  const stopped = s.events.find((e) => e.event === 'stopped');
  assert.equal(stopped.joins, 1);
});

test('a dropped connection resumes its seat; after a crash of the server an old token is an ordinary join', async (t) => {
  const state = folder(t), room = freshRoom();
  const first = await Server.start(t, [], { state });
  const a = await first.client(), b = await first.client();
  const wa = await a.join(room), wb = await b.join(room);
  assert.deepEqual(wb.members, [wa.id]);
  b.ws.terminate();
  assert.deepEqual(await a.next('away'), { kind: 'away', id: wb.id, seconds: 30 });
  const again = await first.client();
  const back = await again.join(room, wb.resume);
  assert.equal(back.resumed, true);
  assert.equal(back.id, wb.id);
  assert.equal((await a.next('joined')).id, wb.id); // the first join
  assert.deepEqual(await a.next('joined'), { kind: 'joined', id: wb.id, resumed: true });
  await first.stop('SIGKILL');
  const second = await Server.start(t, [], { state, listen: ['--listen', `127.0.0.1:${first.port}`] });
  const rejoined = await second.client();
  const welcome = await rejoined.join(room, back.resume);
  assert.equal(welcome.resumed, false);
});

test('a dead peer is cut by pings, a living one is not', async (t) => {
  const s = await Server.start(t, ['--ping-interval', '0.2']);
  const deaf = await s.client({ autoPong: false }), well = await s.client();
  await deaf.join(freshRoom());
  await well.join(freshRoom());
  assert.equal((await deaf.next('bye')).reason, 'dead');
  assert.equal((await deaf.close()).code, 4004);
  well.send({ kind: 'dance' });
  assert.equal((await well.next('error')).code, 'unknown-kind');
});

test('who neither shakes hands, nor asks, nor joins is sent away in time', async (t) => {
  const s = await Server.start(t, ['--tls-timeout', '0.3', '--header-timeout', '0.3', '--join-timeout', '0.3']);
  const silent = net.connect(s.port, '127.0.0.1');
  assert.equal(await within(readAll(silent), 'the cut'), '');
  const slow = await s.tls();
  slow.write('GET / HT');
  assert.match(await within(readAll(slow), 'the 408'), /^HTTP\/1.1 408 /);
  const c = await s.client();
  assert.equal((await c.next('error')).code, 'join-timeout');
  assert.equal((await c.close()).code, 4008);
});

test('eight messages that wait for one receiver leave as one TLS record', async (t) => {
  const s = await Server.start(t);
  const room = freshRoom();
  let records = [];
  // A relay that looks at the record headers (RFC 8446 §5.1) on the way from the server.
  const relay = net.createServer((near) => {
    const far = net.connect(s.port, '127.0.0.1');
    let rest = Buffer.alloc(0);
    near.pipe(far);
    far.on('data', (data) => {
      near.write(data);
      rest = Buffer.concat([rest, data]);
      while (rest.length >= 5 && rest.length >= 5 + rest.readUInt16BE(3)) {
        if (rest[0] === 23) records.push(rest.readUInt16BE(3));
        rest = rest.subarray(5 + rest.readUInt16BE(3));
      }
    });
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  });
  await new Promise((ok) => relay.listen(0, '127.0.0.1', ok));
  t.after(() => relay.close());
  const a = await s.client({ port: relay.address().port, origin: s.url }), b = await s.client();
  const { id } = await a.join(room);
  await b.join(room);
  await a.next('joined');
  records = [];
  const socket = b.ws._socket;
  socket.cork(); // so that all eight reach the server in one piece
  for (let i = 0; i < 8; i++) b.send({ kind: 'envelope', to: id, payload: `bWVzc2FnZ${i}` });
  socket.uncork();
  for (let i = 0; i < 8; i++) assert.equal((await a.next('envelope')).payload, `bWVzc2FnZ${i}`);
  assert.equal(records.length, 1, `records of ${records}`);
  a.ws.terminate();
});

// ---- logs ----

test('the log of a whole call holds no address, room, token or payload; addresses only when asked for', async (t) => {
  const s = await Server.start(t, ['--log-level', 'debug']);
  const room = freshRoom();
  const a = await s.client(), b = await s.client();
  const wa = await a.join(room), wb = await b.join(room);
  b.send({ kind: 'envelope', to: wa.id, payload: 'dGhlLXNlY3JldA' });
  await a.next('envelope');
  a.send('{"not":"good"}');
  await a.close();
  await s.stop();
  const log = JSON.stringify(s.events.filter((e) => e.event !== 'listening')) + s.errors;
  for (const secret of [room, wa.resume, wb.resume, wa.id, 'dGhlLXNlY3JldA', '127.0.0.1', '::ffff'])
    assert.ok(!log.includes(secret), `${secret} is in ${log}`);
  assert.match(log, /a member joined/);
  const open = await Server.start(t, ['--log-level', 'debug', '--log-addresses']);
  (await open.tls()).destroy();
  await open.event('log', (e) => e.text.includes('127.0.0.1'));
});
