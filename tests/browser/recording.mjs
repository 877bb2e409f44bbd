// What `sotto call --out` has written.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export const run = promisify(execFile);

/** A recording has both kinds, in order, as long as each other, and FFmpeg decodes all of it. */
export async function plays(file) {
  const { stdout } = await run('ffprobe', ['-loglevel', 'error', '-show_entries', 'packet=codec_type,pts_time', '-of', 'csv=p=0', file]);
  const times = { audio: [], video: [] };
  for (const line of stdout.trim().split('\n')) {
    const [kind, time] = line.split(',');
    times[kind].push(Number(time));
  }
  for (const [kind, list] of Object.entries(times)) {
    assert.ok(list.length > 10, `${list.length} packets of ${kind}`);
    for (let i = 1; i < list.length; i++) assert.ok(list[i] >= list[i - 1], `${kind} goes back from ${list[i - 1]} to ${list[i]}`);
  }
  assert.ok(Math.abs(times.audio.at(-1) - times.video.at(-1)) < 5, `sound ends at ${times.audio.at(-1)} and the picture at ${times.video.at(-1)}`);
  const { stderr } = await run('ffmpeg', ['-loglevel', 'error', '-i', file, '-vsync', 'passthrough', '-f', 'framemd5', '/dev/null', '-y']);
  assert.equal(stderr, '');
}
