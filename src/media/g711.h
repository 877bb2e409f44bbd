/* ITU-T G.711: a sample in eight bits, by the μ-law (PCMU) or the A-law (PCMA). */
#ifndef SOTTO_MEDIA_G711_H
#define SOTTO_MEDIA_G711_H

#include <stdint.h>

#define SO_G711_RATE 8000

uint8_t so_g711_to_ulaw(int16_t sample);
uint8_t so_g711_to_alaw(int16_t sample);
int16_t so_g711_of_ulaw(uint8_t code);
int16_t so_g711_of_alaw(uint8_t code);

#endif
