// Two visitors in one call, and what must be true of both.

import assert from 'node:assert/strict';

const DIGEST = /^sha-256 [0-9A-F]{2}(:[0-9A-F]{2}){31}$/;

/** The one waits, the other joins, and both reach the call. */
export async function call(first, last, link, how) {
  await first.join(link, how?.first);
  await first.reaches('waiting');
  await last.join(link, how?.last);
  await Promise.all([first.reaches('in-call'), last.reaches('in-call')]);
}

/** Sound and picture arrive at both, and go on arriving from now on. */
export function bothReceive(a, b) {
  return Promise.all([a.receives(), b.receives()]);
}

/** One hangs up, and the other is told so. */
export async function hangUp(one, other) {
  await one.press('hangup');
  await one.reaches('ended hangup');
  await other.reaches('ended peer-hangup');
}

/**
 * Each panel shows every door held, and what it shows fits the other panel and the browser's own counters.
 * @param {{epochs?: string[]}} [expect] the number of the key epoch in each panel: a page counts from its own load
 */
export async function panelsAgree(a, b, { epochs } = {}) {
  const panels = await Promise.all([a.panel(), b.panel()]);
  const stats = await Promise.all([a.stats(), b.stats()]);
  for (const [i, panel] of panels.entries()) {
    const who = [a, b][i].name;
    const there = panels[1 - i].doors;
    const { signaling, seal, fingerprints, media, path } = panel.doors;
    assert.equal(panel.verdict, 'verified', who);
    assert.equal(panel.text, 'Encrypted, not compared', who);
    const { person, ...doors } = panel.doors;
    for (const [name, door] of Object.entries(doors)) assert.equal(door.state, 'held', `${who}: ${name}`);
    // Two who never met, and have not compared.
    assert.equal(person.state, 'pending', who);
    assert.equal(person.fields.compared, 'no', who);

    assert.match(signaling.fields.version, /^TLSv1\.[23]$/, who);
    assert.match(signaling.fields.cipher, /GCM|CHACHA20/, who);
    assert.match(seal.fields.cipher, /^AES-256-GCM/, who);
    assert.equal(seal.fields.epoch, epochs?.[i] ?? there.seal.fields.epoch, who);
    assert.equal(seal.fields.agent, 'a browser with the call page', who);

    assert.match(fingerprints.fields.mine, DIGEST, who);
    assert.equal(fingerprints.fields.mine, there.fingerprints.fields.signaled, `${who}: as it came sealed`);
    assert.equal(fingerprints.fields.mine, there.fingerprints.fields.seen, `${who}: as seen in the handshake`);
    assert.notEqual(fingerprints.fields.mine, fingerprints.fields.signaled, who);
    assert.equal(fingerprints.fields.equal, 'yes', who);

    const { tlsVersion, dtlsCipher, srtpCipher } = stats[i].transport;
    assert.equal(media.fields.dtls, { FEFC: '1.3', FEFD: '1.2' }[tlsVersion.toUpperCase()], who);
    assert.equal(media.fields.cipher, dtlsCipher, who);
    assert.equal(media.fields.srtp, srtpCipher, who);
    assert.match(media.fields.srtp, /^(SRTP_)?(AEAD_AES|AES)/, who);
    for (const name of ['dtls', 'cipher', 'srtp']) assert.equal(media.fields[name], there.media.fields[name], `${who}: ${name}`);

    assert.equal(path.fields.kind, 'direct', who);
    assert.equal(path.fields.protocol, 'udp', who);
  }
  assert.deepEqual(panels.map((panel) => panel.doors.media.fields.role).sort(), ['client', 'server']);
  return panels;
}
