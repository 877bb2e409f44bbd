// Functions that run in the page. Each stands alone: the browser gets its text and nothing around it.

/** Counts what the page asks of the browser; evaluated before the page's own first line. */
export function spy() {
  const did = {
    peers: 0, captures: 0, candidates: 0, attached: 0, sockets: [], socketMessages: 0, fetches: [], violations: [],
    packetsSent: 0, bytesSent: 0, resumed: [], saved: [], ports: [],
    dataSent: 0, heard: [], files: [], names: [],
  };
  /** @type {RTCPeerConnection[]} */ const peers = [];
  /** @type {RTCDataChannel[]} of either end, in the order in which they were made */ const channels = [];
  Object.defineProperty(globalThis, 'sottoSpy', { value: { did, peers, channels } });

  document.addEventListener('securitypolicyviolation', (event) => {
    did.violations.push(`${event.violatedDirective} ${event.blockedURI}`);
  });

  /** Keeps the most that was ever counted: a connection that closes forgets. @param {RTCPeerConnection} pc */
  const count = async (pc) => {
    let packets = 0;
    let bytes = 0;
    for (const entry of (await pc.getStats()).values()) {
      if (entry.type !== 'outbound-rtp') continue;
      packets += entry.packetsSent ?? 0;
      bytes += entry.bytesSent ?? 0;
    }
    did.packetsSent = Math.max(did.packetsSent, packets);
    did.bytesSent = Math.max(did.bytesSent, bytes);
  };

  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...args) {
      super(...args);
      did.peers++;
      peers.push(this);
      this.addEventListener('icecandidate', ({ candidate }) => {
        if (!candidate?.candidate) return;
        did.candidates++;
        did.ports.push(Number(candidate.candidate.split(' ')[5]));
      });
      this.addEventListener('datachannel', ({ channel }) => watchChannel(channel));
      const timer = setInterval(() => {
        if (this.signalingState === 'closed') clearInterval(timer);
        else void count(this).catch(() => {});
      }, 250);
    }

    close() {
      const last = count(this).catch(() => {});
      super.close();
      return void last;
    }
  };

  /** @param {RTCDataChannel} channel */
  const watchChannel = (channel) => {
    channels.push(channel);
    channel.addEventListener('message', ({ data }) => {
      if (typeof data === 'string') did.heard.push(`${channel.label}: ${data}`);
    });
  };
  const { createDataChannel } = RTCPeerConnection.prototype;
  RTCPeerConnection.prototype.createDataChannel = function (...args) {
    const channel = createDataChannel.apply(this, args);
    watchChannel(channel);
    return channel;
  };
  const sendData = RTCDataChannel.prototype.send;
  RTCDataChannel.prototype.send = function (data) {
    did.dataSent++;
    return sendData.call(this, data);
  };

  const { replaceTrack } = RTCRtpSender.prototype;
  RTCRtpSender.prototype.replaceTrack = function (track) {
    if (track) did.attached++;
    return replaceTrack.call(this, track);
  };
  const { addTrack, addTransceiver } = RTCPeerConnection.prototype;
  RTCPeerConnection.prototype.addTrack = function (...args) {
    did.attached++;
    return addTrack.apply(this, args);
  };
  RTCPeerConnection.prototype.addTransceiver = function (what, ...args) {
    if (typeof what !== 'string') did.attached++;
    return addTransceiver.call(this, what, ...args);
  };

  // A page without TLS, such as about:blank, has no devices.
  for (const name of globalThis.MediaDevices ? ['getUserMedia', 'getDisplayMedia'] : []) {
    const real = MediaDevices.prototype[name];
    MediaDevices.prototype[name] = function (...args) {
      did.captures++;
      return real.apply(this, args);
    };
  }

  globalThis.WebSocket = class extends WebSocket {
    constructor(url, ...args) {
      super(url, ...args);
      did.sockets.push(String(url));
      this.addEventListener('message', ({ data }) => {
        const message = JSON.parse(data);
        if (message.kind === 'welcome') did.resumed.push(message.resumed);
      });
    }

    send(data) {
      did.socketMessages++;
      super.send(data);
    }
  };

  const { createObjectURL } = URL;
  URL.createObjectURL = (blob) => {
    if (blob instanceof Blob) void keepSaved(blob);
    return createObjectURL.call(URL, blob);
  };
  /** Reports as they are, and of what may be large its digest. @param {Blob} blob */
  const keepSaved = async (blob) => {
    if (blob.type === 'application/json') return did.saved.push(await blob.text());
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await blob.arrayBuffer()));
    return did.files.push({ size: blob.size, sha256: Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('') });
  };
  const { click } = HTMLAnchorElement.prototype;
  HTMLAnchorElement.prototype.click = function () {
    if (this.download) did.names.push(this.download);
    click.call(this);
  };

  const { fetch } = globalThis;
  globalThis.fetch = (what, ...args) => {
    did.fetches.push(new URL(what instanceof Request ? what.url : what, location.href).href);
    return fetch(what, ...args);
  };
}

/** What the security panel says. */
export function readPanel() {
  const doors = {};
  for (const door of document.querySelectorAll('[data-door]')) {
    const fields = {};
    for (const field of door.querySelectorAll('[data-field]')) fields[field.dataset.field] = field.textContent;
    doors[door.dataset.door] = { state: door.dataset.state, reason: door.dataset.reason ?? null, fields };
  }
  const text = (id) => document.getElementById(id)?.textContent ?? null;
  return {
    state: document.body.dataset.state, reason: document.body.dataset.reason ?? null,
    verdict: document.getElementById('panel').dataset.verdict, text: text('verdict'), detail: text('verdict-detail'),
    notice: document.getElementById('notice').dataset.notice ?? '', over: text('over-title'), doors,
  };
}

/** What the newest peer connection counted; null before there is one. */
export async function readStats() {
  const pc = globalThis.sottoSpy.peers.at(-1);
  if (!pc) return null;
  const sums = { framesDecoded: 0, samplesHeard: 0, audioEnergy: 0, packetsSent: 0, bytesSent: 0 };
  let transport = null;
  for (const entry of (await pc.getStats()).values()) {
    if (entry.type === 'inbound-rtp' && entry.kind === 'video') sums.framesDecoded += entry.framesDecoded ?? 0;
    if (entry.type === 'inbound-rtp' && entry.kind === 'audio') {
      // What was concealed was made up by the receiver.
      sums.samplesHeard += (entry.totalSamplesReceived ?? 0) - (entry.concealedSamples ?? 0);
      sums.audioEnergy += entry.totalAudioEnergy ?? 0;
    }
    if (entry.type === 'outbound-rtp') {
      sums.packetsSent += entry.packetsSent ?? 0;
      sums.bytesSent += entry.bytesSent ?? 0;
    }
    if (entry.type === 'transport') {
      const { tlsVersion, dtlsCipher, srtpCipher, dtlsRole } = entry;
      transport = { tlsVersion, dtlsCipher, srtpCipher, dtlsRole };
    }
  }
  return { ...sums, transport, peers: globalThis.sottoSpy.peers.length };
}
