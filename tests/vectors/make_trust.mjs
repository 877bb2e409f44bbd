// Writes trust.json from docs/protocol.md and docs/sas.txt with Node's own crypto, apart from the implementations that
// must meet it.   node tests/vectors/make_trust.mjs > tests/vectors/trust.json
import {createECDH, createHash, createHmac, createPublicKey, hkdfSync, verify} from 'node:crypto';
import {readFileSync} from 'node:fs';

const fill = (first, n, step = 7) => Buffer.from(Array.from({length: n}, (_, i) => (first + i * step) & 255));
const sha = (...b) => createHash('sha256').update(Buffer.concat(b)).digest();
const ascii = (s) => Buffer.from(s, 'ascii');
const b64 = (b) => Buffer.from(b).toString('base64url');
const hex = (b) => b.toString('hex');
const hkdf = (ikm, info, n) => Buffer.from(hkdfSync('sha256', ikm, Buffer.alloc(0), info, n));
const list = readFileSync(new URL('../../docs/sas.txt', import.meta.url), 'utf8').trimEnd().split('\n').map((l) => l.split('\t'));

// ---- section 6: the short authentication string ----

const one = {fpC: fill(0x01, 32), fpS: fill(0x80, 32), sidC: fill(0x21, 16), sidS: fill(0xc4, 16)};
const other = {fpC: fill(0x03, 32, 5), fpS: fill(0x82, 32, 5), sidC: fill(0x23, 16, 5), sidS: fill(0xc6, 16, 5)};
const ctxOf = (c) => Buffer.concat([c.fpC, c.fpS, c.sidC, c.sidS]);
const commitOf = (c, nc) => Buffer.concat([Buffer.from([1]), sha(ascii('sotto v1 sas commit'), nc, ctxOf(c))]);
const nonceOf = (ns) => Buffer.concat([Buffer.from([2]), ns]);
const revealOf = (nc) => Buffer.concat([Buffer.from([3]), nc]);
const inHex = (c) => ({client_fingerprint: hex(c.fpC), server_fingerprint: hex(c.fpS), client_sid: hex(c.sidC), server_sid: hex(c.sidS)});

function sasRun(c, nc, ns) {
  const string = hkdf(Buffer.concat([nc, ns]), Buffer.concat([ascii('sotto v1 sas'), ctxOf(c)]), 4);
  const pick = (column) => [...string].map((n) => list[n][column]);
  return {...inHex(c), client_nonce: hex(nc), server_nonce: hex(ns), commit: hex(commitOf(c, nc)), nonce: hex(nonceOf(ns)),
    reveal: hex(revealOf(nc)), string: hex(string), pictures: pick(1), names: pick(2), words: pick(3)};
}

const Nc = fill(0x40, 32, 3), Ns = fill(0x90, 32, 11);
const [commit, nonce, reveal] = [commitOf(one, Nc), nonceOf(Ns), revealOf(Nc)];
const cut = (b) => b.subarray(0, b.length - 1), longer = (b) => Buffer.concat([b, Buffer.from([0])]);
// What an end of this role, whose own nonce is Nc or Ns, takes, one after the other; result: what the last one comes to.
const take = (about, role, messages, result, context = one) =>
  ({about, role, ...inHex(context), own_nonce: hex(role === 'client' ? Nc : Ns), take: messages.map(hex), result});
const sasTaken = [
  take('all goes well', 'client', [nonce], 'done'),
  take('all goes well', 'server', [commit, reveal], 'done'),
  take('other first bytes are ignored', 'client', [Buffer.from([0x10, 1]), Buffer.from([0]), Buffer.from([4, 9]), Buffer.from([255]), nonce], 'done'),
  take('other first bytes are ignored', 'server', [Buffer.from([0x77]), commit, Buffer.from([0x11, 2, 2]), reveal], 'done'),
  take('an empty message is ignored', 'server', [Buffer.alloc(0), commit, Buffer.alloc(0), reveal], 'done'),
  take('a commit to a client', 'client', [commit], 'sas-order'),
  take('a reveal to a client', 'client', [reveal], 'sas-order'),
  take('a second nonce', 'client', [nonce, nonce], 'sas-order'),
  take('a nonce one byte short', 'client', [cut(nonce)], 'sas-order'),
  take('a nonce one byte long', 'client', [longer(nonce)], 'sas-order'),
  take('its own nonce', 'client', [nonceOf(Nc)], 'sas-reflected'),
  take('a nonce to a server', 'server', [nonce], 'sas-order'),
  take('a nonce to a server after the commit', 'server', [commit, nonce], 'sas-order'),
  take('a reveal before the commit', 'server', [reveal], 'sas-order'),
  take('a second commit', 'server', [commit, commit], 'sas-order'),
  take('a commit after the end', 'server', [commit, reveal, commit], 'sas-order'),
  take('a second reveal', 'server', [commit, reveal, reveal], 'sas-order'),
  take('a commit one byte short', 'server', [cut(commit)], 'sas-order'),
  take('a commit one byte long', 'server', [longer(commit)], 'sas-order'),
  take('a reveal one byte short', 'server', [commit, cut(reveal)], 'sas-order'),
  take('a reveal one byte long', 'server', [commit, longer(reveal)], 'sas-order'),
  take('a reveal of another nonce', 'server', [commit, revealOf(fill(0x41, 32, 3))], 'sas-commitment'),
  take('a commit of another association', 'server', [commitOf(other, Nc), reveal], 'sas-commitment'),
  take('a commit with the fingerprints changed about', 'server', [commitOf({...one, fpC: one.fpS, fpS: one.fpC}, Nc), reveal], 'sas-commitment'),
  take('a commit with the sids changed about', 'server', [commitOf({...one, sidC: one.sidS, sidS: one.sidC}, Nc), reveal], 'sas-commitment'),
  take('the nonce of the server revealed', 'server', [commitOf(one, Ns), revealOf(Ns)], 'sas-reflected'),
  take('the certificate of both ends is one', 'client', [], 'sas-reflected', {...one, fpS: one.fpC}),
  take('the certificate of both ends is one', 'server', [], 'sas-reflected', {...one, fpS: one.fpC}),
];

// ---- section 7: introductions ----

const order = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');
const number = (b) => BigInt('0x' + hex(b));
const bytes = (n) => Buffer.from(n.toString(16).padStart(64, '0'), 'hex');
const mod = (n) => ((n % order) + order) % order;
function inverse(a) {
  let [r, next, t, u] = [order, mod(a), 0n, 1n];
  while (next !== 0n) { const q = r / next; [r, next, t, u] = [next, r - q * next, u, t - q * u]; }
  return mod(t);
}
function pointOf(d) {
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(d);
  const p = ecdh.getPublicKey();
  return {x: p.subarray(1, 33), y: p.subarray(33)};
}
const thumbprintOf = (k) => b64(sha(ascii(`{"crv":"P-256","kty":"EC","x":"${k.x}","y":"${k.y}"}`)));
function keyOf(d) {
  const p = pointOf(d);
  const jwk = {kty: 'EC', crv: 'P-256', x: b64(p.x), y: b64(p.y)};
  return {d, jwk, thumbprint: thumbprintOf(jwk)};
}
// ECDSA whose nonce follows from key and message, so that this file is the same each time it is written.
function sign(key, text) {
  const h = sha(ascii(text)), k = sha(ascii('test nonce'), key.d, h);
  const r = mod(number(pointOf(k).x)), s = mod(inverse(number(k)) * (number(h) + r * number(key.d)));
  return Buffer.concat([bytes(r), bytes(s)]);
}
function der(raw) {
  const integer = (b) => { const v = b[0] >= 128 ? Buffer.concat([Buffer.from([0]), b]) : b; return Buffer.concat([Buffer.from([2, v.length]), v]); };
  const body = Buffer.concat([integer(raw.subarray(0, 32)), integer(raw.subarray(32))]);
  return Buffer.concat([Buffer.from([0x30, body.length]), body]);
}

const ann = keyOf(fill(0x31, 32, 13)), bob = keyOf(fill(0x57, 32, 17));
const now = Date.parse('2026-11-24T12:00:00Z') / 1000;
const contextOf = (c) => ({fingerprints: [hex(c.fpC), hex(c.fpS)], sids: [b64(c.sidC), b64(c.sidS)]});
const headerOf = (key) => ({alg: 'ES256', typ: 'sotto-identity', jwk: key.jwk});
const payloadOf = (key, role, c = one, time = now) =>
  ({label: 'sotto v1 identity', role, ...contextOf(c), time, key: key.thumbprint});
const text = (t) => typeof t === 'string' || Buffer.isBuffer(t) ? t : JSON.stringify(t);
function jws(key, header, payload, signature = sign) {
  const signed = `${b64(Buffer.from(text(header)))}.${b64(Buffer.from(text(payload)))}`;
  return `${signed}.${b64(signature(key, signed))}`;
}
const receiver = {role: 'server', ...contextOf(one), now, key: bob.thumbprint};
const fair = jws(ann, headerOf(ann), payloadOf(ann, 'client'));

function good(about, key, header, payload, more = {}) {
  const token = jws(key, header, payload), [h, p, s] = token.split('.');
  const pub = createPublicKey({key: key.jwk, format: 'jwk'});
  if (!verify('sha256', ascii(`${h}.${p}`), {key: pub, dsaEncoding: 'ieee-p1363'}, Buffer.from(s, 'base64url')))
    throw new Error(`${about}: Node does not verify it`);
  return {about, header: text(header), payload: text(payload), jws: token, thumbprint: key.thumbprint, receiver: {...receiver, ...more}};
}
const turned = (o) => Object.fromEntries(Object.entries(o).reverse());
const asServer = {role: 'client', key: null};
const introductions = [
  good('of a client', ann, headerOf(ann), payloadOf(ann, 'client')),
  good('of a server', bob, headerOf(bob), payloadOf(bob, 'server'), asServer),
  good('in another call', ann, headerOf(ann), payloadOf(ann, 'client', other), contextOf(other)),
  good('a day old', ann, headerOf(ann), payloadOf(ann, 'client', one, now - 86400)),
  good('a day ahead', ann, headerOf(ann), payloadOf(ann, 'client', one, now + 86400)),
  good('members in another order, with white space', ann, JSON.stringify(turned(headerOf(ann)), null, 1), JSON.stringify(turned(payloadOf(ann, 'client')), null, 2)),
];

const without = (o, name) => Object.fromEntries(Object.entries(o).filter(([n]) => n !== name));
const H = headerOf(ann), P = payloadOf(ann, 'client');
const head = (change) => jws(ann, {...H, ...change}, P);
const body = (change) => jws(ann, H, {...P, ...change});
const parts = fair.split('.');
const withSignature = (s) => `${parts[0]}.${parts[1]}.${s}`;
const raw = Buffer.from(parts[2], 'base64url');
const flip = (b, at) => { const c = Buffer.from(b); c[at] ^= 1; return c; };
const jwkText = JSON.stringify(ann.jwk), headText = JSON.stringify(H), bodyText = JSON.stringify(P);
const hmac = (secret) => (key, signed) => createHmac('sha256', secret).update(signed).digest();
const refuse = (rule, token, more = {}) => ({rule, jws: token, receiver: {...receiver, ...more}});
function offCurve() {
  const jwk = {...ann.jwk, y: b64(flip(Buffer.from(ann.jwk.y, 'base64url'), 31))};
  return jws(ann, {...H, jwk}, {...P, key: thumbprintOf(jwk)});
}
function keyed(jwk) { return jws(ann, {...H, jwk}, {...P, key: thumbprintOf(jwk)}); }
// A fair token whose last character leaves spare bits: another text of the same bytes.
function spareBits() {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return fair.slice(0, -1) + alphabet[alphabet.indexOf(fair.at(-1)) + 1];
}
const introductionsRefused = [
  refuse('alg is none, and there is no signature', jws(ann, {...H, alg: 'none'}, P, () => Buffer.alloc(0))),
  refuse('alg is none, and there is a signature', head({alg: 'none'})),
  refuse('alg is HS256, keyed with x', jws(ann, {...H, alg: 'HS256'}, P, hmac(Buffer.from(ann.jwk.x, 'base64url')))),
  refuse('alg is ES384', head({alg: 'ES384'})),
  refuse('alg is in lower case', head({alg: 'es256'})),
  refuse('alg is missing', jws(ann, without(H, 'alg'), P)),
  refuse('typ is another', head({typ: 'JWT'})),
  refuse('typ is missing', jws(ann, without(H, 'typ'), P)),
  refuse('the header has a member more', head({kid: 'ann'})),
  refuse('the header has crit', head({crit: ['b64'], b64: false})),
  refuse('the key has a private member', head({jwk: {...ann.jwk, d: b64(fill(1, 32))}})),
  refuse('the key has a member more', head({jwk: {...ann.jwk, use: 'sig'}})),
  refuse('kty is another', head({jwk: {...ann.jwk, kty: 'OKP'}})),
  refuse('crv is another', head({jwk: {...ann.jwk, crv: 'P-384'}})),
  refuse('the key is missing', jws(ann, without(H, 'jwk'), P)),
  refuse('the point is not on the curve', offCurve()),
  refuse('the point is zero', keyed({...ann.jwk, x: b64(Buffer.alloc(32)), y: b64(Buffer.alloc(32))})),
  refuse('x is longer than the field', keyed({...ann.jwk, x: b64(Buffer.concat([Buffer.alloc(1), Buffer.from(ann.jwk.x, 'base64url')]))})),
  refuse('y is shorter than the field', keyed({...ann.jwk, y: b64(Buffer.from(ann.jwk.y, 'base64url').subarray(1))})),
  refuse('y is missing', keyed(without(ann.jwk, 'y'))),
  refuse('x is padded', head({jwk: {...ann.jwk, x: `${ann.jwk.x}=`}})),
  refuse('the thumbprint is of another key', body({key: bob.thumbprint})),
  refuse('the key is of somebody else, the signature is not', jws(ann, headerOf(bob), payloadOf(bob, 'client')), {key: null}),
  refuse('label is another', body({label: 'sotto v2 identity'})),
  refuse('label is missing', jws(ann, H, without(P, 'label'))),
  refuse('the role is the receiver\'s own', body({role: 'server'})),
  refuse('the role is none of the two', body({role: 'relay'})),
  refuse('the fingerprints are changed about', body({fingerprints: [P.fingerprints[1], P.fingerprints[0]]})),
  refuse('the client\'s fingerprint is another', body({fingerprints: [hex(other.fpC), P.fingerprints[1]]})),
  refuse('the server\'s fingerprint is another', body({fingerprints: [P.fingerprints[0], hex(other.fpS)]})),
  refuse('a fingerprint is in upper case', body({fingerprints: [P.fingerprints[0].toUpperCase(), P.fingerprints[1]]})),
  refuse('there is one fingerprint', body({fingerprints: [P.fingerprints[0]]})),
  refuse('there are three fingerprints', body({fingerprints: [...P.fingerprints, hex(other.fpC)]})),
  refuse('the sids are changed about', body({sids: [P.sids[1], P.sids[0]]})),
  refuse('the sids are of another call', body({sids: contextOf(other).sids})),
  refuse('there is one sid', body({sids: [P.sids[0]]})),
  refuse('all is of another call', jws(ann, H, payloadOf(ann, 'client', other))),
  refuse('it is older than a day', body({time: now - 86401})),
  refuse('it is more than a day ahead', body({time: now + 86401})),
  refuse('the time is negative', body({time: -now})),
  refuse('the time is a string', body({time: String(now)})),
  refuse('the time has a fraction', body({time: now + 0.5})),
  refuse('the time is missing', jws(ann, H, without(P, 'time'))),
  refuse('the payload has a member more', body({name: 'Ann'})),
  refuse('the signature was altered at its beginning', withSignature(b64(flip(raw, 0)))),
  refuse('the signature was altered at its end', withSignature(b64(flip(raw, 63)))),
  refuse('r and s are zero', withSignature(b64(Buffer.alloc(64)))),
  refuse('s is the order of the group', withSignature(b64(Buffer.concat([raw.subarray(0, 32), bytes(order)])))),
  refuse('the signature is in DER', withSignature(b64(der(raw)))),
  refuse('the signature is cut', withSignature(b64(raw.subarray(0, 63)))),
  refuse('the signature is longer', withSignature(b64(longer(raw)))),
  refuse('the signature is empty', withSignature('')),
  refuse('the payload was altered', `${parts[0]}.${b64(Buffer.from(text({...P, time: now + 1})))}.${parts[2]}`),
  refuse('the header was altered', `${b64(Buffer.from(text(turned(H))))}.${parts[1]}.${parts[2]}`),
  refuse('padding follows', `${fair}==`),
  refuse('the last character has spare bits', spareBits()),
  refuse('a character is not of base64url', withSignature(`+${parts[2].slice(1)}`)),
  refuse('a zero byte follows', `${fair}\0`),
  refuse('a line feed follows', `${fair}\n`),
  refuse('there is a fourth part', `${fair}.${parts[2]}`),
  refuse('there are two parts', `${parts[0]}.${parts[1]}`),
  refuse('it is empty', ''),
  refuse('it is too long', jws(ann, headText, bodyText.replace(/}$/, `${' '.repeat(1300)}}`))),
  refuse('the header has alg twice', jws(ann, headText.replace('{', '{"alg":"none",'), P)),
  refuse('the header has alg twice, once escaped', jws(ann, headText.replace('{', '{"\\u0061lg":"none",'), P)),
  refuse('the key has x twice', jws(ann, headText.replace(jwkText, jwkText.replace('{', `{"x":"${bob.jwk.x}",`)), P)),
  refuse('the payload has role twice', jws(ann, H, bodyText.replace('{', '{"role":"server",'))),
  refuse('the header is no JSON', jws(ann, headText.slice(1), P)),
  refuse('the payload is no JSON', jws(ann, H, `${bodyText}}`)),
  refuse('the payload is an array', jws(ann, H, `[${bodyText}]`)),
  refuse('the payload is not UTF-8', jws(ann, H, Buffer.concat([Buffer.from(bodyText), Buffer.from([0xff])]))),
];

// ---- section 8: known peers ----

const linkOf = (S) => b64(hkdf(S, ascii('sotto v1 known'), 16));
const secret = fill(0x11, 16);
const links = [linkOf(secret), linkOf(fill(0x12, 16)), linkOf(fill(0x13, 16))];
const since = '2026-11-24T12:00:00Z', compared = '2026-11-24T12:01:00Z';
const peer = (name, key, more = {}) => ({name, key, since, compared: null, links: [], ...more});
const file = (peers, more = {}) => JSON.stringify({sotto: 'known peers', version: 1, peers, ...more});
const keyNumber = (n) => b64(sha(ascii(`key ${n}`)));
const A = peer('Ann', ann.thumbprint, {compared, links: links.slice(0, 2)}), B = peer('Bob', bob.thumbprint);
const manyLinks = (n) => Array.from({length: n}, (_, i) => b64(sha(ascii(`link ${i}`)).subarray(0, 16)));
const keep = (about, text) => ({about, text, peers: JSON.parse(text).peers.map(({name, key, since, compared, links}) => ({name, key, since, compared, links}))});
const knownGood = [
  keep('nobody', file([])),
  keep('two', file([A, B])),
  keep('with white space', JSON.stringify(JSON.parse(file([A, B])), null, 2) + '\n'),
  keep('members that a later version may add', file([{...A, note: 'x'}], {more: [1]})),
  keep('names of many kinds', file([peer('x', keyNumber(1)), peer('Zoë \u{1f98a}', keyNumber(2)), peer('"\\/', keyNumber(3)), peer('ж'.repeat(64), keyNumber(4)), peer('\u{1f98a}'.repeat(64), keyNumber(5))])),
  keep('32 links', file([peer('Ann', ann.thumbprint, {links: manyLinks(32)})])),
  keep('a day that only leap years have', file([peer('Ann', ann.thumbprint, {since: '2028-02-29T23:59:59Z'})])),
];
const odd = (rule, text) => ({rule, text});
const field = (rule, change) => odd(rule, file([{...A, ...change}]));
const knownRefused = [
  odd('it is empty', ''), odd('it is no JSON', '{'), odd('it is no object', '[]'),
  odd('it is cut', file([A, B]).slice(0, -2)), odd('something follows', file([A]) + '{}'),
  odd('it is another file', JSON.stringify({sotto: 'report', version: 1, peers: []})),
  odd('it does not say what it is', JSON.stringify({version: 1, peers: []})),
  odd('its version is another', file([A], {version: 2})), odd('its version is a string', file([A], {version: '1'})),
  odd('peers is missing', JSON.stringify({sotto: 'known peers', version: 1})),
  odd('peers is an object', file({})), odd('a peer is a string', file(['Ann'])),
  odd('a name is twice there', file([A, {...B, name: 'Ann'}])),
  odd('a key is twice there', file([A, {...B, key: A.key}])),
  odd('a link is with two peers', file([A, {...B, links: [links[1]]}])),
  odd('a link is twice there', file([{...A, links: [links[0], links[0]]}])),
  odd('a member is twice there', file([A]).replace('"name"', '"name":"Eve","name"')),
  field('a name is empty', {name: ''}), field('a name has 65 characters', {name: 'x'.repeat(65)}),
  field('a name is a number', {name: 1}), field('a name has a line feed', {name: 'An\nn'}), field('a name has a zero', {name: 'An\u0000n'}),
  field('a name has DEL', {name: 'An\u007f'}), field('a name has a control character beyond ASCII', {name: 'An\u0085'}),
  field('a name has a line separator', {name: 'An\u2028n'}), field('a name turns the direction of text', {name: 'An\u202en'}),
  field('a name isolates a direction of text', {name: 'An\u2066n'}),
  field('a name begins with a space', {name: ' Ann'}), field('a name ends with a space', {name: 'Ann '}),
  field('a key is short', {key: A.key.slice(1)}), field('a key has spare bits', {key: A.key.slice(0, -1) + 'B'}),
  field('a key is padded', {key: A.key + '='}), field('a key is null', {key: null}),
  field('since is missing', {since: undefined}), field('since is null', {since: null}), field('since is a number', {since: now}),
  field('since has milliseconds', {since: '2026-11-24T12:00:00.000Z'}), field('since is of another zone', {since: '2026-11-24T12:00:00+01'}),
  field('since is on no day', {since: '2026-02-29T12:00:00Z'}), field('since is in no month', {since: '2026-13-01T12:00:00Z'}),
  field('since is at no time', {since: '2026-11-24T24:00:00Z'}),
  field('compared is missing', {compared: undefined}), field('compared is a bool', {compared: true}), field('compared is empty', {compared: ''}),
  field('links is missing', {links: undefined}), field('links is a string', {links: links[0]}), field('33 links', {links: manyLinks(33)}),
  field('a link is short', {links: [links[0].slice(1)]}), field('a link has spare bits', {links: [links[0].slice(0, -1) + 'B']}),
  field('a link is a number', {links: [1]}),
];
const merge = (about, mine, theirs, result) => ({about, mine: file(mine), theirs: file(theirs), ...result});
const merges = [
  merge('who is new is added', [A], [B], {peers: [A, B]}),
  merge('nothing is new', [A, B], [B, A], {peers: [A, B]}),
  merge('a known key keeps its name here', [A], [{...A, name: 'Anna'}], {peers: [A]}),
  merge('the earlier since stays', [A], [{...A, since: '2025-01-01T00:00:00Z'}], {peers: [{...A, since: '2025-01-01T00:00:00Z'}]}),
  merge('compared there is compared', [B], [{...B, compared}], {peers: [{...B, compared}]}),
  merge('compared here stays', [A], [{...A, compared: '2026-12-01T00:00:00Z'}], {peers: [A]}),
  merge('links are put together, those of here last', [{...A, links: [links[0]]}], [{...A, links: [links[2], links[0]]}], {peers: [{...A, links: [links[2], links[0]]}]}),
  merge('of too many links the oldest go', [{...A, links: manyLinks(32).slice(16)}], [{...A, links: [links[2], ...manyLinks(16)]}], {peers: [{...A, links: manyLinks(32)}]}),
  merge('a link that is with somebody here stays there', [A], [{...B, links: [links[0], links[2]]}], {peers: [A, {...B, links: [links[2]]}]}),
  merge('a name that another key has', [A], [B, {...B, name: 'Ann', key: keyNumber(7)}], {refused: 'Ann'}),
];

const rows = [
  ['nobody', 'a pin', 'known', false], ['nobody', 'no pin', 'unknown', false], ['nobody', 'nothing', 'silent', false],
  ['P', 'P', 'known', false], ['P', 'another pin', 'other', true], ['P', 'no pin', 'changed', true], ['P', 'nothing', 'silent', true],
];
const out = {
  about: 'docs/protocol.md, sections 6 to 8. Bytes in hex where nothing else is said.',
  sas: [sasRun(one, Nc, Ns), sasRun(other, Nc, Ns), sasRun(one, Ns, Nc), sasRun({...one, fpC: one.fpS, fpS: one.fpC}, Nc, Ns), sasRun(one, fill(0, 32, 0), fill(255, 32, 0))],
  sas_taken: sasTaken,
  identities: {ann: {...ann.jwk, d: b64(ann.d), thumbprint: ann.thumbprint}, bob: {...bob.jwk, d: b64(bob.d), thumbprint: bob.thumbprint}},
  introductions, introductions_refused: introductionsRefused,
  link: {secret: hex(secret), known: links[0]},
  known: knownGood, known_refused: knownRefused, merges,
  recognition: rows.map(([expected, introduced, result, alarm]) => ({expected, introduced, result, alarm})),
};
console.log(JSON.stringify(out, null, 1));
