// `sotto call` with the call page in both browsers, each end as the first and as the last to come: a real Opus file in one
// direction, the browser's microphone in the other; and what of it goes over the wire.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { Capture, early, kindOf, plainStreams, readable } from './capture.mjs';
import { PATIENT, World } from './harness.mjs';
import { doorsOf, meet, Native } from './native.mjs';
import { pictures } from './trust.mjs';

const run = promisify(execFile);
const world = new World();
let server, browsers, capture, music;

before(async () => {
  server = await world.server();
  capture = await Capture.start(world);
  browsers = { Chromium: await world.chromium(server), Firefox: await world.firefox(server) };
  music = join(world.folder, 'music.ogg');
  await run('ffmpeg', ['-loglevel', 'error', '-f', 'lavfi', '-i', 'sine=frequency=330:duration=60', '-c:a', 'libopus', music]);
}, PATIENT);
after(() => world.close());

/** What the page shows of a call and what the command reports of it are the same. */
async function agree(visitor, native) {
  const panel = await visitor.panel();
  const report = await native.report();
  const doors = doorsOf(report);
  assert.equal(panel.verdict, 'verified');
  assert.equal(report.verdict.state, 'verified');
  assert.equal(panel.text, report.verdict.text);
  for (const [name, door] of Object.entries(panel.doors)) {
    // Two who never met, and have not compared.
    const wanted = name === 'person' ? 'pending' : 'held';
    assert.equal(door.state, wanted, name);
    assert.equal(doors[name].state, wanted, name);
  }
  const [page, own] = [panel.doors.fingerprints.fields, doors.fingerprints.fields];
  assert.equal(page.mine, own.signaled);
  assert.equal(page.mine, own.seen);
  assert.equal(page.signaled, own.mine);
  assert.equal(page.seen, own.mine);
  assert.equal(own.equal, true);
  for (const field of ['dtls', 'cipher']) assert.equal(panel.doors.media.fields[field], doors.media.fields[field], field);
  assert.equal(panel.doors.media.fields.srtp.replace(/^SRTP_/, ''), doors.media.fields.srtp);
  assert.deepEqual([panel.doors.media.fields.role, doors.media.fields.role].sort(), ['client', 'server']);
  assert.equal(panel.doors.seal.fields.agent, 'the Sotto program');
  assert.equal(doors.seal.fields.agent, 'a browser with the call page');
  assert.equal(panel.doors.path.fields.kind, 'direct');
  assert.equal(doors.path.fields.kind, 'direct');
  const { chain } = doors.signaling.fields;
  assert.equal(chain.length, 2, 'the server’s certificate and its anchor');
  assert.equal(chain[0].issuer, chain[1].subject);
}

/** @returns {Promise<number>} dB below full scale of a file's sound, as FFmpeg decodes it */
async function loudness(file) {
  const { stderr } = await run('ffmpeg', ['-hide_banner', '-i', file, '-af', 'volumedetect', '-f', 'null', '-']);
  return Number(/mean_volume: (-?[\d.]+) dB/.exec(stderr)[1]);
}

/** Nothing of this call could be read on the wire, and no media went out before the handshake was done. */
async function wireIsClean(mark, link, streams) {
  const enough = async () => {
    await capture.mark();
    return plainStreams(capture.packets.slice(mark)).streams >= streams;
  };
  return {
    enough,
    async check() {
      await capture.mark();
      const packets = capture.packets.slice(mark).filter(({ proto, from, to }) =>
        proto === 'udp' || from.endsWith(`:${server.port}`) || to.endsWith(`:${server.port}`));
      assert.ok(packets.some((packet) => kindOf(packet) === 'dtls'));
      assert.deepEqual(plainStreams(packets).plain, [], 'streams that are not encrypted');
      assert.deepEqual(early(packets), [], 'media before the handshake is done');
      assert.deepEqual(readable(packets, { secret: link.split('#')[1], ufrag: 'ice-ufrag', fingerprint: 'a=fingerprint' }), []);
    },
  };
}

for (const name of ['Chromium', 'Firefox']) {
  for (const last of ['native', 'browser']) {
    test(`${name} and sotto call, the ${last} end comes last: sound both ways, and the reports agree`, PATIENT, async () => {
      const visitor = await browsers[name].visitor(name);
      const link = await server.link();
      const wire = await wireIsClean(await capture.mark(), link, 2);
      const heard = join(world.folder, `${name}-${last}.ogg`);
      const start = () => new Native(world, server, link, '--in', music, '--out', heard);
      const native = await meet(visitor, link, start, last);
      await native.report();
      await visitor.until('hears the file', async () => {
        const stats = await visitor.stats();
        return stats && stats.samplesHeard > 0 && stats.audioEnergy > 0;
      });
      await visitor.until('has sent and heard enough to be looked at', wire.enough);
      await agree(visitor, native);
      const { string } = await native.told('person', (event) => event.string);
      const seen = string.pictures.map((picture, i) => [picture, string.names[i], string.words[i]]);
      assert.deepEqual(await pictures(visitor), seen, 'both have the same to compare');
      if (last === 'native') {
        native.hangUp();
        await visitor.reaches('ended peer-hangup');
      } else {
        await visitor.press('hangup');
        await visitor.reaches('ended hangup');
      }
      assert.equal(await native.ends(), 0);
      const totals = await native.told('totals');
      assert.ok(totals.level > -60, `what the browser's microphone sent was heard: ${totals.level} dBov`);
      assert.ok(await loudness(heard) > -60, 'and is in the file');
      assert.equal((await native.report('report')).verdict.state, 'ended');
      await wire.check();
      await visitor.isClean(server.url);
      await visitor.close();
    });
  }
}

test('two of sotto call: sound both ways, the reports agree, and a capture tells nothing', PATIENT, async () => {
  const link = await server.link();
  const wire = await wireIsClean(await capture.mark(), link, 2);
  const files = ['one', 'two'].map((name) => join(world.folder, `${name}.ogg`));
  const one = new Native(world, server, link, '--in', music, '--out', files[0]);
  await one.reaches('waiting');
  const two = new Native(world, server, link, '--in', 'test', '--out', files[1]);
  const doors = [doorsOf(await one.report()), doorsOf(await two.report())];
  for (const [i, own] of doors.entries()) {
    const there = doors[1 - i];
    assert.equal(own.fingerprints.fields.mine, there.fingerprints.fields.seen);
    assert.equal(own.fingerprints.fields.mine, there.fingerprints.fields.signaled);
    for (const field of ['dtls', 'cipher', 'group', 'srtp']) assert.equal(own.media.fields[field], there.media.fields[field]);
  }
  await one.until('has sent enough to be looked at', wire.enough);
  two.hangUp();
  assert.deepEqual([await one.ends(), await two.ends()], [0, 0]);
  for (const file of files) assert.ok(await loudness(file) > -40, file);
  await wire.check();
});
