// The other end of a bad network: a namespace of its own, and the link to it (tests/net/link.c), whose faults a test sets.

import { execFile } from 'node:child_process';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { Server, until } from '../browser/harness.mjs';
import { Native } from '../browser/native.mjs';

const run = promisify(execFile);
export const NEAR = '10.77.0.1';
export const FAR = '10.77.0.2';
const PORT = 8443;

export class Far {
  #answers = [];

  /** @param {import('../browser/harness.mjs').World} world @param {string[]} settings as link.c takes them */
  static async start(world, ...settings) {
    const far = new Far();
    far.world = world;
    const holder = world.spawn('unshare', ['--net', 'sleep', 'infinity']);
    far.space = `/proc/${holder.pid}/ns/net`;
    const own = (await run('readlink', ['/proc/self/ns/net'])).stdout;
    await until('the other namespace is there', async () => (await run('readlink', [far.space])).stdout !== own);
    far.link = world.spawn(process.env.SOTTO_LINK, ['--a', '/proc/self/ns/net', '--b', far.space, ...settings],
      { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface(far.link.stdout);
    await new Promise((done, fail) => {
      lines.once('line', done);
      far.link.once('exit', (code) => fail(new Error(`the link ended with ${code}`)));
    });
    lines.on('line', (line) => far.#answers.shift()?.(JSON.parse(line)));
    await run('ip', ['addr', 'add', `${NEAR}/24`, 'dev', 'call0']);
    await run('ip', ['link', 'set', 'call0', 'up']);
    await run('ip', ['route', 'add', 'default', 'via', FAR]);
    for (const words of ['link set lo up', `addr add ${FAR}/24 dev call0`, 'link set call0 up', `route add default via ${NEAR}`]) {
      await far.run('ip', ...words.split(' '));
    }
    return far;
  }

  /** In the other namespace. */
  run(program, ...args) {
    return run('nsenter', [`--net=${this.space}`, program, ...args]);
  }

  /** @param {string} setting 'loss 5', 'rate 500000', 'down' … */
  set(setting) {
    this.link.stdin.write(`${setting}\n`);
  }

  /** What the link counted since it began; `queue` since it was asked last, in ms. */
  stats() {
    return new Promise((done) => {
      this.#answers.push(done);
      this.link.stdin.write('stats\n');
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
