// web/channels.js: what waits for the doors, what is dropped, and what is closed. The browser's side of it is played here.

import './browser.mjs';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Channels } from '../../web/channels.js';

class Rtc {
  readyState = 'connecting';
  bufferedAmount = 0;
  maxRetransmits = null;
  maxPacketLifeTime = null;
  sent = [];
  constructor(label, init = {}) {
    Object.assign(this, { label, protocol: '', ordered: true, ...init });
  }

  open() {
    this.readyState = 'open';
    this.onopen();
  }

  send(data) {
    this.sent.push(data);
  }

  close() {
    this.readyState = 'closing';
  }
}

/** A peer connection with its channels, and what was told of them. */
function scene() {
  const made = [];
  const pc = {
    createDataChannel(label, init) {
      made.push(new Rtc(label, init));
      return made.at(-1);
    },
  };
  const told = [];
  const heard = [];
  const channels = new Channels(pc, (channel) => {
    told.push(channel.label);
    channel.on = {
      opened: () => heard.push('opened'), message: (data) => heard.push(data), closed: () => heard.push('closed'), room: () => heard.push('room'),
    };
  });
  const file = (init = {}, label = 'file') => new Rtc(label, { protocol: 'sotto.file.v1', ...init });
  const offer = (rtc) => {
    rtc.readyState = 'open';
    pc.ondatachannel({ channel: rtc });
    return rtc;
  };
  return { channels, made, told, heard, offer, file };
}

test('the two channels of a call are made as the protocol says, once', () => {
  const { channels, made } = scene();
  channels.make();
  channels.make();
  assert.deepEqual(made.map(({ label, id, protocol, negotiated, ordered }) => ({ label, id, protocol, negotiated, ordered })), [
    { label: 'trust', id: 0, protocol: 'sotto.trust.v1', negotiated: true, ordered: true },
    { label: 'chat', id: 1, protocol: 'sotto.chat.v1', negotiated: true, ordered: true }]);
});

test('what comes before the doors hold is told after it, in order; nothing goes out before', () => {
  const { channels, made, told, heard } = scene();
  channels.make();
  const [, chat] = made;
  chat.open();
  chat.onmessage({ data: 'one' });
  chat.onmessage({ data: Uint8Array.of(2).buffer });
  assert.equal(channels.chat.send('early'), false);
  assert.deepEqual([told, heard, chat.sent], [[], [], []]);
  channels.admit();
  assert.deepEqual([told, heard], [['chat'], ['opened', 'one', Uint8Array.of(2)]]);
  chat.onmessage({ data: 'three' });
  assert.equal(heard.at(-1), 'three');
  assert.equal(channels.chat.send('now'), true);
  assert.deepEqual(chat.sent, ['now']);
  made[0].open();
  assert.deepEqual(told, ['chat', 'trust']);
});

test('who is there is asked first, and nothing else is told or sent before it is settled', () => {
  const { channels, made, told, heard, offer, file } = scene();
  channels.make();
  for (const rtc of made) rtc.open();
  made[0].onmessage({ data: 'who' });
  made[1].onmessage({ data: 'a line' });
  channels.introduce();
  offer(file());
  assert.deepEqual([told, heard], [['trust'], ['opened', 'who']]);
  assert.deepEqual([channels.trust.send('me'), channels.chat.send('early'), channels.openFile()], [true, false, null]);
  channels.admit();
  assert.deepEqual([told, heard], [['trust', 'chat', 'file'], ['opened', 'who', 'opened', 'a line', 'opened']]);
});

test('of a call that failed nothing is told', () => {
  const { channels, made, told, heard } = scene();
  channels.make();
  made[1].open();
  made[1].onmessage({ data: 'lost' });
  channels.close();
  channels.admit();
  made[1].onmessage({ data: 'lost too' });
  assert.deepEqual([told, heard], [[], []]);
  assert.equal(channels.chat.send('late'), false);
});

test('what waits is bounded, in messages and in bytes, and a message in length', () => {
  for (const flood of [Array(65).fill('x'), Array(17).fill('y'.repeat(65536)), ['ü'.repeat(32769)], [new ArrayBuffer(65537)]]) {
    const { channels, made, told } = scene();
    channels.make();
    const [, chat] = made;
    chat.open();
    for (const data of flood) chat.onmessage({ data });
    assert.equal(chat.readyState, 'closing');
    channels.admit();
    assert.deepEqual(told, []);
  }
  const { channels, made, heard } = scene();
  channels.make();
  made[1].open();
  for (let i = 0; i < 16; i++) made[1].onmessage({ data: new ArrayBuffer(65536) });
  channels.admit();
  assert.equal(heard.length, 17);
  assert.equal(channels.chat.send('ü'.repeat(32769)), false);
  made[1].onmessage({ data: new ArrayBuffer(65537) });
  assert.deepEqual([heard.at(-1), made[1].readyState], ['closed', 'closing']);
});

test('a channel of another kind is closed, and so are too many before the doors hold', () => {
  const { channels, told, offer, file } = scene();
  channels.make();
  for (const odd of [file({ protocol: 'sotto.file.v2' }), file({}, 'chat'), file({ ordered: false }), file({ maxRetransmits: 0 }),
    file({ maxPacketLifeTime: 5 })]) {
    assert.equal(offer(odd).readyState, 'closing');
  }
  const files = Array.from({ length: 17 }, () => offer(file()));
  assert.deepEqual(files.map(({ readyState }) => readyState), [...Array(16).fill('open'), 'closing']);
  channels.admit();
  assert.deepEqual(told, Array(16).fill('file'));
});

test('a file of this end is opened in a call alone, and tells when it may be sent on', () => {
  const { channels, made, told } = scene();
  assert.equal(channels.openFile(), null);
  channels.make();
  made[1].open();
  assert.equal(channels.openFile(), null);
  channels.admit();
  const file = channels.openFile();
  const heard = [];
  file.on = { opened: () => heard.push('opened'), message() {}, closed: () => heard.push('closed'), room() {} };
  assert.equal(file.send('early'), false);
  made[2].open();
  assert.deepEqual(heard, ['opened']);
  assert.equal(file.send('now'), true);
  channels.close();
  assert.deepEqual([heard, told], [['opened', 'closed'], ['chat']]);
});
