// The page in a person's hands: devices and what may be wrong with them, servers that are slow, gone or newer.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PATIENT, World } from './harness.mjs';
import { bothReceive, call, hangUp } from './pairs.mjs';

const world = new World();
let server, chromium;

before(async () => {
  server = await world.server();
  chromium = await world.chromium(server);
}, PATIENT);
after(() => world.close());

/** Runs in the page, before it: keeps the tracks that it captured, and can make the devices fail. */
function watchDevices() {
  const watch = { tracks: [], fault: '' };
  globalThis.sottoDevices = watch;
  const real = MediaDevices.prototype.getUserMedia;
  MediaDevices.prototype.getUserMedia = async function (wish) {
    if (watch.fault) throw new DOMException('for a test', watch.fault);
    const stream = await real.call(this, wish);
    watch.tracks.push(...stream.getTracks());
    return stream;
  };
}

/** @returns {Promise<string>} the name of the microphone that runs, or nothing */
const microphone = (visitor) => visitor.page.evaluate(() =>
  globalThis.sottoDevices.tracks.findLast((track) => track.kind === 'audio' && track.readyState === 'live')?.label ?? '');

async function atTheDoor() {
  const visitor = await chromium.visitor();
  await visitor.page.evaluateOnNewDocument(watchDevices);
  await visitor.open(await server.link());
  await visitor.reaches('prejoin');
  return visitor;
}

test('the microphone that was chosen is the one that runs, and one that is gone gives way to another', PATIENT, async () => {
  const visitor = await atTheDoor();
  await visitor.turnOn();
  const first = await microphone(visitor);
  const names = await visitor.until('names the microphones', async () => {
    const found = await visitor.page.evaluate(() => [...document.querySelectorAll('#pick-audio option')].map((o) => o.textContent));
    return found.length > 1 && found;
  });
  for (const name of names.filter((n) => n !== first)) {
    const id = await visitor.page.evaluate((wanted) =>
      [...document.querySelectorAll('#pick-audio option')].find((o) => o.textContent === wanted).value, name);
    await visitor.page.select('#pick-audio', id);
    await visitor.until(`runs ${name}`, async () => await microphone(visitor) === name);
  }
  await visitor.page.evaluate(() => document.getElementById('pick-audio').append(new Option('unplugged', 'no-such-device')));
  await visitor.page.select('#pick-audio', 'no-such-device');
  await visitor.until('runs another one', async () => /./.test(await microphone(visitor)));
  assert.equal(await visitor.text('device-error'), '');
  await visitor.isClean(server.url);
  await visitor.close();
});

test('a page that the server did not hear in time tries again', PATIENT, async () => {
  const hasty = await world.server({ args: ['--join-timeout', '1'] });
  const other = await world.chromium(hasty);
  const visitor = await other.visitor();
  await visitor.page.evaluateOnNewDocument(() => {
    const { send } = WebSocket.prototype;
    let held = false;
    WebSocket.prototype.send = function (data) {
      if (held) return send.call(this, data);
      held = true;
      return undefined;
    };
  });
  await visitor.join(await hasty.link(), { media: false });
  await visitor.until('is told why it waits', async () => (await visitor.panel()).notice === 'join-timeout');
  assert.match(await visitor.text('notice'), /^The server did not hear this page in time\. .*goes on trying/);
  await visitor.reaches('waiting');
  assert.equal((await visitor.panel()).notice, '');
  assert.equal((await visitor.did()).sockets.length, 2);
  await other.close();
});

/** Two who are in a call. */
async function inCall(how) {
  const [a, b] = [await chromium.visitor('A'), await chromium.visitor('B')];
  await a.page.evaluateOnNewDocument(watchDevices);
  await call(a, b, await server.link(), how);
  return [a, b];
}

const shown = (visitor, id) => visitor.page.evaluate((name) => !document.getElementById(name).hidden, id);

test('mute, camera and screen as the other end sees them', PATIENT, async () => {
  const [a, b] = await inCall();
  await bothReceive(a, b);
  await a.press('mute');
  await b.until('is told of the mute', () => shown(b, 'other-muted'));
  await a.press('mute');
  await b.until('is told of its end', async () => !await shown(b, 'other-muted'));
  await a.press('camera');
  await b.until('sees no picture', async () => await shown(b, 'cover') && await b.text('cover-text') === 'Their camera is off');
  await a.press('screen');
  await b.until('sees a screen, whole', async () => !await shown(b, 'cover')
    && b.page.evaluate(() => document.getElementById('remote').classList.contains('fit')));
  const before = (await b.stats()).framesDecoded;
  await b.until('gets frames of it', async () => (await b.stats()).framesDecoded > before);
  assert.match(await a.text('screen'), /Stop sharing/);
  await a.press('screen');
  await b.until('sees no screen any more', () => shown(b, 'cover'));
  await a.press('camera');
  await b.until('sees a picture again', async () => !await shown(b, 'cover'));
  // What the page can't know it says it does not know.
  const { signaling, media } = (await a.panel()).doors;
  assert.match(signaling.fields.group, /^[A-Za-z0-9]+$/);
  assert.match(media.fields.group, /^not reported|^[A-Za-z0-9]+$/);
  await hangUp(a, b);
  for (const visitor of [a, b]) await visitor.close();
});

test('a device that is unplugged, missing or busy is told with what to do', PATIENT, async () => {
  const [a, b] = await inCall();
  await a.page.evaluate(() => {
    const track = globalThis.sottoDevices.tracks.findLast(({ kind, readyState }) => kind === 'audio' && readyState === 'live');
    track.stop();
    track.dispatchEvent(new Event('ended'));
  });
  await a.until('is told', async () => /^A device went away\. Plug it in again/.test(await a.text('notice')));
  await b.until('is told of the silence', () => shown(b, 'other-muted'));
  assert.equal(await a.state(), 'in-call');
  await hangUp(a, b);
  for (const visitor of [a, b]) await visitor.close();

  const visitor = await atTheDoor();
  for (const [fault, words] of [['NotFoundError', /^No such device was found\..*join without/], ['NotReadableError', /^The device is in use\..*Close what uses it/]]) {
    await visitor.page.evaluate((name) => { globalThis.sottoDevices.fault = name; }, fault);
    await visitor.press('preview-on');
    await visitor.until(`tells of ${fault}`, async () => words.test(await visitor.text('device-error')));
  }
  await visitor.close();
});

test('the link is copied with a press, and the page is used with keys alone', PATIENT, async () => {
  const visitor = await atTheDoor();
  await visitor.page.evaluate(() => {
    const { writeText } = Clipboard.prototype;
    Clipboard.prototype.writeText = async function (text) {
      await writeText.call(this, text);
      globalThis.sottoCopied = text;
    };
  });
  await visitor.press('copy-link');
  await visitor.until('says so', async () => await visitor.text('copy-label') === 'Copied');
  assert.equal(await visitor.page.evaluate(() => globalThis.sottoCopied),
    await visitor.page.evaluate(() => document.getElementById('link').value));

  const reach = async (id) => {
    for (let presses = 0; presses < 40; presses++) {
      if (await visitor.page.evaluate(() => document.activeElement?.id) === id) return;
      await visitor.page.keyboard.press('Tab');
    }
    assert.fail(`no Tab leads to ${id}`);
  };
  await reach('join');
  await visitor.page.keyboard.press('Enter');
  await visitor.reaches('waiting');
  const nodes = [];
  const walk = (node) => { nodes.push(node); node.children?.forEach(walk); };
  walk(await visitor.page.accessibility.snapshot());
  const controls = nodes.filter(({ role }) => ['button', 'textbox', 'combobox', 'checkbox'].includes(role));
  assert.ok(controls.length >= 6, `${controls.length} controls`);
  for (const { role, name } of controls) assert.ok(name, `a ${role} without a name`);
  assert.ok(controls.some(({ name }) => name === 'Hang up'));
  await reach('hangup');
  await visitor.page.keyboard.press('Space');
  await visitor.reaches('ended hangup');
  await visitor.close();
});

test('phones: nothing scrolls sideways, every control is in sight; and both colour schemes can be read', PATIENT, async () => {
  const visitor = await atTheDoor();
  const fits = () => visitor.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
  const sizes = [[320, 568], [390, 844]];
  const narrow = async (what) => {
    for (const [width, height] of sizes) {
      await visitor.page.setViewport({ width, height });
      assert.ok(await fits(), `${what} scrolls sideways at ${width}`);
    }
  };
  await narrow('before the call');
  await visitor.press('join');
  await visitor.reaches('waiting');
  await narrow('the waiting room');
  for (const open of [false, true]) {
    if (open) await visitor.press('panel-toggle');
    for (const [width, height] of sizes) {
      await visitor.page.setViewport({ width, height });
      const boxes = await visitor.page.evaluate(() => ['mute', 'camera', 'screen', 'talk-toggle', 'settings', 'hangup'].map((id) => {
        const { left, right, bottom } = document.getElementById(id).getBoundingClientRect();
        return { id, in: left >= 0 && right <= innerWidth && bottom <= innerHeight };
      }));
      for (const box of boxes) assert.ok(box.in, `${box.id} is out of sight at ${width}x${height}, panel ${open ? 'open' : 'folded'}`);
    }
  }
  for (const value of ['light', 'dark']) {
    await visitor.page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value }]);
    const contrast = await visitor.page.evaluate(() => {
      const light = (colour) => {
        const [r, g, b] = colour.match(/\d+/g).map((n) => (n / 255 <= 0.04045 ? n / 255 / 12.92 : ((n / 255 + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const { color, backgroundColor } = getComputedStyle(document.body);
      const [dim, bright] = [light(color), light(backgroundColor)].sort((x, y) => x - y);
      return { ratio: (bright + 0.05) / (dim + 0.05), dark: light(backgroundColor) < 0.2 };
    });
    assert.ok(contrast.ratio >= 4.5, `${value}: ${contrast.ratio}`);
    assert.equal(contrast.dark, value === 'dark');
  }
  await visitor.close();
});

test('a server that is gone, or speaks another protocol, is told', PATIENT, async () => {
  const brief = await world.server();
  const other = await world.chromium(brief);
  const visitor = await other.visitor();
  await visitor.open(await brief.link());
  await visitor.reaches('prejoin');
  await brief.kill();
  await visitor.press('join');
  await visitor.until('is told', async () => await visitor.text('notice') === 'The server cannot be reached. The page goes on trying.');
  await visitor.page.evaluate(() => {
    globalThis.fetch = async () => new Response('{"status":"ok","protocols":["sotto.v9"]}');
  });
  await visitor.reaches('failed page-outdated');
  assert.equal(await visitor.text('over-remedy'), 'Reload the page.');
  await other.close();
});
