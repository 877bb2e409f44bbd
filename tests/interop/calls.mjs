// What a call with any foreign peer must come to.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertHeardAndSeen, assertVerified, folder, foreign, negotiate, ours, pause } from './harness.mjs';

const LIMIT = { timeout: 60_000 };

/** The first digit of each fingerprint, changed. */
const swapFingerprint = (sdp) => sdp.replaceAll(/(a=fingerprint:sha-256 )(.)/g, (_, name, digit) => `${name}${digit === '0' ? '1' : '0'}`);
const setup = (role) => (sdp) => sdp.replaceAll('a=setup:actpass', `a=setup:${role}`);

/** Our end and a foreign one, and in which order they offer and answer. */
function ends(t, name, offers, mine = [], theirs = []) {
  const here = ours(t, ...mine), there = foreign(t, name, ...theirs);
  return { here, there, order: offers === 'it' ? [there, here] : [here, there] };
}

function wholeCalls(name, codec, offers, does) {
  test(`${name}: sound and ${codec}, ${offers} offer${offers === 'it' ? 's' : ''}`, LIMIT, async (t) => {
    const file = join(folder(t), 'call.mkv');
    const { here, there, order } = ends(t, name, offers, ['--video', codec, '--record', file], ['--video', codec]);
    const { answer } = await negotiate(...order);
    assert.match(answer, /a=setup:active/);
    await assertVerified(here, { client: offers === 'it' });
    await assertHeardAndSeen(here, there, file, does);
    assert.equal((await here.facts()).video.codec, codec);
    await there.closes();
    if (does.saysGoodbye) await here.next('state', (e) => e.state === 'closed');
    await here.closes();
  });
}

/** In a call that is open: what each end gets moves on by this many frames. */
async function goesOn(here, there, frames = 15) {
  const from = await here.facts(), fromThere = await there.facts();
  await here.reaches('frames of both kinds', (f) => f.audio.frames > from.audio.frames + frames && f.video.frames > from.video.frames + frames);
  await there.reaches('frames of both kinds', (f) => f.sounds > fromThere.sounds + frames && f.clocks > fromThere.clocks + frames);
}

function roles(name, offers, role) {
  test(`${name}: ${offers} offer${offers === 'it' ? 's' : ''} to be ${role} in the handshake`, LIMIT, async (t) => {
    const { here, there, order } = ends(t, name, offers);
    const { answer } = await negotiate(...order, { changeOffer: setup(role) });
    assert.match(answer, role === 'active' ? /a=setup:passive/ : /a=setup:active/);
    await assertVerified(here, { client: (offers === 'it') === (role === 'passive') });
    await goesOn(here, there);
    await there.closes();
    await here.closes();
  });
}

function keyFrames(name, offers, codec, makesThem) {
  const ways = makesThem ? 'asked for and sent, both ways' : 'sent when it asks';
  test(`${name}: key frames of ${codec} are ${ways}, ${offers} offer${offers === 'it' ? 's' : ''}`, LIMIT, async (t) => {
    const { here, there, order } = ends(t, name, offers, ['--video', codec], ['--video', codec]);
    await negotiate(...order);
    await assertVerified(here, { client: offers === 'it' });
    await goesOn(here, there, 5);
    const from = (await here.facts()).video;
    there.tell({ do: 'want-key' });
    await here.reaches('a wish for a key frame, and it', ({ video }) => video.wanted > from.wanted && video.keys_sent > from.keys_sent);
    if (makesThem) {
      here.tell({ do: 'want-key' });
      await here.reaches('the key frame that was asked for', ({ video }) => video.keys_asked > from.keys_asked && video.keys > from.keys);
    }
    await goesOn(here, there, 5);
    await there.closes();
    await here.closes();
  });
}

function losses(name, offers) {
  test(`${name}: what the path loses comes again, both ways, ${offers} offer${offers === 'it' ? 's' : ''}`, LIMIT, async (t) => {
    const { here, there, order } = ends(t, name, offers, ['--lose-sent', '17', '--lose-received', '17']);
    await negotiate(...order);
    await assertVerified(here, { client: offers === 'it' });
    await here.reaches('repairs', ({ video }) => video.repaired > 2 && video.sent_again > 2);
    await goesOn(here, there, 10);
    const { pictures, forward } = await there.facts();
    assert.ok(forward, `${pictures} pictures come in order`);
    await there.closes();
    await here.closes();
  });
}

function laterPicture(name, adds) {
  test(`${name}: a picture later on, which ${adds} offer${adds === 'it' ? 's' : ''}`, LIMIT, async (t) => {
    const { here, there, order } = ends(t, name, adds, ['--begins-with', 'sound'], ['--begins-with', 'sound']);
    await negotiate(...order);
    await assertVerified(here, { client: adds === 'it' });
    await here.reaches('sound', (f) => f.audio.frames > 20);
    await there.reaches('sound', (f) => f.sounds > 20);
    const before = await here.facts();
    assert.equal(before.video, null);
    here.tell({ do: 'add-video' });
    there.tell({ do: 'add-video' });
    await negotiate(...order);
    await goesOn(here, there);
    const after = await here.facts();
    assert.equal(after.dtls_client, before.dtls_client);
    assert.equal(after.audio.lost, 0, 'sound went on');
    await there.closes();
    await here.closes();
  });
}

function impostors(name, offers) {
  const title = `${offers} offer${offers === 'it' ? 's' : ''}`;
  const changed = (whose) => ({ [(whose === offers) ? 'changeOffer' : 'changeAnswer']: swapFingerprint });

  test(`${name}: with another certificate than it promised it hears and sees nothing, ${title}`, LIMIT, async (t) => {
    const { here, there, order } = ends(t, name, offers);
    await negotiate(...order, changed('it'));
    await here.next('state', (e) => e.state === 'failed');
    await pause(500); // in which nothing may come
    const facts = await here.facts(), their = await there.facts();
    assert.equal(facts.failure.code, 'fingerprint-mismatch');
    assert.equal(facts.verified, false);
    assert.deepEqual([facts.sent_rtp, facts.sent_rtcp, facts.received_rtp, facts.audio.frames, facts.video.frames], [0, 0, 0, 0, 0]);
    assert.deepEqual([their.sounds, their.pictures], [0, 0]);
    await there.closes();
    await here.closes();
  });
}

/** Sound alone at our end, as the public API has it, though it offers a picture too. */
function soundAlone(name) {
  test(`${name}: offers a picture too, and gets sound`, LIMIT, async (t) => {
    const { here, there, order } = ends(t, name, 'it', ['--begins-with', 'sound', '--video', 'none']);
    const { answer } = await negotiate(...order);
    assert.match(answer, /m=video 0 /);
    await here.reaches('sound', (f) => f.state === 'open' && f.audio.frames > 50);
    const { pictures } = await there.reaches('sound', (f) => f.sounds > 50);
    assert.equal(pictures, 0);
    await there.closes();
    await here.closes();
  });
}

/** It holds our certificate to what it was promised. */
function refusedByIt(name, offers) {
  test(`${name}: it takes no other certificate of ours than was promised, ${offers} offer${offers === 'it' ? 's' : ''}`, LIMIT, async (t) => {
    const { here, there, order } = ends(t, name, offers);
    await negotiate(...order, { [(offers === 'we') ? 'changeOffer' : 'changeAnswer']: swapFingerprint });
    await there.next('state', (e) => e.state === 'failed');
    await pause(500); // in which nothing may come
    const facts = await here.facts(), their = await there.facts();
    assert.deepEqual([facts.received_rtp, facts.audio.frames, facts.video.frames], [0, 0, 0]);
    assert.deepEqual([their.sounds, their.pictures], [0, 0]);
    await there.closes();
    await here.closes();
  });
}

/**
 * What this peer does not do is left out: not every one understands that an m-line is rejected, answers a wish for a key
 * frame in H.264, takes an offer that leaves it no choice of role, holds our certificate to what it was promised, reports
 * often enough for a round trip to be known within seconds, or says goodbye.
 */
export function callsWith(name, does) {
  if (does.takesRejections) soundAlone(name);
  for (const offers of ['it', 'we']) {
    for (const codec of ['VP8', 'H264']) {
      wholeCalls(name, codec, offers, does);
      keyFrames(name, offers, codec, does.keyFrames.includes(codec));
    }
    for (const role of offers === 'it' || does.takesAnyRole ? ['active', 'passive'] : []) roles(name, offers, role);
    losses(name, offers);
    laterPicture(name, offers);
    impostors(name, offers);
    if (does.verifies) refusedByIt(name, offers);
  }
}
