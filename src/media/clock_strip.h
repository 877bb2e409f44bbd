/*
 * A clock that machines read out of a picture, also after lossy coding and scaling.
 *
 * The layout, for readers in other languages. W is the width of the picture. In its upper left corner stand two rows
 * of 20 square cells, each W/20 wide and high, so that the strip is as wide as the picture and W/10 high. Cell c of row
 * r covers the columns from floor(c*W/20) up to, not including, floor((c+1)*W/20), and the lines from floor(r*W/20) to
 * floor((r+1)*W/20). A white cell is a 1, a black one a 0. The 40 bits, from left to right and the upper row first, are
 * a count of milliseconds (32 bits, the highest first) and a checksum (8 bits, the highest first): the CRC of the four
 * bytes of the count, the highest first, with polynomial x^8+x^2+x+1 (0x07), from 0xff on, not reflected, not inverted.
 *
 * To read it: of each cell take the mean luma of its middle, that is of the columns and lines in its second and third
 * quarter. Below 96 (of 255) it is black, from 160 on white; anything between, or a wrong checksum: there is no time to
 * be read. With video's levels (16 to 235) and with a canvas's (0 to 255) the same numbers do.
 *
 * At 640 pixels a cell is 32 wide; at 320, and that is as small as it should get under lossy coding, 16.
 */
#ifndef SOTTO_MEDIA_CLOCK_STRIP_H
#define SOTTO_MEDIA_CLOCK_STRIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What of the picture it takes. */
unsigned so_clock_strip_height(unsigned width);
/* Into a plane of luma, in video's levels. The picture is at least so_clock_strip_height lines high. */
void so_clock_strip_draw(uint8_t *luma, size_t stride, unsigned width, uint32_t ms);
/* false: there is none in the picture, or it has suffered too much. */
bool so_clock_strip_read(const uint8_t *luma, size_t stride, unsigned width, unsigned height, uint32_t *ms);

#endif
