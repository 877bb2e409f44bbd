#include "media/clock_strip.h"

#include <string.h>

#define COLUMNS 20
#define BITS 40
/* The least width in which each cell has a middle. */
#define WIDTH_LEAST (4 * COLUMNS)
#define WHITE 235
#define BLACK 16
#define DARK 96
#define LIGHT 160

typedef struct cell {
    unsigned left, right, top, bottom;
} cell;

static unsigned edge(unsigned n, unsigned width)
{
    return (unsigned)((uint64_t)n * width / COLUMNS);
}

static cell cell_of(unsigned bit, unsigned width)
{
    unsigned column = bit % COLUMNS, row = bit / COLUMNS;

    return (cell){edge(column, width), edge(column + 1, width), edge(row, width), edge(row + 1, width)};
}

static uint8_t crc8(uint32_t ms)
{
    uint8_t crc = 0xff; /* so that a black picture is not midnight */

    for (int shift = 24; shift >= 0; shift -= 8) {
        crc ^= (uint8_t)(ms >> shift);
        for (unsigned i = 0; i < 8; i++)
            crc = (uint8_t)(crc << 1 ^ (crc & 0x80 ? 0x07 : 0));
    }
    return crc;
}

unsigned so_clock_strip_height(unsigned width)
{
    return edge(BITS / COLUMNS, width);
}

void so_clock_strip_draw(uint8_t *luma, size_t stride, unsigned width, uint32_t ms)
{
    uint64_t bits = (uint64_t)ms << 8 | crc8(ms);

    for (unsigned bit = 0; bit < BITS; bit++) {
        cell c = cell_of(bit, width);
        for (unsigned y = c.top; y < c.bottom; y++)
            memset(luma + y * stride + c.left, bits >> (BITS - 1 - bit) & 1 ? WHITE : BLACK, c.right - c.left);
    }
}

static unsigned mean_of_middle(const uint8_t *luma, size_t stride, cell c)
{
    unsigned inset_x = (c.right - c.left) / 4, inset_y = (c.bottom - c.top) / 4, count = 0;
    uint64_t sum = 0;

    for (unsigned y = c.top + inset_y; y < c.bottom - inset_y; y++)
        for (unsigned x = c.left + inset_x; x < c.right - inset_x; x++) {
            sum += luma[y * stride + x];
            count++;
        }
    return (unsigned)(sum / count);
}

bool so_clock_strip_read(const uint8_t *luma, size_t stride, unsigned width, unsigned height, uint32_t *ms)
{
    uint64_t bits = 0;

    if (width < WIDTH_LEAST || height < so_clock_strip_height(width))
        return false;
    for (unsigned bit = 0; bit < BITS; bit++) {
        unsigned mean = mean_of_middle(luma, stride, cell_of(bit, width));
        if (mean >= DARK && mean < LIGHT)
            return false;
        bits = bits << 1 | (mean >= LIGHT);
    }
    if (crc8((uint32_t)(bits >> 8)) != (uint8_t)bits)
        return false;
    *ms = (uint32_t)(bits >> 8);
    return true;
}
