"""What the foreign ends send and how they look at what they get: a tone, and pictures with the clock of
src/media/clock_strip.h, whose layout is described there. Plain Python: pictures are small and few."""

import array
import math

COLUMNS = 20
DARK, LIGHT = 96, 160
WIDTH, HEIGHT, FPS = 320, 240, 10
OWN_TONE = 660  # Hz; Sotto's test signal has 440
RATE = 48000


def _crc8(data):
    crc = 0xFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = ((crc << 1) ^ (0x07 if crc & 0x80 else 0)) & 0xFF
    return crc


def draw(ms, width=WIDTH, height=HEIGHT):
    """A picture in I420 whose clock shows ms, above a grey field in which a bar moves."""
    count = ms.to_bytes(4, "big")
    bits = "".join(f"{b:08b}" for b in count + bytes([_crc8(count)]))
    luma = bytearray()
    edges = [n * width // COLUMNS for n in range(COLUMNS + 1)]
    for row in range(2):
        cells = bits[row * COLUMNS:(row + 1) * COLUMNS]
        line = b"".join(bytes([235 if cell == "1" else 16]) * (edges[c + 1] - edges[c]) for c, cell in enumerate(cells))
        luma += line * (edges[row + 1] - edges[row])
    bar = ms // 10 % (width - 16)
    line = bytes([110]) * bar + bytes([200]) * 16 + bytes([110]) * (width - 16 - bar)
    luma += line * (height - edges[2])
    quarter = width // 2 * (height // 2)
    return bytes(luma) + bytes([90]) * quarter + bytes([160]) * quarter


def read(luma, stride, width, height):
    """What the clock shows, in milliseconds; None: there is none, or it has suffered too much."""
    edges = [n * width // COLUMNS for n in range(COLUMNS + 1)]
    if width < 4 * COLUMNS or height < edges[2]:
        return None
    bits = 0
    for bit in range(2 * COLUMNS):
        column, row = bit % COLUMNS, bit // COLUMNS
        left, right, top, bottom = edges[column], edges[column + 1], edges[row], edges[row + 1]
        inset_x, inset_y = (right - left) // 4, (bottom - top) // 4
        total = count = 0
        for y in range(top + inset_y, bottom - inset_y):
            part = luma[y * stride + left + inset_x:y * stride + right - inset_x]
            total += sum(part)
            count += len(part)
        mean = total / count
        if DARK <= mean < LIGHT:
            return None
        bits = bits << 1 | (mean >= LIGHT)
    data = bits.to_bytes(5, "big")
    return int.from_bytes(data[:4], "big") if _crc8(data[:4]) == data[4] else None


def tone(first, count, hz=OWN_TONE):
    """Samples of 16 bits, one channel."""
    return array.array("h", (int(9000 * math.sin(2 * math.pi * hz * n / RATE)) for n in range(first, first + count)))


def share(samples, hz, rate=RATE):
    """How much of the energy of these samples (floats, or whole numbers) lies at one frequency: 0 to 1 (Goertzel)."""
    coefficient = 2 * math.cos(2 * math.pi * hz / rate)
    a = b = energy = 0.0
    for x in samples:
        a, b = x + coefficient * a - b, a
        energy += x * x
    if energy == 0:
        return 0.0
    return 2 * (a * a + b * b - coefficient * a * b) / (len(samples) * energy)


class Watch:
    """What came: how many pictures, what their clocks showed; how much sound, and how much of it the other end's tone."""

    def __init__(self):
        self.pictures = self.full = self.sounds = self.toned = 0
        self.clocks = []
        self.size = None

    def picture(self, luma, stride, width, height):
        self.pictures += 1
        self.full += width >= WIDTH  # on a path that bears less, pictures become too small for their clocks
        self.size = [width, height]
        shown = read(luma, stride, width, height)
        if shown is not None:
            self.clocks.append(shown)

    def sound(self, samples, hz=440):
        self.sounds += 1
        self.toned += share(samples, hz) > 0.8

    def facts(self):
        return {"pictures": self.pictures, "full": self.full, "clocks": len(self.clocks), "size": self.size,
                "forward": all(a < b for a, b in zip(self.clocks, self.clocks[1:])),
                "sounds": self.sounds, "toned": self.toned}
