// `sotto call` as the other end: started, read by its --json events, and ended.

import { createInterface } from 'node:readline';
import { until } from './harness.mjs';

export class Native {
  /** @type {any[]} */ events = [];
  complaints = '';
  /** @type {number | null} */ code = null;

  /**
   * @param {import('./harness.mjs').World} world @param {{ca: string}} server @param {string} link
   * @param {(string | {inside: string})[]} args of the command; inside: the network namespace in which it runs
   */
  constructor(world, server, link, ...args) {
    const inside = args.filter((arg) => typeof arg === 'object').flatMap((arg) => ['nsenter', `--net=${arg.inside}`]);
    const [program, ...words] = [...inside, process.env.SOTTO, 'call', '--json', '--ca', server.ca,
      ...args.filter((arg) => typeof arg === 'string'), link];
    this.name = 'sotto call';
    // Its standard input stays open: lines of chat come from there.
    this.child = world.spawn(program, words, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.stderr.on('data', (data) => { this.complaints += data; });
    createInterface(this.child.stdout).on('line', (line) => this.events.push(JSON.parse(line)));
    this.child.on('exit', (code) => { this.code = code; });
  }

  /** @param {string} what @param {() => unknown} look */
  until(what, look) {
    return until(`sotto call ${what}`, look).catch((error) => {
      throw new Error(`${error.message}\n${this.events.map((event) => JSON.stringify(event)).join('\n')}\n${this.complaints}`);
    });
  }

  /** @param {string} kind @param {(event: any) => boolean} [wanted] */
  told(kind, wanted = () => true) {
    return this.until(`tells of ${kind}`, () => {
      const found = this.events.find((event) => event.event === kind && wanted(event));
      if (!found && this.code !== null) throw new Error(`it ended with ${this.code}`);
      return found;
    });
  }

  /** @param {string} state */
  reaches(state) {
    return this.told('state', (event) => event.state === state);
  }

  /** @returns {Promise<any>} its report once every door holds, or its last one */
  async report(kind = 'open') {
    return (await this.told(kind)).report;
  }

  /** @returns {Promise<number>} its exit code */
  async ends() {
    await this.until('ends', () => this.code !== null);
    return /** @type {number} */ (this.code);
  }

  hangUp() {
    this.child.kill('SIGINT');
  }
}

/**
 * A page and a native end come to be in a call.
 * @param {any} visitor @param {string} link @param {() => Native} start @param {'native' | 'browser'} last who comes last
 */
export async function meet(visitor, link, start, last) {
  let native;
  if (last === 'native') {
    await visitor.join(link);
    await visitor.reaches('waiting');
    native = start();
  } else {
    native = start();
    await native.reaches('waiting');
    await visitor.join(link);
  }
  await visitor.reaches('in-call');
  return native;
}

/** @param {any} report @returns {Record<string, any>} its doors by name */
export function doorsOf(report) {
  return Object.fromEntries(report.doors.map((/** @type {any} */ door) => [door.door, door]));
}
