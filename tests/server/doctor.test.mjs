// `sotto doctor`: all well against a real server and a real relay, and each thing that goes wrong, by its name.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import { linkOf } from './call.mjs';
import { command, folder, Server, within } from './harness.mjs';
import { answersStun } from './stun.mjs';

const CONFIG = fileURLToPath(new URL('../../docs/coturn.conf', import.meta.url));
const SECRET = 'a secret of these tests alone';

/** What it says, line by line. @returns {Promise<{code: number, out: string, checks: {check: string, result: string, text: string}[]}>} */
async function doctor(...args) {
  const { code, out, err } = await command(['doctor', '--json', ...args], { DISPLAY: '' });
  assert.equal(err, '');
  return { code, out, checks: out.trim().split('\n').map((line) => JSON.parse(line)) };
}

const failures = ({ checks }) => checks.filter(({ check, result }) => check !== 'all' && result === 'failed');

/** The one check that failed. */
function failure(report, check) {
  assert.equal(report.code, 1, report.out);
  const found = failures(report);
  assert.deepEqual(found.map((f) => f.check), [check], report.out);
  assert.equal(report.checks.at(-1).failed, 1);
  return found[0].text;
}

const names = ({ checks }) => checks.map(({ check }) => check);

async function freePort() {
  const probe = createServer();
  await new Promise((ok) => probe.listen(0, '127.0.0.1', ok));
  const { port } = probe.address();
  await new Promise((ok) => probe.close(ok));
  return port;
}

/** A certificate for localhost from a CA of its own. @param {string[]} days as openssl x509 takes them */
function certificate(dir, days = ['-days', '30'], subject = 'DNS:localhost') {
  const at = (file) => join(dir, file);
  const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30', '-subj', '/CN=CA of a test',
    '-keyout', at('ca.key'), '-out', at('ca.pem'));
  openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=test', '-keyout', at('key.pem'),
    '-out', at('request.pem'));
  writeFileSync(at('extensions'), `subjectAltName=${subject}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n`);
  openssl('x509', '-req', ...days, '-in', at('request.pem'), '-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial',
    '-extfile', at('extensions'), '-out', at('cert.pem'));
  writeFileSync(at('chain.pem'), readFileSync(at('cert.pem'), 'utf8') + readFileSync(at('ca.pem'), 'utf8'));
  return { ca: at('ca.pem'), cert: at('cert.pem'), chain: at('chain.pem'), key: at('key.pem') };
}

/** An HTTPS server that is not Sotto's, and says whatever a test wants. */
async function other(t, made, answer) {
  const server = https.createServer({ cert: readFileSync(made.cert), key: readFileSync(made.key) }, answer);
  server.on('upgrade', (_, socket) => socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\nnothing'));
  await new Promise((ok) => server.listen(0, '127.0.0.1', ok));
  t.after(() => server.close());
  return `https://localhost:${server.address().port}`;
}

test('this machine alone: codecs, encryption, devices that may be missing', async () => {
  const report = await doctor();
  assert.equal(report.code, 0, report.out);
  for (const check of ['versions', 'encryption', 'cpu', 'codec', 'microphone', 'camera', 'screen', 'speaker', 'window', 'udp'])
    assert.ok(names(report).includes(check), check);
  const codecs = report.checks.filter(({ check }) => check === 'codec').map(({ text }) => text.split(':')[0]);
  assert.deepEqual(codecs, ['opus', 'PCMU', 'PCMA', 'VP8', 'H264']);
  assert.match(report.checks.find(({ check }) => check === 'screen').text, /DISPLAY is not set/);
  const { code, out } = await command(['doctor']);
  assert.equal(code, 0);
  assert.match(out, /^✓ versions {5}sotto \d.*\n[\s\S]*\nAll is well on this machine/);
});

test('a server that is as it must be, by its link, whose secret nobody learns', async (t) => {
  const server = await Server.start(t);
  const link = await linkOf(server);
  const report = await doctor('--ca', server.listening.ca, link);
  assert.equal(report.code, 0, report.out);
  for (const check of ['name', 'tcp', 'certificate', 'expiry', 'clock', 'tls', 'websocket', 'room'])
    assert.equal(report.checks.find((c) => c.check === check)?.result, 'well', `${check}: ${report.out}`);
  for (const check of ['stun', 'turn']) assert.equal(report.checks.find((c) => c.check === check)?.result, 'note');
  assert.ok(!report.out.includes(link.split('#')[1]));
  assert.ok(!JSON.stringify(server.events).includes(link.split('#')[1]));
  const wss = await doctor('--ca', server.listening.ca, server.url.replace('https:', 'wss:'));
  assert.equal(wss.code, 0, wss.out);
});

test('a CA that is not trusted, another name, a certificate that has ended', async (t) => {
  const server = await Server.start(t);
  assert.match(failure(await doctor(server.url), 'certificate'), /does not trust; pass --ca FILE/);
  const elsewhere = await doctor('--ca', server.listening.ca, '--connect', '127.0.0.1', `https://other.example:${server.port}`);
  assert.match(failure(elsewhere, 'certificate'), /for other names than this/);
  const ended = certificate(folder(t), ['-days', '-1']);
  const url = await other(t, ended, (_, answer) => answer.end('hello'));
  assert.match(failure(await doctor('--ca', ended.ca, url), 'certificate'), /expired|ended/);
});

test('a certificate that ends soon is a note', async (t) => {
  const soon = certificate(folder(t), ['-days', '3']);
  const server = await Server.start(t, ['--cert', soon.chain, '--key', soon.key]);
  const report = await doctor('--ca', soon.ca, server.url);
  assert.equal(report.code, 0, report.out);
  const { result, text } = report.checks.find(({ check }) => check === 'expiry');
  assert.equal(result, 'note');
  assert.match(text, /in [23] days/);
});

test('a server that is not there, a name that is not, a server that is not Sotto', async (t) => {
  const gone = await doctor(`https://localhost:${await freePort()}`);
  assert.match(failure(gone, 'tcp'), /connection refused/);
  assert.match(failure(await doctor('https://nowhere.invalid'), 'name'), /nowhere\.invalid can't be found/);
  const made = certificate(folder(t));
  const url = await other(t, made, (_, answer) => answer.end('hello'));
  assert.match(failure(await doctor('--ca', made.ca, url), 'websocket'), /the server answers 404: nothing/);
});

test('a server that takes the connection and gives no seat is not waited for', async (t) => {
  const made = certificate(folder(t));
  const server = https.createServer({ cert: readFileSync(made.cert), key: readFileSync(made.key) }, (_, answer) => answer.end('hello'));
  const sockets = new WebSocketServer({ server, handleProtocols: () => 'sotto.v1' });
  await new Promise((ok) => server.listen(0, '127.0.0.1', ok));
  t.after(() => {
    sockets.close();
    server.close();
  });
  const report = await doctor('--ca', made.ca, `https://localhost:${server.address().port}`);
  assert.match(failure(report, 'room'), /gives no answer for 10 s/);
});

test('clocks that are apart, whichever is wrong', async (t) => {
  const made = certificate(folder(t));
  for (const [off, said] of [[3600_000, /60 minutes behind|59 minutes behind/], [-5 * 86400_000, /120 hours ahead of/], [30_000, null]]) {
    const url = await other(t, made, (_, answer) => {
      answer.setHeader('Date', new Date(Date.now() + off).toUTCString());
      answer.end('hello');
    });
    const report = await doctor('--ca', made.ca, url);
    const clock = report.checks.find(({ check }) => check === 'clock');
    assert.equal(clock.result, said ? 'failed' : 'well', report.out);
    if (said) assert.match(clock.text, said);
  }
});

/** coturn on loopback, with the configuration that docs/ has. */
async function coturn(t) {
  const dir = folder(t), made = certificate(dir), port = await freePort(), tls = await freePort();
  writeFileSync(join(dir, 'coturn.conf'), `${readFileSync(CONFIG, 'utf8')}
static-auth-secret=${SECRET}
cert=${made.cert}
pkey=${made.key}
listening-ip=127.0.0.1
relay-ip=127.0.0.1
listening-port=${port}
tls-listening-port=${tls}
log-file=stdout
pidfile=${join(dir, 'pid')}
userdb=${join(dir, 'db')}\n`);
  const child = spawn('turnserver', ['-c', join(dir, 'coturn.conf')], { stdio: 'ignore' });
  const ended = new Promise((done) => child.on('close', done));
  t.after(() => {
    child.kill('SIGKILL');
    return ended;
  });
  await within((async () => {
    while (!await answersStun(port, '127.0.0.1')) if (child.exitCode !== null) throw new Error('coturn ended');
  })(), 'coturn to answer');
  return { ca: made.ca, port, tls };
}

/** `sotto serve` that names the relay in every way. */
async function serverWith(t, relay, secret) {
  const dir = folder(t), file = join(dir, 'secret'), cas = join(dir, 'cas.pem');
  writeFileSync(file, `${secret}\n`, { mode: 0o600 });
  const server = await Server.start(t, ['--ice-server', `stun:127.0.0.1:${relay.port}`, '--turn', `turn:127.0.0.1:${relay.port}`,
    '--turn', `turn:127.0.0.1:${relay.port}?transport=tcp`, '--turn', `turns:localhost:${relay.tls}`, '--turn-secret-file', file]);
  writeFileSync(cas, readFileSync(relay.ca, 'utf8') + readFileSync(server.listening.ca, 'utf8'));
  return { server, cas };
}

const RELAYS = ['turn-udp', 'turn-tcp', 'turn-tls'];

test('STUN and TURN answer, in each way that the server names', async (t) => {
  const relay = await coturn(t);
  const { server, cas } = await serverWith(t, relay, SECRET);
  const report = await doctor('--ca', cas, server.url);
  assert.equal(report.code, 0, report.out);
  assert.match(report.checks.find(({ check }) => check === 'stun').text, /UDP passes both ways, and this machine is reached as it is/);
  for (const check of RELAYS) assert.equal(report.checks.find((c) => c.check === check)?.result, 'well', report.out);
  const { checks } = await doctor('--ca', server.listening.ca, server.url);
  assert.match(checks.find(({ check }) => check === 'turn-tls').text, /pass --ca FILE or install it \(relay-certificate\)/);
});

test('a relay that holds another secret refuses, and that is said; credentials are not', async (t) => {
  const relay = await coturn(t);
  const { server, cas } = await serverWith(t, relay, 'another secret');
  const report = await doctor('--ca', cas, server.url);
  assert.equal(report.code, 1);
  assert.deepEqual(failures(report).map(({ check }) => check), RELAYS, report.out);
  for (const { text } of failures(report)) assert.match(text, /\(relay-credentials\)/);
  assert.doesNotMatch(report.out, /\d{10}:/, 'a user name of TURN begins with its time');
});

test('a relay that is not there', async (t) => {
  const port = await freePort();
  const { server, cas } = await serverWith(t, { ca: certificate(folder(t)).ca, port, tls: port }, SECRET);
  const report = await doctor('--ca', cas, server.url);
  assert.deepEqual(failures(report).map(({ check }) => check), ['stun', ...RELAYS], report.out);
  assert.equal(report.checks.at(-1).failed, 4);
});

test('wrong usage is 2', async () => {
  for (const [args, said] of [[['http://localhost'], /https/], [['https://a', 'https://b'], /one URL/], [['--ca', 'x'], /give its URL/],
    [['--nonsense'], /unrecognized/]]) {
    const { code, err } = await command(['doctor', ...args]);
    assert.equal(code, 2, args.join(' '));
    assert.match(err, said);
  }
});
