// What getStats says about media and path, without an address. Pure.

import { notReported } from './report.js';

/** @typedef {import('./report.js').Value} Value */

/** @type {Record<string, string>} as DTLS writes its version on the wire */
const VERSIONS = { FEFC: '1.3', FEFD: '1.2' };

/** @param {any} value @returns {Value} */
function told(value) {
  return typeof value === 'string' && value !== '' ? value : notReported('not reported by this browser');
}

/** @param {RTCStatsReport} stats @param {(entry: any) => boolean} wanted @returns {any} */
function find(stats, wanted) {
  for (const entry of stats.values()) if (wanted(entry)) return entry;
  return undefined;
}

/** Does it say yet how media is encrypted? Browsers that never do are waited for in vain, but not for long. @param {RTCStatsReport} stats */
export function tellsMedia(stats) {
  const transport = find(stats, (entry) => entry.type === 'transport');
  return Boolean(transport?.tlsVersion && transport?.srtpCipher);
}

/** @param {RTCStatsReport} stats @returns {{fields: Record<string, Value>, fault: string | null}} */
export function describeMedia(stats) {
  const transport = find(stats, (entry) => entry.type === 'transport') ?? {};
  const version = typeof transport.tlsVersion === 'string' ? transport.tlsVersion.toUpperCase() : '';
  const fields = {
    dtls: version ? (VERSIONS[version] ?? `unknown (${version})`) : told(undefined),
    cipher: told(transport.dtlsCipher),
    group: told(transport.tlsGroup),
    role: told(transport.dtlsRole),
    srtp: told(transport.srtpCipher),
  };
  let fault = null;
  if (version === 'FEFF' || version === '0100') fault = 'dtls-old';
  if (/NULL/i.test(transport.srtpCipher ?? '')) fault = 'srtp-null';
  return { fields, fault };
}

/** What a browser counts: RTP alone, and its payload. @param {RTCStatsReport} stats @returns {Record<string, Value>} */
export function describeCounts(stats) {
  const silent = notReported('this browser does not tell');
  const total = { sent: 0, sent_bytes: 0, received: 0, received_bytes: 0 };
  for (const entry of stats.values()) {
    if (entry.type === 'outbound-rtp') {
      total.sent += entry.packetsSent ?? 0;
      total.sent_bytes += entry.bytesSent ?? 0;
    } else if (entry.type === 'inbound-rtp') {
      total.received += entry.packetsReceived ?? 0;
      total.received_bytes += entry.bytesReceived ?? 0;
    }
  }
  return { ...total, failed: silent, replayed: silent };
}

/** @param {any} candidate @returns {Value} */
function kindOf(candidate) {
  switch (candidate?.candidateType) {
    case 'relay': return 'through a relay';
    case 'host': return 'on its own network';
    case 'srflx': return 'behind a router';
    case 'prflx': return 'learnt from its packets';
    default: return notReported('not reported by this browser');
  }
}

/** @param {RTCStatsReport} stats @returns {Record<string, Value> | null} */
export function describePath(stats) {
  const transport = find(stats, (entry) => entry.type === 'transport');
  const pair = find(stats, (entry) => entry.type === 'candidate-pair' && (transport?.selectedCandidatePairId
    ? entry.id === transport.selectedCandidatePairId
    : entry.selected === true || (entry.nominated && entry.state === 'succeeded')));
  if (!pair) return null;
  const local = find(stats, (entry) => entry.id === pair.localCandidateId);
  const remote = find(stats, (entry) => entry.id === pair.remoteCandidateId);
  const relayed = local?.candidateType === 'relay' || remote?.candidateType === 'relay';
  return {
    kind: relayed ? 'relayed' : 'direct',
    protocol: told(local?.protocol),
    mine: kindOf(local),
    theirs: kindOf(remote),
  };
}
