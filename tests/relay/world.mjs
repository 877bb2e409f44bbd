// The world of tests/relay/run: `sotto serve` and coturn at its one public address, `sotto call` in either home.

import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { command, folder, Server, SOTTO, within } from '../server/harness.mjs';
import { answersStun } from '../server/stun.mjs';

export const ADDRESS = '203.0.114.1';
export const ADDRESS6 = '2400:cb00::1';
export const SECRET = 'a secret of these tests alone';
const CONFIG = fileURLToPath(new URL('../../docs/coturn.conf', import.meta.url));

const run = (program, ...args) => execFileSync(program, args, { stdio: ['ignore', 'pipe', 'pipe'] }).toString();

/** A certificate that names the relay's address, from a CA of its own. @returns {{ca: string, cert: string, key: string}} */
function certificate(dir, name, subject) {
  const at = (file) => join(dir, `${name}-${file}`);
  run('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
    '-subj', `/CN=CA of ${name}`, '-keyout', at('ca.key'), '-out', at('ca.pem'));
  run('openssl', 'req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`,
    '-keyout', at('key.pem'), '-out', at('request.pem'));
  writeFileSync(at('extensions'), `subjectAltName=${subject}\nbasicConstraints=CA:FALSE\n`);
  run('openssl', 'x509', '-req', '-days', '2', '-in', at('request.pem'), '-CA', at('ca.pem'), '-CAkey', at('ca.key'),
    '-CAcreateserial', '-extfile', at('extensions'), '-out', at('cert.pem'));
  return { ca: at('ca.pem'), cert: at('cert.pem'), key: at('key.pem') };
}

/** coturn with the configuration that docs/ has, and what that leaves open. */
export async function coturn(t, { subject = `IP:${ADDRESS}`, secret = SECRET, more = '' } = {}) {
  const dir = folder(t);
  const made = certificate(dir, 'relay', subject);
  const config = join(dir, 'coturn.conf');
  writeFileSync(config, `${readFileSync(CONFIG, 'utf8')}
static-auth-secret=${secret}
cert=${made.cert}
pkey=${made.key}
listening-ip=${ADDRESS}
listening-ip=${ADDRESS6}
relay-ip=${ADDRESS}
relay-ip=${ADDRESS6}
log-file=stdout
pidfile=${join(dir, 'pid')}
userdb=${join(dir, 'db')}
${more}\n`);
  const child = spawn('turnserver', ['-c', config], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stdout.on('data', (d) => { said += d; });
  child.stderr.on('data', (d) => { said += d; });
  const ended = new Promise((done) => child.on('close', done));
  const stop = () => {
    child.kill('SIGKILL');
    return ended;
  };
  t.after(stop);
  await within((async () => {
    while (!await answersStun(3478, ADDRESS)) if (child.exitCode !== null) throw new Error(`coturn ended: ${said}`);
  })(), 'coturn to answer');
  return { ca: made.ca, log: () => said, stop };
}

/** `sotto serve` that names these TURN servers. `cas` are trusted too. */
export async function server(t, urls, cas = []) {
  const dir = folder(t), secret = join(dir, 'turn-secret'), ca = join(dir, 'cas.pem');
  writeFileSync(secret, `${SECRET}\n`, { mode: 0o600 });
  const turn = urls.length ? [...urls.flatMap((url) => ['--turn', url]), '--turn-secret-file', secret] : [];
  const s = await Server.start(t, turn, { listen: ['--listen', `${ADDRESS}:0`] });
  writeFileSync(ca, [s.listening.ca, ...cas].map((file) => readFileSync(file, 'utf8')).join('\n'));
  return { ca, link: (await command(['link', s.url])).out.trim(), serve: s };
}

/** `sotto call --json` in a home. */
export class Call {
  events = [];
  errors = '';
  #waiters = [];

  constructor(t, home, { ca, link }, ...args) {
    this.child = spawn('ip', ['netns', 'exec', home, SOTTO, 'call', '--json', '--connect', ADDRESS, '--ca', ca, ...args, link],
      { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stderr.on('data', (d) => { this.errors += d; });
    this.ended = new Promise((done) => this.child.on('close', done));
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      const event = JSON.parse(line);
      this.events.push(event);
      this.#waiters = this.#waiters.filter((w) => !w(event));
    });
    t.after(async () => {
      this.child.kill('SIGKILL');
      await this.ended;
    });
  }

  event(name, wanted = () => true) {
    const there = this.events.find((e) => e.event === name && wanted(e));
    if (there) return Promise.resolve(there);
    return within(new Promise((done) => this.#waiters.push((e) => {
      if (e.event !== name || !wanted(e)) return false;
      done(e);
      return true;
    })), `the event ${name} of sotto call; it said ${JSON.stringify(this.events)} ${this.errors}`);
  }

  code() {
    return within(this.ended, `sotto call to end; it said ${JSON.stringify(this.events)} ${this.errors}`);
  }
}

/** How many packets a home has sent to anywhere but the server's address, since it was asked the last time. */
export function elsewhere(home) {
  const counted = run('ip', 'netns', 'exec', home, 'nft', '-j', 'reset', 'counter', 'ip', 'watch', 'elsewhere');
  return JSON.parse(counted).nftables.find((entry) => entry.counter).counter.packets;
}
