// web/sdp.js: what is taken, what is refused, and how a description is rewritten.

import './browser.mjs';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkRemote, keepRole, ownFingerprint, roleOf, SdpError, tellsData } from '../../web/sdp.js';

const value = (bytes, seed = 0) => Array.from({ length: bytes }, (_, i) => ((i * 7 + seed) % 256).toString(16).padStart(2, '0'))
  .join(':').toUpperCase();
const print = (hash, seed = 0) => `a=fingerprint:${hash} ${value({ 'sha-1': 20, 'sha-256': 32, 'sha-384': 48, 'sha-512': 64 }[hash], seed)}`;
const AUDIO = 'm=audio 9 UDP/TLS/RTP/SAVPF 111';
const VIDEO = 'm=video 9 UDP/TLS/RTP/SAVPF 96';
const sdp = (...lines) => ['v=0', 'o=- 1 1 IN IP4 0.0.0.0', 's=-', 't=0 0', ...lines, ''].join('\r\n');
const refuses = (reason, ...lines) => assert.throws(() => checkRemote(sdp(...lines)),
  (error) => error instanceof SdpError && error.reason === reason, `${reason}: ${lines.join(' | ')}`);

test('one sha-256 value a media description is taken as it is', () => {
  const text = sdp(AUDIO, print('sha-256'), 'a=mid:0', VIDEO, print('sha-256'), 'a=mid:1');
  const checked = checkRemote(text);
  assert.equal(checked.sdp, text);
  assert.deepEqual(checked.fingerprint, { hash: 'sha-256', value: value(32) });
});

test('lower case and bare line feeds are rewritten', () => {
  const text = sdp(print('sha-256').replace(value(32), value(32).toLowerCase()), AUDIO).replaceAll('\r\n', '\n');
  assert.equal(checkRemote(text).sdp, sdp(print('sha-256'), AUDIO));
});

test('the strongest kind counts and is the only one that the browser sees', () => {
  for (const strong of ['sha-384', 'sha-512']) {
    const text = sdp(AUDIO, print('sha-1', 3), print(strong), print('sha-256', 9), VIDEO, print('sha-256', 9), print(strong));
    const checked = checkRemote(text);
    assert.equal(checked.sdp, sdp(AUDIO, print(strong), VIDEO, print(strong)));
    assert.equal(checked.fingerprint.hash, strong);
  }
});

test('several values of the strongest kind are refused, wherever they stand', () => {
  refuses('fingerprint-several', AUDIO, print('sha-256'), print('sha-256', 1));
  refuses('fingerprint-several', AUDIO, print('sha-256'), VIDEO, print('sha-256', 1));
  refuses('fingerprint-several', print('sha-256'), AUDIO, print('sha-256', 1));
  refuses('fingerprint-several', AUDIO, print('sha-512'), VIDEO, print('sha-256'));
});

test('none and weak ones are refused', () => {
  refuses('fingerprint-missing', AUDIO);
  refuses('fingerprint-missing', AUDIO, print('sha-256'), VIDEO);
  refuses('fingerprint-weak', AUDIO, print('sha-1'));
  refuses('fingerprint-weak', AUDIO, 'a=fingerprint:md5 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF');
});

test('damaged ones are refused', () => {
  refuses('fingerprint-malformed', AUDIO, 'a=fingerprint:sha-256 (null)');
  refuses('fingerprint-malformed', AUDIO, `${print('sha-256')}:00`);
  refuses('fingerprint-malformed', AUDIO, print('sha-256').slice(0, -3));
  refuses('fingerprint-malformed', AUDIO, print('sha-256').replace('a=', 'A='));
  refuses('fingerprint-malformed', AUDIO, `a=fingerprint:sha-256 ${value(32).replaceAll(':', '')}`);
});

test('keys in the open and unprotected profiles are refused', () => {
  refuses('sdes', AUDIO, print('sha-256'), 'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA');
  for (const profile of ['RTP/AVP', 'RTP/AVPF', 'RTP/SAVP', 'RTP/SAVPF', 'UDP/TLS/RTP/SAVP', 'DTLS/SCTP', 'TCP/DTLS/SCTP', '']) {
    refuses('profile', `m=audio 9 ${profile} 0`, print('sha-256'));
  }
  assert.ok(checkRemote(sdp('m=application 9 UDP/DTLS/SCTP webrtc-datachannel', print('sha-256'))));
});

test('nonsense is refused', () => {
  for (const text of ['', 'v=0\r\n', undefined, null, 7, {}]) {
    assert.throws(() => checkRemote(text), (error) => error.reason === 'sdp-malformed');
  }
});

test('a rejected media description needs no fingerprint', () => {
  assert.ok(checkRemote(sdp(AUDIO, print('sha-256'), VIDEO.replace(' 9 ', ' 0 '))));
});

test('our own fingerprint', () => {
  assert.deepEqual(ownFingerprint(sdp(print('sha-256'), AUDIO)), { hash: 'sha-256', value: value(32) });
  assert.equal(ownFingerprint(undefined), null);
});

test('an offer within a running call leaves the answerer the role that it has', () => {
  const offer = sdp(AUDIO, 'a=setup:actpass', VIDEO, 'a=setup:actpass');
  assert.equal(keepRole(offer, 'passive'), offer.replaceAll('actpass', 'active'));
  assert.equal(keepRole(offer, 'active'), offer.replaceAll('actpass', 'passive'));
  assert.equal(roleOf(offer), null);
  assert.equal(roleOf(sdp(AUDIO, 'a=setup:active')), 'active');
});

test('data channels: UDP/DTLS/SCTP is taken as it is, other ways to carry them are refused', () => {
  const data = 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel';
  const text = sdp(AUDIO, print('sha-256'), data, print('sha-256'), 'a=mid:2', 'a=sctp-port:5000', 'a=max-message-size:262144');
  assert.equal(checkRemote(text).sdp, text);
  for (const line of ['m=application 9 DTLS/SCTP 5000', 'm=application 9 TCP/DTLS/SCTP webrtc-datachannel', 'm=application 9 UDP/SCTP 5000']) {
    refuses('profile', AUDIO, print('sha-256'), line, print('sha-256'));
  }
  refuses('fingerprint-several', AUDIO, print('sha-256'), data, print('sha-256', 1));
});

test('whether a description has data channels', () => {
  const data = (port) => `m=application ${port} UDP/DTLS/SCTP webrtc-datachannel`;
  assert.ok(tellsData(sdp(AUDIO, VIDEO, data(9), 'a=mid:2')));
  assert.ok(tellsData(sdp(AUDIO, VIDEO, data(0), 'a=bundle-only')));
  assert.ok(!tellsData(sdp(AUDIO, VIDEO, data(0), 'a=mid:2')));
  assert.ok(!tellsData(sdp(AUDIO, 'a=bundle-only', data(0), 'a=mid:2')));
  assert.ok(!tellsData(sdp(AUDIO, VIDEO)));
  assert.ok(!tellsData(sdp(AUDIO, 'a=x:m=application 9 UDP/DTLS/SCTP webrtc-datachannel')));
});
