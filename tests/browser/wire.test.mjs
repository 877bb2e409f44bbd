// A capture of a whole call: nothing that is sealed can be read in it, and media is encrypted from its first packet on.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Capture, early, plainStreams, readable } from './capture.mjs';
import { PATIENT, World } from './harness.mjs';
import { bothReceive, call, hangUp, panelsAgree } from './pairs.mjs';
import { act, fileIs, offer, reads, say } from './talk.mjs';

const world = new World();
let server, capture, browsers;

before(async () => {
  server = await world.server();
  capture = await Capture.start(world);
  browsers = { Chromium: await world.chromium(server), Firefox: await world.firefox(server) };
}, PATIENT);
after(() => world.close());

const LINE = 'written by one, to be read by one';
const NAME = 'for nobody else.txt';
const CONTENT = 'what stands in a file goes the same way';

const digestOf = (text) => text.split(' ')[1];

/** In every way in which it could lie in a packet. */
function wantedFrom(panels, secret) {
  const wanted = {
    'the head of a description': 'v=0\r\no=', 'the same within JSON': 'v=0\\r\\no=', 'a fingerprint line': 'a=fingerprint',
    'a candidate': 'candidate:', 'a line of chat': LINE, 'the name of a file': NAME, 'a file': CONTENT, 'the secret of the link': secret, 'the same as bytes': Buffer.from(secret, 'base64url').subarray(0, 16),
  };
  for (const [i, { doors }] of panels.entries()) {
    const digest = digestOf(doors.fingerprints.fields.mine);
    wanted[`fingerprint ${i}`] = digest;
    wanted[`fingerprint ${i} in lower case`] = digest.toLowerCase();
    wanted[`fingerprint ${i} without colons`] = digest.replaceAll(':', '');
    wanted[`fingerprint ${i} as bytes`] = Buffer.from(digest.replaceAll(':', ''), 'hex');
  }
  return wanted;
}

/** The call's own packets: what drives the browsers speaks over loopback too. @param {import('./capture.mjs').Packet[]} packets */
function ofTheCall(packets) {
  const end = `:${server.port}`;
  return packets.filter(({ proto, from, to }) => proto === 'udp' || from.endsWith(end) || to.endsWith(end));
}

/** The same things once in the open: a check that cannot fail is none. */
async function control(wanted) {
  const mark = await capture.mark();
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => {});
  // The server hangs up on who speaks no TLS, so it is all said at once.
  await new Promise((done) => socket.write(Buffer.concat(Object.values(wanted).map((what) => Buffer.from(what))), done));
  for (const what of Object.values(wanted)) {
    await new Promise((done) => capture.socket.send(Buffer.from(what), 9, '127.0.0.1', done));
  }
  socket.destroy();
  // What Opus and VP8 look like without encryption: the same first byte of every payload.
  for (const [type, first] of [[111, 0x78], [96, 0x90]]) {
    for (let number = 0; number < 50; number++) {
      const head = Buffer.from([0x80, type, 0, number, 0, 0, 0, 0, 1, 2, 3, type]);
      const packet = Buffer.concat([head, Buffer.of(first), randomBytes(80)]);
      await new Promise((done) => capture.socket.send(packet, 9, '127.0.0.1', done));
    }
  }
  await capture.mark();
  return ofTheCall(capture.packets.slice(mark));
}

for (const [first, last] of [['Chromium', 'Firefox'], ['Firefox', 'Chromium']]) {
  test(`${last} calls ${first}: a capture of the whole call tells nothing`, PATIENT, async (t) => {
    const mark = await capture.mark();
    const [a, b] = [await browsers[first].visitor('A'), await browsers[last].visitor('B')];
    t.after(() => Promise.all([a.close(), b.close()])); // else the next capture would have what is left of this call
    const link = await server.link();
    await call(a, b, link);
    await bothReceive(a, b);
    const panels = await panelsAgree(a, b);
    const isLong = async () => {
      await capture.mark();
      return plainStreams(capture.packets.slice(mark)).streams >= 4;
    };
    // Sound and picture both ways, with enough packets of each to tell encrypted from not.
    await a.until('has sent and received enough', isLong);
    await say(a, LINE);
    await reads(b, LINE);
    const path = join(world.folder, NAME);
    writeFileSync(path, CONTENT);
    await offer(b, path);
    await act(a, NAME, 'accept');
    await fileIs(b, NAME, 'done');
    await hangUp(a, b);
    await capture.mark();
    const packets = ofTheCall(capture.packets.slice(mark));

    const wanted = wantedFrom(panels, link.split('#')[1]);
    assert.deepEqual(readable(packets, wanted), [], 'what can be read in the capture');
    assert.deepEqual(plainStreams(packets).plain, [], 'streams that are not encrypted');
    assert.deepEqual(early(packets), [], 'media before the handshake is done');

    const open = await control(wanted);
    for (const proto of ['udp', 'tcp']) {
      const found = readable(open.filter((packet) => packet.proto === proto), wanted);
      assert.deepEqual(found, Object.keys(wanted), `over ${proto} in the open it would have been found`);
    }
    assert.equal(plainStreams(open).plain.length, 2, 'and so would plain media');
    assert.ok(early(open).length > 0);
  });
}
