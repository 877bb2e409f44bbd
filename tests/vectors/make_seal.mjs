// Writes seal.json from docs/protocol.md with Node's own crypto, apart from both implementations that must meet it.
// node tests/vectors/make_seal.mjs > tests/vectors/seal.json
import {createHash, createCipheriv, hkdfSync} from 'node:crypto';

const fill = (first, n) => Buffer.from(Array.from({length: n}, (_, i) => (first + i * 7) & 255));
const sha = (...b) => createHash('sha256').update(Buffer.concat(b)).digest();
const ascii = (s) => Buffer.from(s, 'ascii');
const b64 = (b) => Buffer.from(b).toString('base64url');
const hkdf = (S, salt, info, n) => Buffer.from(hkdfSync('sha256', S, salt, info, n));

const S = fill(0x11, 16);
const link = b64(Buffer.concat([S, sha(ascii('sotto v1 link'), S).subarray(0, 2)]));
const room = hkdf(S, Buffer.alloc(0), ascii('sotto v1 room'), 16);
const opener = fill(0xa0, 16), answerer = fill(0x05, 16);
const salt = Buffer.compare(opener, answerer) < 0 ? Buffer.concat([opener, answerer]) : Buffer.concat([answerer, opener]);
const key = (from, to) => hkdf(S, salt, Buffer.concat([ascii('sotto v1 epoch'), from, to]), 32);
const hello = (sid, re) => Buffer.concat([Buffer.from([1, 1]), sid, re]);

function seal(from, to, kind, counter, text, offer) {
  const head = Buffer.alloc(26);
  head[0] = 2; head[1] = kind; from.copy(head, 2); head.writeBigUInt64BE(BigInt(counter), 18);
  const hash = kind === 2 ? sha(Buffer.from(offer)) : Buffer.alloc(0);
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64BE(BigInt(counter), 4);
  const aad = Buffer.concat([ascii('sotto v1 aad'), Buffer.from([1]), room, from, to, Buffer.from([kind]), hash]);
  const c = createCipheriv('aes-256-gcm', key(from, to), nonce);
  c.setAAD(aad);
  const body = Buffer.concat([c.update(text, 'utf8'), c.final(), c.getAuthTag()]);
  return b64(Buffer.concat([head, hash, body]));
}

const state = '{"call":null,"audio":true,"video":false,"screen":false,"agent":"page"}';
const offer = '{"type":"offer","sdp":"v=0\\r\\n"}';
const answer = '{"type":"answer","sdp":"v=0\\r\\ns=ü\\r\\n"}';
const out = {
  about: 'docs/protocol.md, sections 2 and 4; bytes in hex, payloads in base64url. messages are in order for each direction.',
  secret: S.toString('hex'), link, room: room.toString('hex'), room_text: b64(room),
  opener_sid: opener.toString('hex'), answerer_sid: answerer.toString('hex'),
  opener_hello: b64(hello(opener, Buffer.alloc(16))), answerer_hello: b64(hello(answerer, opener)),
  opener_key: key(opener, answerer).toString('hex'), answerer_key: key(answerer, opener).toString('hex'),
  call_id: b64(sha(ascii('sotto v1 call'), salt).subarray(0, 8)),
  messages: [
    {from: 'opener', kind: 0, counter: 0, text: state, payload: seal(opener, answerer, 0, 0, state)},
    {from: 'answerer', kind: 0, counter: 0, text: state, payload: seal(answerer, opener, 0, 0, state)},
    {from: 'opener', kind: 1, counter: 1, text: offer, payload: seal(opener, answerer, 1, 1, offer)},
    {from: 'answerer', kind: 2, counter: 1, text: answer, payload: seal(answerer, opener, 2, 1, answer, offer)},
    {from: 'opener', kind: 3, counter: 2, text: '{"candidate":""}', payload: seal(opener, answerer, 3, 2, '{"candidate":""}')},
    {from: 'opener', kind: 4, counter: 3, text: '{"reason":"hangup"}', payload: seal(opener, answerer, 4, 3, '{"reason":"hangup"}')},
  ],
  bad_links: ['', 'AAAA', link.slice(0, -1), link + 'A', (link[0] === 'A' ? 'B' : 'A') + link.slice(1), link.slice(0, -1) + '='],
};
console.log(JSON.stringify(out, null, 2));
