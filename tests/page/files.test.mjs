// web/files.js and web/transfers.js: a file from one end to the other, and the other end as a liar. The channel between the two
// is played here, with its buffer; everything that comes is checked as if it came from nobody in particular.

import './browser.mjs';
import assert from 'node:assert/strict';
import { Blob } from 'node:buffer';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Receiving, Sending } from '../../web/files.js';
import { Transfers } from '../../web/transfers.js';

globalThis.Blob ??= Blob;
const KIB = 1024;
const digest = (bytes) => createHash('sha256').update(bytes).digest('hex');
const bytes = (length, seed = 1) => Uint8Array.from({ length }, (_, i) => (i * seed + (i >> 8) + seed) & 255);
const turn = () => new Promise((done) => setImmediate(done));

/** As long as anything moves. */
async function settle(look, turns = 3000) {
  for (let i = 0; i < turns && !look(); i++) await turn();
  assert.ok(look(), 'it settles');
}

/** One end of a channel, as web/channels.js has it; what was sent stays in `sent`. */
class Line {
  label = 'file';
  sent = [];
  waiting = 0;
  ready = true;
  closed = false;
  on = { opened() {}, message() {}, closed() {}, room() {} };

  send(data) {
    if (this.closed) return false;
    this.sent.push(data);
    return true;
  }

  close() {
    if (this.closed) return;
    this.closed = true;
    this.on.closed();
  }

  /** What was said in words, and how many bytes went between. */
  get words() {
    return this.sent.filter((data) => typeof data === 'string').map((data) => JSON.parse(data));
  }

  get bytes() {
    return this.sent.reduce((sum, data) => sum + (typeof data === 'string' ? 0 : data.length), 0);
  }
}

/** Joins two ends. */
function join(one, two) {
  const pass = (from, to) => {
    from.send = (data) => {
      if (from.closed || to.closed) return false;
      from.sent.push(data);
      setImmediate(() => to.closed || to.on.message(data));
      return true;
    };
    const { close } = Line.prototype;
    from.close = () => {
      close.call(from);
      setImmediate(() => close.call(to));
    };
  };
  pass(one, two);
  pass(two, one);
}

/** A file that was offered, ready to be answered. */
async function offered(content, name = 'notes.txt') {
  const sending = new Sending(new Blob([content]), name, () => {});
  await sending.prepare();
  const line = new Line();
  sending.begin(line);
  line.on.opened();
  return { sending, line, say: (message) => line.on.message(typeof message === 'string' ? message : JSON.stringify(message)) };
}

/** A receiver that was offered this. */
function receiver(offer = { name: 'a', size: 3, sha256: digest('abc') }) {
  const line = new Line();
  const receiving = new Receiving(line, () => {});
  const say = (message) => line.on.message(typeof message === 'string' || message instanceof Uint8Array ? message : JSON.stringify(message));
  if (offer) say(offer);
  return { receiving, line, say };
}

const text = (value) => new TextEncoder().encode(value);

for (const [what, length] of [['an empty file', 0], ['one byte', 1], ['one piece', 65536], ['several windows', 5 * 1024 * KIB + 7]]) {
  test(`${what} comes whole, and both ends know it`, async () => {
    const content = bytes(length, 7);
    const { sending, line } = await offered(content, 'one.bin');
    const there = new Line();
    const receiving = new Receiving(there, () => {});
    join(line, there);
    there.on.message(line.sent[0]);
    assert.deepEqual(receiving.offer, { name: 'one.bin', size: length, sha256: digest(content) });
    assert.equal(line.bytes, 0, 'nothing is sent before it is taken');
    receiving.accept();
    await settle(() => sending.over && receiving.over && there.closed);
    assert.deepEqual([sending.state, receiving.state, sending.moved, receiving.moved], ['done', 'done', length, length]);
    assert.equal(digest(new Uint8Array(await receiving.blob.arrayBuffer())), digest(content));
    const gots = there.words.filter(({ got }) => got !== undefined).map(({ got }) => got);
    assert.equal(gots.length, Math.floor(length / (256 * KIB)));
    assert.ok(gots.every((got, i) => got === (i + 1) * 256 * KIB));
    assert.ok(line.closed, 'the sender closes');
  });
}

test('a sender stays within a mebibyte of what it was told, and within what the browser holds', async () => {
  const { sending, line, say } = await offered(bytes(3 << 20));
  say({ accept: true });
  await settle(() => line.bytes === 1 << 20);
  for (let i = 0; i < 20; i++) await turn();
  assert.equal(line.bytes, 1 << 20);
  say({ got: 65536 });
  await settle(() => line.bytes === (1 << 20) + 65536);
  line.waiting = 257 * KIB;
  say({ got: 1 << 20 });
  for (let i = 0; i < 20; i++) await turn();
  assert.equal(line.bytes, (1 << 20) + 65536);
  line.waiting = 0;
  line.on.room();
  await settle(() => line.bytes === 2 << 20);
  assert.equal(sending.state, 'moving');
  say({ got: 2 << 20 });
  await settle(() => sending.state === 'checking');
  assert.deepEqual(line.words.at(-1), { end: 3 << 20, sha256: sending.offer.sha256 });
  say({ done: true });
  assert.equal(sending.state, 'done');
});

test('what a receiver says out of turn, or cannot be, ends the sending', async () => {
  const lies = [
    ['offered', [{ got: 0 }]], ['offered', [{ done: true }]], ['offered', [{}]], ['offered', [{ accept: 'yes' }]], ['offered', ['no JSON']],
    ['offered', ['[true]']], ['offered', ['null']],
    ['moving', [{ accept: true }]], ['moving', [{ done: true }]], ['moving', [{ got: -1 }]], ['moving', [{ got: 1.5 }]],
    ['moving', [{ got: 1e300 }]], ['moving', [{ got: '5' }]], ['moving', [{ got: (1 << 20) + 1 }]], ['moving', [{ got: 70000 }, { got: 60000 }]],
  ];
  for (const [when, said] of lies) {
    const { sending, line, say } = await offered(bytes(2 << 20));
    if (when === 'moving') {
      say({ accept: true });
      await settle(() => line.bytes === 1 << 20);
    }
    for (const message of said) say(message);
    assert.deepEqual([sending.state, sending.code, line.closed], ['failed', 'file-order', true], JSON.stringify(said));
  }
  const { sending, line } = await offered(bytes(10));
  line.on.message(bytes(10));
  assert.equal(sending.code, 'file-order');
});

test('refused, stopped, cancelled, doubted: the sender says which', async () => {
  const refused = await offered(bytes(10));
  refused.say({ accept: false });
  assert.deepEqual([refused.sending.state, refused.line.bytes, refused.line.closed], ['refused', 0, true]);

  const stopped = await offered(bytes(2 << 20));
  stopped.say({ accept: true });
  stopped.line.close();
  assert.deepEqual([stopped.sending.state, stopped.sending.code], ['failed', 'file-stopped']);

  const cancelled = await offered(bytes(10));
  cancelled.sending.cancel();
  assert.deepEqual([cancelled.sending.state, cancelled.line.closed], ['cancelled', true]);

  const doubted = await offered(bytes(10));
  doubted.say({ accept: true });
  await settle(() => doubted.sending.state === 'checking');
  doubted.say({ done: false });
  assert.deepEqual([doubted.sending.state, doubted.sending.code], ['failed', 'file-not-taken']);
});

/** A file on a disk that is another one when it is read again, or cannot be. */
class Changing {
  reads = 0;
  constructor(size, read) {
    Object.assign(this, { size, read });
  }

  slice(at, end) {
    return { arrayBuffer: async () => this.read(end - at, this.reads++) };
  }
}

test('a file that changes or goes away after it was hashed is not passed off as the one offered', async () => {
  const other = await offered(bytes(0));
  for (const [read, code] of [
    [(length, reads) => bytes(length, reads + 1).buffer, 'file-changed'],
    [(length, reads) => bytes(reads ? length - 1 : length).buffer, 'file-unreadable'],
    [async (length, reads) => { if (reads) throw new Error('gone'); return bytes(length).buffer; }, 'file-unreadable'],
  ]) {
    const sending = new Sending(new Changing(1000, read), 'log.txt', () => {});
    await sending.prepare();
    const line = new Line();
    sending.begin(line);
    line.on.opened();
    line.on.message('{"accept":true}');
    await settle(() => sending.over);
    assert.deepEqual([sending.state, sending.code, line.closed], ['failed', code, true]);
    assert.ok(!line.words.some((word) => 'end' in word));
  }
  assert.equal(other.sending.state, 'offered');
});

test('offers that are none are not shown', () => {
  const sha256 = digest('abc');
  const bad = ['no JSON', '[]', '"offer"', '{}', { accept: true }, { name: 'a', size: 3 }, { name: 'a', size: null, sha256 },
    { name: 'a', size: 3, sha256: null }, { name: 'a', size: -1, sha256 }, { name: 'a', size: 0.5, sha256 }, { name: 'a', size: 1e300, sha256 },
    { name: 'a', size: 2 ** 53, sha256 }, { name: 'a', size: '3', sha256 }, { name: 'a', size: 3, sha256: sha256.toUpperCase() },
    { name: 'a', size: 3, sha256: sha256.slice(1) }, { name: 'a', size: 3, sha256: `${sha256}0` },
    ...['', '.', '..', '../../x', 'a/b', 'a\\b', 'a\nb', 'a\u0000', 'a\u0085', 'x'.repeat(256), 'ü'.repeat(128), '\ud800', 5, null, ['a']]
      .map((name) => ({ name, size: 3, sha256 }))];
  for (const message of bad) {
    const { receiving, line, say } = receiver(null);
    say(message);
    assert.deepEqual([receiving.state, receiving.offer, line.closed], ['failed', null, true], JSON.stringify(message));
  }
  const early = receiver(null);
  early.say(bytes(3));
  assert.deepEqual([early.receiving.state, early.line.closed], ['failed', true]);
  assert.equal(receiver({ name: 'ü'.repeat(127), size: 3, sha256, more: { of: ['this'] } }).receiving.state, 'offered');
});

test('what a sender says out of turn ends it, and nothing is kept', () => {
  const end = { end: 3, sha256: digest('abc') };
  const lies = [
    ['before it is taken', ['x', text('abc')]], ['before it is taken', ['x', end]], ['before it is taken', ['x', { name: 'b', size: 1, sha256: digest('b') }]],
    ['taken', [{ name: 'b', size: 1, sha256: digest('b') }]], ['taken', [{ end: 3 }]], ['taken', [{ end: -3, sha256: digest('abc') }]],
    ['taken', [{ end: '3', sha256: digest('abc') }]], ['taken', [{ end: 3, sha256: 'abc' }]], ['taken', ['no JSON']], ['taken', [{ got: 3 }]],
  ];
  for (const [when, said] of lies) {
    const { receiving, line, say } = receiver();
    if (when === 'taken') receiving.accept();
    for (const message of said.filter((m) => m !== 'x')) say(message);
    assert.deepEqual([receiving.state, receiving.code, line.closed, receiving.blob], ['failed', 'file-order', true, null], JSON.stringify(said));
  }
});

test('bytes, number or digest that do not fit are refused, and told so', () => {
  const right = digest('abc');
  const cases = [
    ['altered bytes', [text('abd'), { end: 3, sha256: right }]], ['altered bytes, told', [text('abd'), { end: 3, sha256: digest('abd') }]],
    ['too few', [text('ab'), { end: 3, sha256: right }]], ['too few, told', [text('ab'), { end: 2, sha256: digest('ab') }]],
    ['another number', [text('abc'), { end: 4, sha256: right }]], ['another digest', [text('abc'), { end: 3, sha256: digest('abd') }]],
  ];
  for (const [what, said] of cases) {
    const { receiving, line, say } = receiver();
    receiving.accept();
    for (const message of said) say(message);
    assert.deepEqual([receiving.state, receiving.code, receiving.blob], ['failed', 'file-mismatch', null], what);
    assert.deepEqual(line.words, [{ accept: true }, { done: false }], what);
  }
  const more = receiver();
  more.receiving.accept();
  more.say(text('abcd'));
  assert.deepEqual([more.receiving.code, more.line.closed, more.receiving.blob], ['file-mismatch', true, null]);
});

test('a file without a known end is taken by the number and digest at its end', async () => {
  for (const [sha256, state] of [[digest('abcdef'), 'done'], [digest('abc'), 'failed']]) {
    const { receiving, say, line } = receiver({ name: 'pipe', size: null, sha256: null });
    receiving.accept();
    say(text('abc'));
    say(text('def'));
    say({ end: 6, sha256 });
    assert.equal(receiving.state, state);
    assert.deepEqual(line.words.at(-1), { done: state === 'done' });
    if (state === 'done') assert.equal(await receiving.blob.text(), 'abcdef');
  }
});

test('after its last word a sender says no more; a close in the middle, a refusal and a cancel keep nothing', () => {
  const late = receiver();
  late.receiving.accept();
  late.say(text('abc'));
  late.say({ end: 3, sha256: digest('abc') });
  assert.equal(late.receiving.state, 'done');
  late.say(text('d'));
  assert.deepEqual([late.receiving.state, late.line.closed, late.receiving.moved], ['done', true, 3]);

  const cut = receiver();
  cut.receiving.accept();
  cut.say(text('ab'));
  cut.line.close();
  assert.deepEqual([cut.receiving.state, cut.receiving.code, cut.receiving.blob], ['failed', 'file-stopped', null]);

  const refused = receiver();
  refused.receiving.refuse();
  refused.receiving.accept();
  assert.deepEqual([refused.receiving.state, refused.line.words, refused.line.closed], ['refused', [{ accept: false }], true]);

  const cancelled = receiver();
  cancelled.receiving.accept();
  cancelled.say(text('ab'));
  cancelled.receiving.cancel();
  assert.deepEqual([cancelled.receiving.state, cancelled.line.closed, cancelled.receiving.blob], ['cancelled', true, null]);
});

test('the seventeenth channel of the other end is closed, until one of the sixteen is', () => {
  const shown = new Set();
  const transfers = new Transfers(() => null, (transfer) => shown.add(transfer));
  const lines = Array.from({ length: 17 }, () => new Line());
  for (const line of lines) transfers.take(line);
  assert.deepEqual(lines.map(({ closed }) => closed), [...Array(16).fill(false), true]);
  assert.equal(shown.size, 0, 'a channel without an offer is nothing to show');
  const offer = JSON.stringify({ name: 'a', size: 3, sha256: digest('abc') });
  lines[0].on.message(offer);
  assert.equal(shown.size, 1);
  // What was answered still counts as long as its channel is open.
  [...shown][0].accept();
  lines[0].on.message(text('abc'));
  lines[0].on.message(JSON.stringify({ end: 3, sha256: digest('abc') }));
  assert.equal([...shown][0].state, 'done');
  const next = new Line();
  transfers.take(next);
  assert.ok(next.closed);
  lines[0].close();
  const last = new Line();
  transfers.take(last);
  assert.ok(!last.closed);
  transfers.end();
  assert.ok(lines.every(({ closed }) => closed) && last.closed);
});

test('of this end sixteen are offered at once, the others wait; the end of the call ends all', async () => {
  const lines = [];
  const shown = new Set();
  const transfers = new Transfers(() => {
    lines.push(new Line());
    return lines.at(-1);
  }, (transfer) => shown.add(transfer));
  for (let i = 0; i < 18; i++) transfers.offer(new Blob([`file ${i}`]), `${i}.txt`);
  await settle(() => lines.length === 16 && [...shown].every(({ offer }) => offer));
  for (let i = 0; i < 20; i++) await turn();
  assert.equal(lines.length, 16);
  lines[3].on.opened();
  lines[3].on.message('{"accept":false}');
  await settle(() => lines.length === 17);
  const [first] = shown;
  first.cancel();
  await settle(() => lines.length === 18);
  transfers.end();
  assert.ok([...shown].every(({ over }) => over) && lines.every(({ closed }) => closed));
  transfers.offer(new Blob(['late']), 'late.txt');
  assert.equal(shown.size, 18);
});

test('a file that is cancelled while it is hashed, or before, is never offered', async () => {
  let opened = 0;
  const shown = new Set();
  const transfers = new Transfers(() => {
    opened++;
    return new Line();
  }, (transfer) => {
    shown.add(transfer);
    if (transfer.state === 'hashing' && transfer.moved > 0) for (const each of shown) each.cancel();
  });
  transfers.offer(new Blob([bytes(4 << 20)]), 'a');
  transfers.offer(new Blob([bytes(10)]), 'b');
  const [a, b] = shown;
  await settle(() => a.over);
  assert.equal(a.moved, 1 << 20);
  for (let i = 0; i < 50; i++) await turn();
  assert.deepEqual([opened, a.state, b.state], [0, 'cancelled', 'cancelled']);
});
