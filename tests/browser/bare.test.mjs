// Data channels between our end and a browser by itself, without the call page: every kind of channel, whoever offers.

import { dirname, join } from 'node:path';
import { after, before } from 'node:test';
import { dataWith } from '../interop/data.mjs';
import { AnyEnd } from '../interop/harness.mjs';
import { PATIENT, World } from './harness.mjs';

process.env.SOTTO_PEER ??= join(dirname(process.env.SOTTO), 'tests', 'interop_peer');
const world = new World();
let server, browsers;

before(async () => {
  server = await world.server();
  browsers = { Chromium: await world.chromium(server), Firefox: await world.firefox(server) };
}, PATIENT);
after(() => world.close());

/** Runs in the page: an end that takes the commands of tests/interop/harness.mjs, and keeps what it has to tell. */
async function becomeAnEnd(withSound) {
  // Firefox gathers addresses of this kind only for a page that may capture.
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const pc = new RTCPeerConnection(), channels = new Map(), told = [];
  const say = (event, what) => told.push({ event, ...what });
  const hex = async (bytes) => Array.from(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)), (b) => b.toString(16).padStart(2, '0')).join('');
  let heard = Promise.resolve();

  if (withSound) pc.addTrack(stream.getTracks()[0], stream);
  function listen(channel) {
    channel.binaryType = 'arraybuffer';
    channel.onmessage = ({ data }) => {
      const text = typeof data === 'string', bytes = text ? new TextEncoder().encode(data) : new Uint8Array(data);
      heard = heard.then(async () => say('message', { id: channel.id, text, length: bytes.length, sha256: await hex(bytes), body: text ? data : '' }));
    };
    channel.onclose = () => say('channel', { kind: 'closed', id: channel.id });
  }
  pc.onicecandidate = ({ candidate }) => {
    if (candidate?.candidate) say('candidate', { candidate: candidate.candidate, mid: candidate.sdpMid, ufrag: candidate.usernameFragment });
  };
  pc.ondatachannel = ({ channel }) => {
    listen(channel);
    channels.set(channel.id, channel);
    say('channel', { kind: 'opened', id: channel.id, label: channel.label, protocol: channel.protocol, unordered: !channel.ordered,
      repeats: channel.maxRetransmits, life: channel.maxPacketLifeTime });
  };
  const describe = async (description) => {
    await pc.setLocalDescription(description);
    say('description', { type: pc.localDescription.type, sdp: pc.localDescription.sdp });
  };
  const acts = {
    offer: async () => describe(await pc.createOffer()),
    take: async ({ type, sdp }) => {
      await pc.setRemoteDescription({ type, sdp });
      if (type === 'offer') await describe(await pc.createAnswer());
    },
    candidate: ({ candidate, mid, ufrag }) => pc.addIceCandidate({ candidate, sdpMid: mid ?? '0', usernameFragment: ufrag }),
    'open-channel': async ({ label, protocol, unordered, repeats, life, negotiated, id }) => {
      const channel = pc.createDataChannel(label, { protocol, ordered: !unordered, maxRetransmits: repeats, maxPacketLifeTime: life,
        negotiated: negotiated ?? false, id: negotiated ? id : undefined });
      listen(channel);
      const made = () => {
        channels.set(channel.id, channel);
        say('channel', { kind: 'made', id: channel.id });
      };
      if (channel.readyState === 'open') made();
      else channel.onopen = made;
    },
    send: ({ id, text, length }) => channels.get(id).send(text ?? new Uint8Array(length).map((_, i) => i ^ i >> 8)),
    'close-channel': ({ id }) => channels.get(id).close(),
    close: () => pc.close(),
  };
  globalThis.bareEnd = { act: (command) => acts[command.do](command), told };
}

class Bare extends AnyEnd {
  #after = Promise.resolve();
  #watching = true;

  constructor(t, name, visitor) {
    super(name);
    this.page = visitor.page;
    t.after(() => { this.#watching = false; });
    void this.#watch();
  }

  async #watch() {
    while (this.#watching) {
      const told = await this.page.evaluate(() => globalThis.bareEnd.told.splice(0)).catch(() => []);
      for (const event of told) this.note(event);
      await new Promise((done) => setTimeout(done, 10));
    }
  }

  tell(command) {
    this.#after = this.#after.then(() => this.page.evaluate((what) => globalThis.bareEnd.act(what), command))
      .catch((error) => { this.errors += `${command.do}: ${error.message}\n`; });
  }

  async closes() {
    this.tell({ do: 'close' });
    await this.#after;
    this.#watching = false;
    if (this.errors) throw new Error(this.errors);
  }
}

for (const [name, takes] of [['Chromium', 262_144], ['Firefox', 1_073_741_823]]) {
  dataWith(name, { takes }, async (t, begins) => {
    const visitor = await browsers[name].visitor(name);
    t.after(() => visitor.close());
    await visitor.open(server.url);
    await visitor.page.evaluate(becomeAnEnd, begins === 'sound');
    return new Bare(t, name, visitor);
  });
}
