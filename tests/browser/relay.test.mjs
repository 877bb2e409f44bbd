// Attack 21, for those who don't want the other end to see their address: through a relay only, with coturn and the
// credentials that sotto serve mints. Every candidate that leaves the page is looked at.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ADDRESS, PATIENT, World, until } from './harness.mjs';
import { bothReceive, call, hangUp } from './pairs.mjs';
import { answersStun } from '../server/stun.mjs';

const world = new World();
let server, browsers, bare;

before(async () => {
  const secret = join(world.folder, 'turn-secret');
  writeFileSync(secret, 'a secret of this test alone\n', { mode: 0o600 });
  world.spawn('turnserver', ['-n', '--listening-ip', ADDRESS, '--relay-ip', ADDRESS, '--use-auth-secret',
    '--static-auth-secret', 'a secret of this test alone', '--realm', 'sotto.test', '--no-tls', '--no-dtls', '--no-cli',
    '--log-file', 'stdout', '--pidfile', join(world.folder, 'coturn.pid'), '--db', join(world.folder, 'coturn.db')]);
  await until('coturn answers', () => answersStun(3478, ADDRESS, 500));
  server = await world.server({ args: ['--turn', `turn:${ADDRESS}:3478?transport=udp`, '--turn-secret-file', secret] });
  browsers = { Chromium: await world.chromium(server), Firefox: await world.firefox(server) };
}, PATIENT);
after(() => world.close());

/** Keeps what each candidate says before the page seals it. */
function keepCandidates() {
  globalThis.sottoCandidates = [];
  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...args) {
      super(...args);
      this.addEventListener('icecandidate', ({ candidate }) => {
        if (candidate?.candidate) globalThis.sottoCandidates.push(candidate.candidate);
      });
    }

    setLocalDescription(...args) {
      return super.setLocalDescription(...args).then(() => {
        for (const line of this.localDescription?.sdp.match(/^a=candidate:.*$/gm) ?? []) globalThis.sottoCandidates.push(line);
      });
    }
  };
}

for (const [first, last] of [['Chromium', 'Firefox'], ['Firefox', 'Chromium']]) {
  test(`attack 21: ${last} asks for a relay only, and ${first} never learns its address`, PATIENT, async () => {
    const [a, b] = [await browsers[first].visitor('A'), await browsers[last].visitor('B')];
    await b.page.evaluateOnNewDocument(keepCandidates);
    const link = await server.link();
    await a.join(link);
    await a.reaches('waiting');
    await b.open(link);
    await b.reaches('prejoin');
    await b.turnOn();
    await b.press('relay-only');
    await b.press('join');
    await Promise.all([a.reaches('in-call'), b.reaches('in-call')]);
    await bothReceive(a, b);
    const candidates = await b.page.evaluate(() => globalThis.sottoCandidates);
    assert.ok(candidates.length > 0);
    for (const candidate of candidates) {
      const [, address, port, related, relatedPort] = / (\S+) (\d+) typ relay raddr (\S+) rport (\d+)/.exec(candidate) ?? [];
      assert.ok(address, `not of a relay: ${candidate}`);
      // Chromium writes zeros, Firefox the relay's own address once more.
      if (related !== '0.0.0.0') assert.deepEqual([related, relatedPort], [address, port], candidate);
    }
    const panel = await b.until('shows the path', async () => {
      const now = await b.panel();
      return now.doors.path.state === 'held' && now;
    });
    assert.equal(panel.doors.path.fields.kind, 'relayed');
    assert.equal(panel.doors.path.fields.mine, 'through a relay');
    await hangUp(a, b);
    for (const visitor of [a, b]) {
      await visitor.isClean(server.url);
      await visitor.close();
    }
  });
}

test('a relay is asked for and the server has none: the call does not begin, and says why', PATIENT, async () => {
  bare = await world.server({ stateName: 'bare' });
  const visitor = await browsers.Chromium.visitor('A');
  await visitor.open(await bare.link());
  await visitor.reaches('prejoin');
  await visitor.press('relay-only');
  await visitor.press('join');
  await visitor.reaches('failed no-relay');
  assert.equal((await visitor.did()).candidates, 0);
  await visitor.close();
});
