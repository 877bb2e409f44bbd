// What the tests stand on: a server with its own CA, browsers that trust it the way a person would make them, and the
// promise that all of it is gone afterwards.

import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import puppeteer from 'puppeteer-core';
import { Visitor } from './visitor.mjs';

const run = promisify(execFile);
const DEADLINE = 60_000;
const POLL = 100;

/** The address that tests/browser/run gives to its namespace. */
export const ADDRESS = '10.77.0.1';
/** Long enough for a slow machine; a test that takes this long has failed for a reason. */
export const PATIENT = { timeout: 240_000 };

/** Polls until look() gives something true, and gives that. A slow machine is no failure, so the deadline is far away. */
export async function until(what, look, deadline = DEADLINE) {
  const end = Date.now() + deadline;
  let last;
  for (;;) {
    try {
      last = await look();
      if (last) return last;
    } catch (error) {
      // A page that is loading cannot answer; only the deadline decides.
      last = error;
    }
    if (Date.now() > end) {
      const seen = last instanceof Error ? last.stack : JSON.stringify(last);
      throw new Error(`not within ${deadline / 1000} s: ${what} (last: ${seen})`);
    }
    await new Promise((done) => setTimeout(done, POLL));
  }
}

/** @returns {Promise<number>} a port that is free now */
async function freePort() {
  const probe = createServer();
  await new Promise((done) => probe.listen(0, '127.0.0.1', done));
  const { port } = probe.address();
  await new Promise((done) => probe.close(done));
  return port;
}

/** One folder, the processes that use it, and how to end them. */
export class World {
  #ends = [];
  #children = new Set();

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'sotto-browser-'));
    // Whatever way this process ends, its children go with it.
    process.on('exit', () => this.#killAll());
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));
  }

  #killAll() {
    for (const child of this.#children) {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  /** @param {() => unknown} end runs when the world ends, last come first gone */
  atEnd(end) {
    this.#ends.unshift(end);
  }

  async close() {
    for (const end of this.#ends.splice(0)) await Promise.resolve(end()).catch(() => {});
    this.#killAll();
  }

  /** @param {string} command @param {string[]} args @param {object} [options] */
  spawn(command, args, options = {}) {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    this.#children.add(child);
    child.on('exit', () => this.#children.delete(child));
    return child;
  }

  /** @param {object} [options] @returns {Promise<Server>} */
  async server(options) {
    const server = new Server(this, options);
    await server.start();
    this.atEnd(() => server.kill());
    return server;
  }

  /**
   * @param {{ca?: string | null, devices?: boolean, camera?: string}} options ca: the certificate authority to trust;
   *   devices: whether the person allows camera and microphone; camera: a .y4m file that it shows
   * @returns {Promise<Browser>}
   */
  async chromium({ ca = null, devices = true, camera = '' } = {}) {
    const home = join(this.folder, `home-${Math.random().toString(36).slice(2)}`);
    await trust(join(home, '.pki', 'nssdb'), ca);
    return this.#launch('Chromium', {
      browser: 'chrome',
      executablePath: process.env.SOTTO_CHROMIUM || '/usr/bin/chromium',
      userDataDir: join(home, 'profile'),
      env: strangerAt(home),
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
        '--disable-component-update', '--disable-sync', '--disable-default-apps', '--use-fake-device-for-media-stream',
        `--use-fake-ui-for-media-stream${devices ? '' : '=deny'}`, '--autoplay-policy=no-user-gesture-required',
        '--auto-select-desktop-capture-source=Entire screen',
        ...(camera ? [`--use-file-for-fake-video-capture=${camera}`] : [])],
    });
  }

  /** @param {{ca?: string | null, devices?: boolean}} options as above @returns {Promise<Browser>} */
  async firefox({ ca = null, devices = true } = {}) {
    const home = join(this.folder, `home-${Math.random().toString(36).slice(2)}`);
    const profile = join(home, 'profile');
    await trust(profile, ca);
    return this.#launch('Firefox', {
      browser: 'firefox',
      executablePath: process.env.SOTTO_FIREFOX || '/usr/bin/firefox-esr',
      userDataDir: profile,
      env: strangerAt(home),
      extraPrefsFirefox: {
        'media.navigator.streams.fake': true,
        'media.autoplay.default': 0,
        'media.gmp-manager.updateEnabled': false,
        'app.update.disabledForTesting': true,
        'media.navigator.permission.disabled': false,
        'permissions.default.camera': devices ? 1 : 2,
        'permissions.default.microphone': devices ? 1 : 2,
      },
    });
  }

  async #launch(name, options) {
    await mkdir(options.env.HOME, { recursive: true });
    const browser = await puppeteer.launch({
      headless: true, defaultViewport: { width: 1280, height: 800 }, acceptInsecureCerts: false, timeout: DEADLINE,
      protocolTimeout: DEADLINE * 2, ...options,
    });
    const wrapped = new Browser(name, browser);
    this.atEnd(() => wrapped.close());
    return wrapped;
  }
}

/** The environment of somebody who has nothing but this folder. @param {string} home */
function strangerAt(home) {
  const kept = Object.entries(process.env).filter(([name]) => !/^(XDG_|DBUS_|MOZ_|CHROM|DISPLAY|WAYLAND)/.test(name));
  return { ...Object.fromEntries(kept), HOME: home };
}

/** @param {string} folder of an NSS database, made anew @param {string | null} ca */
async function trust(folder, ca) {
  await mkdir(folder, { recursive: true });
  await run('certutil', ['-d', `sql:${folder}`, '-N', '--empty-password']);
  if (ca) await run('certutil', ['-d', `sql:${folder}`, '-A', '-t', 'C,,', '-n', 'Sotto test CA', '-i', ca]);
}

export class Browser {
  constructor(name, browser) {
    this.name = name;
    this.browser = browser;
  }

  /** A person with a tab of their own, who shares nothing with the others. @param {string} [name] */
  async visitor(name = this.name) {
    const context = await this.browser.createBrowserContext();
    const visitor = new Visitor(name, this.name, context, await context.newPage({ type: 'window' }));
    await visitor.prepare();
    return visitor;
  }

  async close() {
    const process = this.browser.process();
    const late = new Promise((done) => setTimeout(done, 5000, 'late').unref());
    if (await Promise.race([this.browser.close().catch(() => 'late'), late]) === 'late') process?.kill('SIGKILL');
  }
}

/** `sotto serve` on a port that it keeps over restarts. */
export class Server {
  /** @type {object[]} the --json events */ events = [];
  #child = null;

  /** @param {World} world @param {{publicPort?: number, args?: string[]}} options */
  constructor(world, { publicPort, args = [] } = {}) {
    this.world = world;
    this.publicPort = publicPort;
    this.args = args;
    this.state = join(world.folder, 'state');
  }

  async start() {
    this.port ??= await freePort();
    const { port } = this;
    this.url = `https://localhost:${this.publicPort ?? port}`;
    // One machine plays all the ends, so what the server allows for one address must be enough for all of them.
    const child = this.world.spawn(process.env.SOTTO, ['serve', '--json', '--state', this.state,
      '--listen', `127.0.0.1:${port}`, '--listen', `[::1]:${port}`, '--public-url', this.url,
      '--joins-per-minute', '10000', '--connections-per-address', '1000', ...this.args]);
    this.#child = child;
    let complaints = '';
    child.stderr.on('data', (data) => { complaints += data; });
    createInterface(child.stdout).on('line', (line) => this.events.push(JSON.parse(line)));
    const before = this.events.length;
    const listening = await until('sotto serve listens', () => {
      if (child.exitCode !== null) return { failed: true };
      return this.events.slice(before).find(({ event }) => event === 'listening');
    });
    if (listening.failed) throw new Error(`sotto serve ended: ${complaints}`);
    this.ca = listening.ca;
  }

  /** At once and without a goodbye. */
  async kill() {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((done) => child.once('exit', done));
    child.kill('SIGKILL');
    await gone;
  }

  /** @returns {Promise<string>} a fresh invitation */
  async link() {
    const { stdout } = await run(process.env.SOTTO, ['link', this.url]);
    return stdout.trim();
  }

  /** A certificate of the same authority. @returns {Promise<{cert: string, key: string}>} paths */
  async issue() {
    const out = join(this.world.folder, 'issued');
    await mkdir(out, { recursive: true });
    await run(process.env.SOTTO, ['ca', 'issue', 'localhost', '--out', out, '--state', this.state]);
    return { cert: join(out, 'server.pem'), key: join(out, 'server.key') };
  }
}
