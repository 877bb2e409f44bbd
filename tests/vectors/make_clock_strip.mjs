// Writes clock_strip.json from the words of src/media/clock_strip.h, apart from both programs that must meet it.
// node tests/vectors/make_clock_strip.mjs > tests/vectors/clock_strip.json
const crc = (bytes) => { // long division, bit by bit: the message and 8 zero bits, the first 8 bits inverted
  const bits = [...bytes, 0].flatMap((b) => Array.from({ length: 8 }, (_, i) => b >> (7 - i) & 1));
  for (let i = 0; i < 8; i++) bits[i] ^= 1;
  for (let i = 0; i + 8 < bits.length; i++) if (bits[i]) [1, 0, 0, 0, 0, 0, 1, 1, 1].forEach((p, k) => { bits[i + k] ^= p; });
  return bits.slice(-8);
};
const times = [0, 1, 33, 1000, 59999, 0x12345678, 0x7fffffff, 0x80000000, 0xffffffff];
const strips = times.map((ms) => {
  const bytes = [24, 16, 8, 0].map((shift) => ms >>> shift & 0xff);
  const bits = [...bytes.flatMap((b) => Array.from({ length: 8 }, (_, i) => b >> (7 - i) & 1)), ...crc(bytes)].join('');
  return { ms, upper: bits.slice(0, 20), lower: bits.slice(20) };
});
console.log(JSON.stringify({ about: 'src/media/clock_strip.h: cells from left to right, 1 is white', strips }, null, 1));
