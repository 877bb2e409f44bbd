// A person in front of the call page: presses its buttons, reads what it shows, and looks at what the browser did.

import assert from 'node:assert/strict';
import { until } from './harness.mjs';
import { readPanel, readStats, spy } from './inside.mjs';

export class Visitor {
  /** @type {string[]} everything that a clean page never has */ complaints = [];
  /** @type {string[]} */ requests = [];

  /** @param {string} name @param {string} kind 'Chromium' or 'Firefox' */
  constructor(name, kind, context, page) {
    this.name = name;
    this.kind = kind;
    this.context = context;
    this.page = page;
  }

  async prepare() {
    const { page } = this;
    page.setDefaultTimeout(60_000);
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warn') this.complaints.push(`console: ${message.text()}`);
    });
    page.on('pageerror', (error) => this.complaints.push(`page error: ${error.stack ?? error}`));
    page.on('request', (request) => this.requests.push(request.url()));
    await page.evaluateOnNewDocument(spy);
  }

  /** @param {string} what @param {() => unknown} look */
  until(what, look) {
    return until(`${this.name}: ${what}`, look).catch(async (error) => {
      const where = await this.panel().catch(() => null);
      throw new Error(`${error.message}\n${this.name} shows ${JSON.stringify(where)}\n${this.complaints.join('\n')}`);
    });
  }

  /** @param {string} link */
  async open(link) {
    await this.look();
    await this.page.goto(link);
  }

  /** Firefox tells a window without focus of no devices and opens none for it. */
  look() {
    return this.page.bringToFront();
  }

  /** @param {string} id */
  async press(id) {
    await this.look();
    await this.page.click(`#${id}`);
  }

  async state() {
    const { state, reason } = await this.page.evaluate(() => ({ ...document.body.dataset }));
    return reason ? `${state} ${reason}` : state;
  }

  /** @param {string} wanted 'in-call', 'failed seal-altered' … */
  async reaches(wanted) {
    await this.until(`reaches "${wanted}"`, async () => {
      const now = await this.state();
      // Nothing comes after a failed call, so waiting for anything else would only hide why.
      return now === wanted || (now.startsWith('failed') && !wanted.startsWith('failed') && now);
    });
    assert.equal(await this.state(), wanted, this.name);
  }

  /** Opens a link, turns on camera and microphone, and joins. @param {string} link @param {{media?: boolean}} [how] */
  async join(link, { media = true } = {}) {
    await this.open(link);
    await this.reaches('prejoin');
    if (media) await this.turnOn();
    await this.press('join');
  }

  async turnOn() {
    await this.press('preview-on');
    await this.until('has camera and microphone', () => this.page.evaluate(() =>
      ['pre-mic', 'pre-camera'].every((id) => document.getElementById(id).getAttribute('aria-pressed') === 'true')));
  }

  /** Leaves the call and the document, so that the next link meets a fresh page in the same tab. */
  async startOver() {
    if (/^(connecting|waiting|in-call)/.test(await this.state().catch(() => ''))) {
      await this.press('hangup');
      await this.until('has left', async () => /^(ended|failed)/.test(await this.state()));
    }
    await this.page.goto('about:blank');
    this.complaints.length = 0;
    this.requests.length = 0;
  }

  /** What is written on the page: verdict, doors and their fields. */
  panel() {
    return this.page.evaluate(readPanel);
  }

  /** What the browser counted in the newest peer connection. */
  stats() {
    return this.page.evaluate(readStats);
  }

  /** What the page did with the browser's interfaces. */
  did() {
    return this.page.evaluate(() => globalThis.sottoSpy.did);
  }

  /** Presses the button. @returns {Promise<string>} the text of the file that it saves */
  async saveReport() {
    const before = (await this.did()).saved.length;
    await this.press('save-report');
    return this.until('saves its report', async () => (await this.did()).saved[before]);
  }

  text(id) {
    return this.page.evaluate((name) => document.getElementById(name).textContent, id);
  }

  /** Sound and picture of the other end arrive, and go on arriving from now on. */
  async receives() {
    const first = await this.until('has a connection', () => this.stats());
    await this.until('sees and hears the other end', async () => {
      const now = await this.stats();
      return now && now.framesDecoded >= first.framesDecoded + 5
        && now.samplesHeard > first.samplesHeard && now.audioEnergy > 0 ? now : false;
    });
  }

  /** No fault of the page itself, and no request to anybody else. @param {string} origin */
  async isClean(origin) {
    const did = await this.did();
    assert.deepEqual(did.violations, [], `${this.name}: the content security policy was violated`);
    assert.deepEqual(this.complaints, [], `${this.name}: the console has errors`);
    for (const url of [...this.requests, ...did.sockets, ...did.fetches]) {
      if (/^(data|blob|about):/.test(url)) continue;
      const { host } = new URL(url);
      assert.equal(host, new URL(origin).host, `${this.name}: a request to another host: ${url}`);
    }
  }

  /** Nothing of sound or picture ever left this page. */
  async sentNoMedia() {
    const did = await this.did();
    assert.equal(did.attached, 0, `${this.name}: a track was given to a sender`);
    assert.equal(did.packetsSent, 0, `${this.name}: media packets were sent`);
    assert.equal(did.bytesSent, 0, `${this.name}: media bytes were sent`);
  }

  /** And nothing on a data channel either. */
  async sentNothing() {
    await this.sentNoMedia();
    assert.equal((await this.did()).dataSent, 0, `${this.name}: messages were sent on a data channel`);
  }

  async close() {
    await this.context.close();
  }
}
