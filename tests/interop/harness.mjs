// Two ends of a call, one of them foreign, that hear each other through this process.
//
// An end is a program. It takes commands on standard input and tells events on standard output, an object of JSON a line:
//
//   {do: 'offer'}                     makes an offer
//   {do: 'take', type, sdp}           takes a description; an offer it answers at once
//   {do: 'candidate', candidate, mid} takes one
//   {do: 'add-video'}                 has a picture from the next offer on
//   {do: 'want-key'}                  asks the other end for a key frame
//   {do: 'open-channel', label, protocol, unordered, repeats, life, negotiated, id}
//   {do: 'send', id, text | length}   a text, or so many bytes: i ^ i >> 8;  {do: 'close-channel', id}
//   {do: 'facts'}                     tells what is so
//   {do: 'close'}                     says goodbye and ends
//   {event: 'description', type, sdp}, {event: 'candidate', candidate, mid}, {event: 'state', state}, {event: 'facts', ...}
//   {event: 'channel', kind, id, ...}, {event: 'message', id, text, length, sha256, body}

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { readClockStrip } from '../browser/clock_strip.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
// Debian's own, for which its packages are; another Python may come first in PATH.
const PYTHON = '/usr/bin/python3';
const PATIENCE = 20_000;
const RATE = 48000;

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** What a test asks of an end, however it is reached. */
export class AnyEnd {
  events = [];
  errors = '';
  /** Hears each event, after it was noted. */
  lines = new EventEmitter();
  #waiters = [];

  constructor(name) {
    this.name = name;
  }

  note(event) {
    this.events.push(event);
    this.wake();
    this.lines.emit('line');
  }

  wake() {
    for (const wake of this.#waiters.splice(0)) wake();
  }

  isOver() {
    return false;
  }

  /** The next event of that name, from the given place on. */
  async next(event, test = () => true, from = 0, what = event) {
    const limit = Date.now() + PATIENCE;
    for (;;) {
      const found = this.events.slice(from).find((e) => e.event === event && test(e));
      if (found) return found;
      const over = this.isOver();
      if (over || Date.now() > limit) {
        const last = this.events.slice(-3).map((e) => JSON.stringify(e).slice(0, 300)).join(' ');
        throw new Error(`${this.name} ${over ? 'ended' : 'waited too long'} before ${what}; last: ${last}; stderr: ${this.errors}`);
      }
      await new Promise((done) => {
        this.#waiters.push(done);
        setTimeout(done, 100).unref();
      });
    }
  }

  /** Asks with a command, and waits for the event that answers. */
  ask(command, event, test) {
    const from = this.events.length;
    this.tell(command);
    return this.next(event, test, from);
  }

  facts() {
    return this.ask({ do: 'facts' }, 'facts');
  }

  /** Looks at the facts until they are so. */
  async reaches(what, test) {
    const limit = Date.now() + PATIENCE;
    for (;;) {
      const facts = await this.facts();
      if (test(facts)) return facts;
      if (Date.now() > limit) throw new Error(`${this.name} waited too long for ${what}: ${JSON.stringify(facts)}; stderr: ${this.errors}`);
      await pause(100);
    }
  }
}

export class End extends AnyEnd {
  constructor(t, name, program, args) {
    super(name);
    this.child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' } });
    this.child.stderr.on('data', (d) => { this.errors += d; });
    this.child.stdin.on('error', () => {}); // it ended: what it was told says nothing, its exit code does
    this.ended = new Promise((done) => this.child.on('close', (code, signal) => done({ code, signal })));
    this.ended.then(() => this.wake());
    createInterface({ input: this.child.stdout }).on('line', (line) => this.note(JSON.parse(line)));
    t.after(async () => {
      this.child.kill('SIGKILL');
      await this.ended;
    });
  }

  isOver() {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  tell(command) {
    this.child.stdin.write(`${JSON.stringify(command)}\n`);
  }

  async closes() {
    this.tell({ do: 'close' });
    assert.deepEqual(await this.ended, { code: 0, signal: null }, `${this.name}: ${this.errors}`);
    if (this.recorded) assertRecorded(this.recorded);
  }
}

export const ours = (t, ...args) => new End(t, 'sotto', process.env.SOTTO_PEER, args);
export const foreign = (t, program, ...args) => new End(t, program, PYTHON, [join(HERE, `${program}_end.py`), ...args]);

/** Hands on what one end trickles, from its first one on. */
function trickle(from, to) {
  let at = 0;
  const pass = () => {
    for (; at < from.events.length; at++) {
      const { event, candidate, mid, ufrag } = from.events[at];
      if (event === 'candidate') to.tell({ do: 'candidate', candidate, mid, ufrag });
    }
  };
  pass();
  from.lines.on('line', pass);
}

/** Offer and answer, each of which may be changed on its way, and with the first of them all candidates. */
export async function negotiate(offerer, answerer, { changeOffer, changeAnswer } = {}) {
  const take = ({ type, sdp }, change = (text) => text) => ({ do: 'take', type, sdp: change(sdp) });
  const offer = await offerer.ask({ do: 'offer' }, 'description', (e) => e.type === 'offer');
  const asked = answerer.ask(take(offer, changeOffer), 'description', (e) => e.type === 'answer');
  if (!offerer.trickles) trickle(offerer, answerer);
  const answer = await asked;
  offerer.tell(take(answer, changeAnswer));
  if (!offerer.trickles) trickle(answerer, offerer);
  offerer.trickles = answerer.trickles = true;
  return { offer: offer.sdp, answer: answer.sdp };
}

// ---- what our end has recorded ----

export function folder(t) {
  const dir = mkdtempSync(join(tmpdir(), 'sotto-interop-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

function decode(file, ...args) {
  const done = spawnSync('ffmpeg', ['-v', 'error', '-i', file, ...args, '-'], { maxBuffer: 1 << 30 });
  assert.equal(done.status, 0, String(done.stderr));
  return done.stdout;
}

/** How much of the energy of these samples lies at one frequency: 0 to 1 (Goertzel). */
function share(samples, hz) {
  const coefficient = 2 * Math.cos(2 * Math.PI * hz / RATE);
  let a = 0, b = 0, energy = 0;
  for (const x of samples) {
    [a, b] = [x + coefficient * a - b, a];
    energy += x * x;
  }
  return energy === 0 ? 0 : 2 * (a * a + b * b - coefficient * a * b) / (samples.length * energy);
}

/** In how many of the 100 ms that were recorded the tone is nearly all there is. */
export function heard(file, hz) {
  const bytes = decode(file, '-map', '0:a', '-ac', '1', '-ar', String(RATE), '-f', 's16le');
  const samples = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1);
  let toned = 0, count = 0;
  for (let at = 0; at + RATE / 10 <= samples.length; at += RATE / 10, count++) toned += share(samples.subarray(at, at + RATE / 10), hz) > 0.8;
  return { count, toned };
}

/** What the clocks of the recorded pictures show. */
export function seen(file, width, height) {
  const bytes = decode(file, '-map', '0:v', '-fps_mode', 'passthrough', '-f', 'rawvideo', '-pix_fmt', 'rgba');
  const size = 4 * width * height;
  assert.equal(bytes.length % size, 0, 'pictures have the size that was sent');
  const clocks = [];
  for (let at = 0; at < bytes.length; at += size) clocks.push(readClockStrip({ data: bytes.subarray(at, at + size), width, height }));
  return clocks;
}

// ---- what every call must come to ----

const FOREIGN_TONE = 660; // signals.py

/** Both fingerprints held: our end says so of theirs, and what comes through shows that they took ours. */
export async function assertVerified(here, { client }) {
  const facts = await here.reaches('an open call', (f) => f.state === 'open' || f.state === 'failed');
  assert.equal(facts.failure, null);
  assert.ok(facts.verified, 'the certificate is the promised one');
  assert.equal(facts.dtls_client, client);
  assert.match(facts.dtls, /^1\.[23]$/);
  assert.match(facts.srtp, /^(AEAD_AES_|AES128_CM_HMAC_SHA1_80)/);
  return facts;
}

/** Each end has the other's tone and the other's clock, decoded, and RTCP comes and goes. What was recorded is
 * looked at when our end has closed. */
export async function assertHeardAndSeen(here, there, file, { reports }) {
  const from = await here.facts();
  const facts = await here.reaches('two seconds of both kinds', (f) => f.audio.frames > from.audio.frames + 100 &&
    f.video.frames > from.video.frames + 20 && f.received_rtcp > 1 && (!reports || f.round_trip_known));
  assert.equal(facts.refused, 0);
  const their = await there.reaches('two seconds of both kinds', (f) => f.sounds > 100 && f.clocks > 20);
  assert.ok(their.toned > 0.8 * their.sounds, `${their.toned} of ${their.sounds} sounds are the tone of 440 Hz`);
  assert.ok(their.clocks > 0.8 * their.full, `the clock of ${their.clocks} of ${their.full} pictures of full size can be read: ${JSON.stringify(their)}`);
  assert.ok(their.forward, 'pictures come in order');
  here.recorded = { file, size: [320, 240] };
}

/** What our end has recorded of the foreign one; once it has ended, since only then is the file whole. */
export function assertRecorded({ file, size }) {
  const { count, toned } = heard(file, FOREIGN_TONE);
  assert.ok(count >= 15 && toned > 0.9 * count, `${toned} of ${count} tenths of a second are the tone of ${FOREIGN_TONE} Hz`);
  const clocks = seen(file, ...size);
  assert.ok(clocks.length >= 15, `${clocks.length} pictures`);
  for (let i = 1; i < clocks.length; i++) assert.ok(clocks[i] > clocks[i - 1], `clocks go forward: ${clocks}`);
}
