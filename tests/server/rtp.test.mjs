// Other programs on this machine get a secure leg: ffmpeg sends plain RTP into one end of a call, and GStreamer takes it out
// of the other.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Call, linkOf } from './call.mjs';
import { command, folder, freePorts, Server, within } from './harness.mjs';

function run(t, program, args) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stdout.on('data', (d) => { said += d; });
  child.stderr.on('data', (d) => { said += d; });
  const ended = new Promise((done) => child.on('close', done));
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return { child, ended: within(ended.then((code) => ({ code, said })), program) };
}

const sender = (port) => ['-nostdin', '-loglevel', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc=size=320x240:rate=25',
  '-re', '-f', 'lavfi', '-i', 'sine=frequency=500',
  '-map', '0:v', '-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-g', '25', '-b:v', '400k', '-payload_type', '96',
  '-f', 'rtp', `rtp://127.0.0.1:${port + 2}?pkt_size=1200`,
  '-map', '1:a', '-c:a', 'libopus', '-payload_type', '111', '-f', 'rtp', `rtp://127.0.0.1:${port}?pkt_size=1200`];

const picture = (port) => ['-q', 'udpsrc', `port=${port + 2}`, 'address=127.0.0.1',
  'caps=application/x-rtp,media=video,clock-rate=90000,encoding-name=VP8,payload=96',
  '!', 'rtpvp8depay', '!', 'vp8dec', '!', 'videoconvert', '!', 'pngenc', 'snapshot=false', '!', 'identity', 'eos-after=30', '!', 'fakesink'];

const sound = (port) => ['-q', 'udpsrc', `port=${port}`, 'address=127.0.0.1',
  'caps=application/x-rtp,media=audio,clock-rate=48000,encoding-name=OPUS,payload=111',
  '!', 'rtpopusdepay', '!', 'opusdec', '!', 'identity', 'eos-after=100', '!', 'fakesink'];

test('ffmpeg on one side and GStreamer on the other, a call between them', { timeout: 120_000 }, async (t) => {
  const server = await Server.start(t);
  const link = await linkOf(server);
  const dir = folder(t);
  const [into, out] = [await freePorts(), await freePorts()];
  const sdp = join(dir, 'call.sdp');
  const one = new Call(t, server, link, '--rtp-in', `127.0.0.1:${into}`);
  const two = new Call(t, server, link, '--rtp-out', `127.0.0.1:${out}`, '--rtp-sdp', sdp);
  await Promise.all([one.event('open'), two.event('open')]);
  run(t, 'ffmpeg', sender(into));
  // Who begins in the middle sees something too.
  const seen = run(t, 'gst-launch-1.0', picture(out));
  const heard = run(t, 'gst-launch-1.0', sound(out));
  assert.deepEqual(await seen.ended, { code: 0, said: '' }, '30 pictures decoded');
  assert.deepEqual(await heard.ended, { code: 0, said: '' }, '100 frames of sound decoded');
  assert.ok(existsSync(sdp));
  assert.match(readFileSync(sdp, 'utf8'), new RegExp(`m=audio ${out} RTP/AVP 111[^]*m=video ${out + 2} RTP/AVP 96`));
  two.child.kill('SIGINT');
  await Promise.all([one.code(), two.code()]);
  const totals = await two.event('totals');
  assert.equal(totals.picture.codec, 'VP8');
  assert.ok(totals.picture.frames > 30);
  assert.ok(totals.level > -40, `${totals.level} dBov`);
});

test('plain RTP is refused on every address that others reach', async (t) => {
  const server = await Server.start(t);
  const link = await linkOf(server);
  for (const option of ['--rtp-in', '--rtp-out']) {
    for (const address of ['0.0.0.0:5004', '192.168.1.9:5004', '[::]:5004', '[2001:db8::1]:5004']) {
      const { code, err } = await command(['call', '--ca', server.listening.ca, option, address, link]);
      assert.equal(code, 1, `${option} ${address}`);
      assert.match(err, /on this machine alone .* anybody could hear it/, `${option} ${address}`);
    }
    const { code, err } = await command(['call', '--ca', server.listening.ca, option, 'localhost', link]);
    assert.equal(code, 1);
    assert.match(err, /127\.0\.0\.1:5004/);
  }
});
