// The other end of a bad network: a namespace of its own, and the link to it (tests/net/link.c), whose faults a test sets.

import { execFile } from 'node:child_process';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { Server, until } from '../browser/harness.mjs';
import { Native } from '../browser/native.mjs';

const run = promisify(execFile);
export const NEAR = '10.77.0.1';
export const FAR = '10.77.0.2';
const OTHER_NEAR = '10.78.0.1', OTHER_FAR = '10.78.0.2';
const PORT = 8443;

export class Far {
  /** @type {Record<string, {link: import('node:child_process').ChildProcess, answers: ((line: any) => void)[]}>} */
  #links = {};

  /** @param {import('../browser/harness.mjs').World} world @param {string[]} settings as link.c takes them */
  static async start(world, ...settings) {
    const far = new Far();
    far.world = world;
    const holder = world.spawn('unshare', ['--net', 'sleep', 'infinity']);
    far.space = `/proc/${holder.pid}/ns/net`;
    const own = (await run('readlink', ['/proc/self/ns/net'])).stdout;
    await until('the other namespace is there', async () => (await run('readlink', [far.space])).stdout !== own);
    await far.#connect('call0', settings);
    await run('ip', ['addr', 'add', `${NEAR}/24`, 'dev', 'call0']);
    await run('ip', ['link', 'set', 'call0', 'up']);
    await run('ip', ['route', 'add', 'default', 'via', FAR]);
    await far.ip('link set lo up', `addr add ${FAR}/24 dev call0`, 'link set call0 up', `route add default via ${NEAR}`);
    return far;
  }

  /** A link to it, with a device of that name at each end. */
  async #connect(name, settings) {
    const answers = [];
    const link = this.world.spawn(process.env.SOTTO_LINK,
      ['--a', '/proc/self/ns/net', '--b', this.space, '--name', name, ...settings], { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface(link.stdout);
    await new Promise((done, fail) => {
      lines.once('line', done);
      link.once('exit', (code) => fail(new Error(`the link ended with ${code}`)));
    });
    lines.on('line', (line) => answers.shift()?.(JSON.parse(line)));
    this.#links[name] = { link, answers };
  }

  /** A second network between the two, whose far end is down as yet: `come` and `go` move it. */
  async another(...settings) {
    await this.#connect('call1', settings);
    await run('ip', ['addr', 'add', `${OTHER_NEAR}/24`, 'dev', 'call1']);
    await run('ip', ['link', 'set', 'call1', 'up']);
  }

  /** Over there, a device comes up with its address and the routes over it, or goes down with them. */
  come(name) {
    const [own, via] = name === 'call0' ? [FAR, NEAR] : [OTHER_FAR, OTHER_NEAR];
    return this.ip(`addr replace ${own}/24 dev ${name}`, `link set ${name} up`, `route replace ${NEAR} via ${via} dev ${name} metric ${name === 'call0' ? 100 : 200}`);
  }

  go(name) {
    return this.ip(`link set ${name} down`);
  }

  /** Commands of ip in the other namespace. */
  async ip(...commands) {
    for (const words of commands) await this.run('ip', ...words.split(' '));
  }

  /** In the other namespace. */
  run(program, ...args) {
    return run('nsenter', [`--net=${this.space}`, program, ...args]);
  }

  /** @param {string} setting 'loss 5', 'rate 500000', 'down' … */
  set(setting) {
    this.#links.call0.link.stdin.write(`${setting}\n`);
  }

  /** What the link counted since it began; `queue` since it was asked last, in ms. */
  stats(name = 'call0') {
    const { link, answers } = this.#links[name];
    return new Promise((done) => {
      answers.push(done);
      link.stdin.write('stats\n');
    });
  }

  /** `sotto call` over there. */
  call(server, link, ...args) {
    return new Native(this.world, server, link, { inside: this.space }, '--connect', NEAR, ...args);
  }

  /** `sotto serve` here, which both can reach. */
  async server() {
    const server = new Server(this.world, { args: ['--listen', `${NEAR}:${PORT}`] });
    server.port = PORT;
    await server.start();
    this.world.atEnd(() => server.kill());
    return server;
  }
}
