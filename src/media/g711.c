#include "media/g711.h"

/* Both laws: a sign, a segment (each twice as coarse as the one below), and four bits within it. */
#define SIGN 0x80
#define ULAW_BIAS 0x84 /* in 16 bits, as everything here */
#define ULAW_CLIP 32635
#define ALAW_EVEN_BITS 0x55 /* every other bit is inverted on the wire */

static unsigned segment_of(unsigned magnitude, unsigned first)
{
    unsigned segment = 0;

    while (segment < 7 && magnitude >= first << (segment + 1))
        segment++;
    return segment;
}

uint8_t so_g711_to_ulaw(int16_t sample)
{
    unsigned sign = sample < 0 ? SIGN : 0, segment;
    int magnitude = sample < 0 ? -sample : sample;

    magnitude = (magnitude > ULAW_CLIP ? ULAW_CLIP : magnitude) + ULAW_BIAS;
    segment = segment_of((unsigned)magnitude, 0x80);
    return (uint8_t) ~(sign | segment << 4 | ((unsigned)magnitude >> (segment + 3) & 0x0f));
}

int16_t so_g711_of_ulaw(uint8_t code)
{
    unsigned bits = (uint8_t)~code;
    int magnitude = (int)((((bits & 0x0f) << 3) + ULAW_BIAS) << (bits >> 4 & 7)) - ULAW_BIAS;

    return (int16_t)(bits & SIGN ? -magnitude : magnitude);
}

uint8_t so_g711_to_alaw(int16_t sample)
{
    unsigned sign = sample < 0 ? 0 : SIGN, segment;
    unsigned magnitude = (unsigned)(sample < 0 ? -(sample + 1) : sample); /* one's complement, as the law has it */

    if (magnitude < 0x200)
        return (uint8_t)((sign | magnitude >> 4) ^ ALAW_EVEN_BITS); /* the first two segments are equally fine */
    segment = segment_of(magnitude, 0x80);
    return (uint8_t)((sign | segment << 4 | (magnitude >> (segment + 3) & 0x0f)) ^ ALAW_EVEN_BITS);
}

int16_t so_g711_of_alaw(uint8_t code)
{
    unsigned bits = code ^ ALAW_EVEN_BITS, segment = bits >> 4 & 7;
    int magnitude = (int)((bits & 0x0f) << 4) + 8; /* the middle of the step */

    if (segment > 0)
        magnitude = (magnitude + 0x100) << (segment - 1);
    return (int16_t)(bits & SIGN ? magnitude : -magnitude);
}
