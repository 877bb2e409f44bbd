// `sotto call` as a program under a test: started, read by its --json events, and ended.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { command, SOTTO, within } from './harness.mjs';

export async function linkOf(server) {
  const { out } = await command(['link', server.url]);
  return out.trim();
}

/** `sotto call --json`, read line by line. */
export class Call {
  events = [];
  errors = '';
  #waiters = [];

  /** @param args options, and where the last is an object: more of the environment */
  constructor(t, server, link, ...args) {
    const ca = server.listening?.ca ?? server.ca;
    const env = typeof args.at(-1) === 'object' ? args.pop() : {};
    this.child = spawn(SOTTO, ['call', '--json', '--loopback', '--ca', ca, ...args, link],
      { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.stdin.on('error', () => {}); // it may have ended
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

  /** The first event of this name that comes, or has come, for which test holds. */
  event(name, wanted = () => true) {
    const there = this.events.find((e) => e.event === name && wanted(e));
    if (there) return Promise.resolve(there);
    return within(new Promise((done) => this.#waiters.push((e) => {
      if (e.event !== name || !wanted(e)) return false;
      done(e);
      return true;
    })), `the event ${name} of sotto call; it said ${JSON.stringify(this.events)} ${this.errors}`);
  }

  reaches(state) {
    return this.event('state', (e) => e.state === state);
  }

  code() {
    return within(this.ended, `sotto call to end; it said ${JSON.stringify(this.events)} ${this.errors}`);
  }
}
