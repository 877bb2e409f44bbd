// Reads the clock that `sotto call --in test` burns into its picture; src/media/clock_strip.h says how it is laid out.

const COLUMNS = 20;
const BITS = 40;
const DARK = 96;
const LIGHT = 160;

function crc8(bytes) {
  let crc = 0xff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let i = 0; i < 8; i++) crc = (crc << 1 ^ (crc & 0x80 ? 0x07 : 0)) & 0xff;
  }
  return crc;
}

/** Mean luma (BT.601, full range) of the middle of a cell. */
function meanOfMiddle({ data, width }, left, right, top, bottom) {
  const insetX = (right - left) >> 2, insetY = (bottom - top) >> 2;
  let sum = 0, count = 0;
  for (let y = top + insetY; y < bottom - insetY; y++) {
    for (let x = left + insetX; x < right - insetX; x++) {
      const at = 4 * (y * width + x);
      sum += 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2];
      count++;
    }
  }
  return sum / count;
}

/**
 * A pure function, so that it can be handed to a page: `page.evaluate(...)` of its source reads from a canvas there.
 * @param {{data: ArrayLike<number>, width: number, height: number}} image as getImageData gives it: RGBA
 * @returns {number | null} milliseconds; null: there is no strip, or it has suffered too much
 */
export function readClockStrip(image) {
  const { width, height } = image;
  const edge = (n) => Math.floor(n * width / COLUMNS);
  if (width < 4 * COLUMNS || height < edge(2)) return null;
  const bytes = [0, 0, 0, 0, 0];
  for (let bit = 0; bit < BITS; bit++) {
    const column = bit % COLUMNS, row = Math.floor(bit / COLUMNS);
    const mean = meanOfMiddle(image, edge(column), edge(column + 1), edge(row), edge(row + 1));
    if (mean >= DARK && mean < LIGHT) return null;
    if (mean >= LIGHT) bytes[bit >> 3] |= 0x80 >> (bit & 7);
  }
  if (crc8(bytes.slice(0, 4)) !== bytes[4]) return null;
  return (bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3]) >>> 0;
}

/** The reader and what it needs as one text, whose value is the function: for `page.evaluate` and `new Function`. */
export const readClockStripSource = `(() => {
  const COLUMNS = ${COLUMNS}, BITS = ${BITS}, DARK = ${DARK}, LIGHT = ${LIGHT};
  ${crc8} ${meanOfMiddle} ${readClockStrip}
  return readClockStrip;
})()`;
