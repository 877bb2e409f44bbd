// How good a call is, as the browser counts it and as the clock in the picture shows it.

import { readClockStripSource } from '../browser/clock_strip.mjs';

/** Sound that was made up, and pictures, since the call began. */
export const counted = (visitor) => visitor.page.evaluate(async () => {
  const all = { concealed: 0, silent: 0, samples: 0, frames: 0, freezes: 0, frozen: 0, jitterMs: 0, lost: 0, packets: 0, nacks: 0, plis: 0 };
  for (const entry of (await globalThis.sottoSpy.peers.at(-1).getStats()).values()) {
    if (entry.type !== 'inbound-rtp') continue;
    all.lost += entry.packetsLost ?? 0;
    all.packets += entry.packetsReceived ?? 0;
    if (entry.kind === 'audio') {
      all.concealed += entry.concealedSamples ?? 0;
      all.silent += entry.silentConcealedSamples ?? 0;
      all.samples += entry.totalSamplesReceived ?? 0;
    } else {
      all.frames += entry.framesDecoded ?? 0;
      all.freezes += entry.freezeCount ?? 0;
      all.frozen += entry.totalFreezesDuration ?? 0;
      all.nacks += entry.nackCount ?? 0;
      all.plis += entry.pliCount ?? 0;
    }
  }
  return all;
});

/** Begins to watch the clock in the other end's picture; `seen()` gives what was seen so far. */
export async function watchClock(visitor) {
  await visitor.page.evaluate(`(() => {
    const read = ${readClockStripSource};
    const video = document.getElementById('remote'), canvas = document.createElement('canvas');
    const seen = globalThis.sottoSeen = [];
    const look = () => {
      if (video.videoWidth > 0) {
        canvas.width = 320;
        canvas.height = 180;
        const context = canvas.getContext('2d', { willReadFrequently: true });
        context.drawImage(video, 0, 0, 320, 180);
        const shown = read(context.getImageData(0, 0, 320, 180));
        if (shown !== null && shown !== seen.at(-1)?.shown) seen.push({ shown, at: performance.now() });
      }
      setTimeout(look, 20);
    };
    look();
  })()`);
  return { seen: () => visitor.page.evaluate('globalThis.sottoSeen') };
}

/** The longest time in which the picture did not change, ms. */
export const longestPause = (seen) => Math.max(0, ...seen.slice(1).map(({ at }, i) => at - seen[i].at));

/** How much later than at its best the picture was, ms. */
export function worstDelay(seen) {
  const late = seen.map(({ shown, at }) => at - shown);
  return Math.max(...late) - Math.min(...late);
}
