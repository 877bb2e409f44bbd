// Microphone, loudspeaker, screen and window of `sotto call`: real calls whose devices are a PulseAudio and an X server of
// the test's own. The camera has no test: these machines can't pretend to have one.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Call, linkOf } from './call.mjs';
import { command, folder, freePorts, Server, SOTTO, within } from './harness.mjs';

const RATE = 48000;
const PIECE = RATE / 10;
const TOO_LATE = 700; // ms: a loaded machine's; PulseAudio's own buffers would hold two seconds

function run(program, args, env, options = {}) {
  return within(new Promise((done, fail) => {
    execFile(program, args, { env: { ...process.env, ...env }, encoding: 'buffer', maxBuffer: 1 << 26, ...options },
      (error, out, err) => (error && !options.mayFail ? fail(new Error(`${program}: ${error.message} ${err}`))
        : done({ out, err, code: error ? error.code : 0 })));
  }), program);
}

/** Asks again until what comes is truthy. */
async function until(what, ask, ms = 60_000) {
  for (const end = Date.now() + ms; ;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited too long for ${what}`);
    await pause(50);
  }
}

/** A program that runs until the test is over, or until it is ended. */
function start(t, program, args, { env = {}, stdio = ['ignore', 'pipe', 'pipe'] } = {}) {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio });
  const ended = new Promise((done) => child.on('close', done));
  const end = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  child.stderr?.resume();
  t.after(end);
  return { child, ended, end };
}

/** A PulseAudio without any hardware: what is played into `voice` is the microphone, `ears` is the loudspeaker. */
async function sounds(t) {
  const dir = folder(t);
  const socket = join(dir, 'native');
  const env = { PULSE_SERVER: `unix:${socket}`, PULSE_COOKIE: join(dir, 'cookie'), XDG_RUNTIME_DIR: dir, HOME: dir };
  const modules = [`module-null-sink sink_name=ears rate=${RATE}`, `module-null-sink sink_name=voice rate=${RATE}`,
    `module-native-protocol-unix socket=${socket} auth-anonymous=1`];
  const pulse = start(t, 'pulseaudio', ['--daemonize=no', '--exit-idle-time=-1', '--disable-shm=yes', '-n',
    ...modules.flatMap((module) => ['-L', module])], { env });
  await until('PulseAudio', async () => (await run('pactl', ['info'], env, { mayFail: true })).code === 0);
  await run('pactl', ['set-default-sink', 'ears'], env);
  await run('pactl', ['set-default-source', 'voice.monitor'], env);
  return { dir, env, pulse };
}

/** What part of the energy is this tone's: 1 is a pure tone. */
function share(samples, hz) {
  let [re, im, all] = [0, 0, 0];
  samples.forEach((v, i) => {
    re += v * Math.cos(2 * Math.PI * hz * i / RATE);
    im += v * Math.sin(2 * Math.PI * hz * i / RATE);
    all += v * v;
  });
  return all === 0 ? 0 : 2 * (re * re + im * im) / samples.length / all;
}

/** Listens to what a sink plays; at: when something was first heard. */
class Ear {
  pieces = [];
  #rest = Buffer.alloc(0);

  constructor(t, env, sink) {
    const { child } = start(t, 'parec', ['-d', `${sink}.monitor`, '--raw', '--format=s16le', `--rate=${RATE}`, '--channels=1',
      '--latency-msec=10'], { env });
    child.stdout.on('data', (data) => this.#take(data));
  }

  #take(data) {
    this.#rest = Buffer.concat([this.#rest, data]);
    for (; this.#rest.length >= 2 * PIECE; this.#rest = this.#rest.subarray(2 * PIECE)) {
      const samples = Array.from({ length: PIECE }, (_, i) => this.#rest.readInt16LE(2 * i) / 32768);
      const loud = samples.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
      if (loud > 0.05) this.at ??= Date.now();
      this.pieces.push({ samples, loud });
    }
  }

  /** So many tenths of a second in which there is little else than this tone. */
  hears(hz, count) {
    return until(`a tone of ${hz} Hz; loudest so far: ${Math.max(0, ...this.pieces.map(({ loud }) => loud))}`,
      () => this.pieces.filter(({ samples, loud }) => loud > 0.05 && share(samples, hz) > 0.9).length >= count);
  }
}

/** An X server of its own, whose screen is of one colour. */
async function screen(t, colour) {
  const { child } = start(t, 'Xvfb', ['-displayfd', '3', '-screen', '0', '1024x768x24', '-noreset', '-nolisten', 'tcp'],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
  const number = await within(new Promise((done) => child.stdio[3].once('data', (d) => done(String(d).trim()))), 'Xvfb');
  const env = { DISPLAY: `:${number}`, SDL_VIDEODRIVER: 'x11', SDL_RENDER_DRIVER: 'software', SDL_FRAMEBUFFER_ACCELERATION: '0',
    LSAN_OPTIONS: `suppressions=${join(dirname(fileURLToPath(import.meta.url)), 'window.supp')}:print_suppressions=0` };
  await run('xsetroot', ['-solid', colour], env);
  return env;
}

/** The screen's pixels, by x and y. */
async function look(env) {
  const { out } = await run('ffmpeg', ['-nostdin', '-loglevel', 'error', '-f', 'x11grab', '-draw_mouse', '0', '-i', env.DISPLAY,
    '-frames:v', '1', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'], env);
  return (x, y) => [...out.subarray(3 * (1024 * y + x), 3 * (1024 * y + x) + 3)];
}

const near = (a, b, most = 24) => a.every((v, i) => Math.abs(v - b[i]) <= most);

/** What a person does to the window, as soon as there is one. */
const hand = (env, ...args) => until(`x11 ${args[0]}`, async () => {
  const { code, err } = await run(join(dirname(SOTTO), 'tests/x11'), args, env, { mayFail: true });
  assert.ok(code === 0 || code === 1, `x11 ${args[0]}: ${code} ${err}`);
  return code === 0;
});

async function hangUp(...calls) {
  calls[0].child.kill('SIGINT');
  for (const call of calls) assert.equal(await call.code(), 0, call.errors);
}

const faults = (call) => call.events.filter(({ event }) => event === 'fault');

test('the loudspeaker plays what is heard', async (t) => {
  const server = await Server.start(t);
  const link = await linkOf(server);
  const { env } = await sounds(t);
  const ear = new Ear(t, env, 'ears');
  const one = new Call(t, server, link, '--in', 'test');
  const two = new Call(t, server, link, '--out', 'speaker', env);
  await ear.hears(440, 20);
  await hangUp(one, two);
  assert.deepEqual(faults(two), []);
});

test('the microphone is heard at the other end, and soon', async (t) => {
  const server = await Server.start(t);
  const link = await linkOf(server);
  const { env, dir } = await sounds(t);
  const [voice, ears] = [new Ear(t, env, 'voice'), new Ear(t, env, 'ears')];
  const one = new Call(t, server, link, '--in', 'mic', env);
  const two = new Call(t, server, link, '--out', 'speaker', '--out', join(dir, 'heard.ogg'), env);
  await Promise.all([one.event('open'), two.event('open')]);
  // Both hear the silence before, so that what is measured is the sound's way and not the devices' start.
  await until('silence', () => voice.pieces.length > 5 && ears.pieces.length > 5);
  start(t, 'ffmpeg', ['-nostdin', '-loglevel', 'error', '-re', '-f', 'lavfi', '-i', `sine=frequency=700:sample_rate=${RATE}:duration=30`,
    '-af', 'volume=4', '-f', 'pulse', '-buffer_duration', '50', '-device', 'voice', 'test'], { env });
  await ears.hears(700, 20);
  assert.ok(ears.at - voice.at < TOO_LATE, `heard ${ears.at - voice.at} ms later`);
  await hangUp(one, two);
  const totals = await two.event('totals');
  assert.ok(totals.level > -30, `${totals.level} dBov`);
});

test('a PulseAudio that goes away in mid-call is said once, and the call goes on', async (t) => {
  const server = await Server.start(t);
  const link = await linkOf(server);
  const { env, dir, pulse } = await sounds(t);
  const file = join(dir, 'still.ogg');
  const one = new Call(t, server, link, '--in', 'mic', '--out', 'speaker', '--out', file, env);
  const two = new Call(t, server, link, '--in', 'test');
  await Promise.all([one.event('open'), two.event('open')]);
  await until('the first sound', () => statSync(file).size > 2000);
  await pulse.end();
  await one.event('fault', ({ text }) => /device gives no more/.test(text));
  await one.event('fault', ({ text }) => /loudspeaker plays no more.* start PulseAudio/.test(text));
  const size = statSync(file).size;
  await until('more sound in the file', () => statSync(file).size > size + 10_000);
  await hangUp(one, two);
  assert.equal(faults(one).length, 2, JSON.stringify(faults(one)));
});

test('on a terminal what is said of a device stays above the panel', async (t) => {
  const server = await Server.start(t);
  const link = await linkOf(server);
  const { env, pulse } = await sounds(t);
  const call = [SOTTO, 'call', '--loopback', '--ca', server.listening.ca, '--in', 'mic', '--out', 'speaker', link];
  const { child, ended } = start(t, 'python3', ['tests/server/on_terminal.py', '80', '24', ...call],
    { env: { ...env, TERM: 'xterm-256color' }, stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (d) => { output += d; });
  const two = new Call(t, server, link, '--in', 'test');
  await until('the panel of an open call', () => output.includes('In call'));
  // The panel says so a moment before both devices are at work.
  for (const streams of ['sink-inputs', 'source-outputs'])
    await until(streams, async () => (await run('pactl', ['list', 'short', streams], env)).out.length > 0);
  await pulse.end();
  for (const said of ['gives no more', 'plays no more']) {
    await until(said, () => output.includes(said));
    // The panel has gone, and the cursor is back, before the sentence begins.
    const before = output.slice(0, output.lastIndexOf('sotto call: media', output.indexOf(said)));
    assert.ok(before.lastIndexOf('\x1b[?25h') > before.lastIndexOf('\x1b[?25l'), JSON.stringify(before.slice(-200)));
  }
  child.stdin.write('h');
  await within(ended, 'the call on the terminal to end');
  assert.equal(await two.code(), 0);
});

test('the screen is seen at the other end', async (t) => {
  const server = await Server.start(t);
  const link = await linkOf(server);
  const env = await screen(t, '#c04010');
  const file = join(folder(t), 'screen.webm');
  const one = new Call(t, server, link, '--in', 'screen', env);
  const two = new Call(t, server, link, '--out', file);
  await until('the first pictures', () => two.events.some(({ event }) => event === 'open') && statSync(file).size > 5000);
  await hangUp(one, two);
  const { out } = await run('ffmpeg', ['-nostdin', '-loglevel', 'error', '-i', file, '-frames:v', '1', '-vf', 'scale=1:1',
    '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'], {});
  assert.ok(near([...out], [0xc0, 0x40, 0x10]), `the colour ${[...out]}`);
});

test('the window shows what is seen, keeps its form, and hangs up when it is closed', async (t) => {
  const server = await Server.start(t);
  const link = await linkOf(server);
  const env = await screen(t, '#204060');
  const one = new Call(t, server, link, '--in', 'test');
  const two = new Call(t, server, link, '--out', 'window', env);
  // 640 x 360 in the middle: at the bottom the picture is orange to the left, purple to the right.
  const [left, right, around] = [[140, 88, 32], [140, 60, 160], [0x20, 0x40, 0x60]];
  await until('the picture', async () => {
    const at = await look(env);
    return near(at(210, 550), left, 48) && near(at(815, 550), right, 48) && near(at(100, 100), around, 2) && near(at(512, 600), around, 2);
  });
  // Half as high: the picture is 320 x 180 in the middle of the window, which stays where its corner is; black beside it.
  const [x, y] = [512 - 320, 384 - 180];
  await hand(env, 'resize', '640', '180');
  await until('the smaller picture', async () => {
    const at = await look(env);
    return near(at(x + 5, y + 170), [0, 0, 0], 2) && near(at(x + 635, y + 170), [0, 0, 0], 2) && near(at(x + 170, y + 174), left, 48) &&
      near(at(x + 470, y + 174), right, 48) && near(at(x + 320, y + 190), around, 2);
  });
  await hand(env, 'close');
  assert.deepEqual(await Promise.all([one.code(), two.code()]), [0, 0], JSON.stringify([one.events, two.events, two.errors]));
  assert.deepEqual(faults(two), []);
});

test('the window goes on with another codec, size and form in mid-call', async (t) => {
  const server = await Server.start(t);
  const link = await linkOf(server);
  const env = await screen(t, '#000000');
  const port = await freePorts();
  const one = new Call(t, server, link, '--rtp-in', `127.0.0.1:${port}`);
  const two = new Call(t, server, link, '--out', 'window', env);
  await Promise.all([one.event('open'), two.event('open')]);
  const send = (colour, size, ...codec) => start(t, 'ffmpeg', ['-nostdin', '-loglevel', 'error', '-re', '-f', 'lavfi', '-i',
    `color=c=${colour}:s=${size}:r=25`, '-pix_fmt', 'yuv420p', '-g', '10', ...codec, '-f', 'rtp', `rtp://127.0.0.1:${port + 2}?pkt_size=1200`]);
  const first = send('0x30a040', '320x240', '-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-payload_type', '96');
  await until('green', async () => {
    const at = await look(env);
    return near(at(512, 384), [0x30, 0xa0, 0x40]) && near(at(512, 384 - 180), [0x30, 0xa0, 0x40]);
  });
  await first.end();
  send('0x2040c0', '640x240', '-c:v', 'libx264', '-profile:v', 'baseline', '-level', '3.1', '-preset', 'ultrafast', '-tune',
    'zerolatency', '-payload_type', '102');
  // Now it is twice as wide as high, in the same window: black above and below.
  await until('blue', async () => {
    const at = await look(env);
    return near(at(512, 384), [0x20, 0x40, 0xc0]) && near(at(512, 384 - 180), [0, 0, 0], 2) && near(at(512, 384 + 180), [0, 0, 0], 2);
  });
  await hangUp(one, two);
  assert.deepEqual(faults(two), []);
});

test('where there is no loudspeaker and no screen, it is said before anybody is called', async (t) => {
  const server = await Server.start(t);
  const link = await linkOf(server);
  const dir = folder(t);
  const none = { DISPLAY: '', WAYLAND_DISPLAY: '', SDL_VIDEODRIVER: '', PULSE_SERVER: `unix:${join(dir, 'nobody')}` };
  for (const [what, said] of [['speaker', /no loudspeaker can be opened: .*start PulseAudio/], ['window', /DISPLAY.*--out call\.webm/]]) {
    const { code, err } = await command(['call', '--ca', server.listening.ca, '--out', what, link], none);
    assert.equal(code, 1, err);
    assert.match(err, said);
  }
  const { code, err } = await command(['call', '--out', 'speaker', '--out', 'speaker', link]);
  assert.equal(code, 2);
  assert.match(err, /once/);
});
