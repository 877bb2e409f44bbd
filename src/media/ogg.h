/*
 * Opus packets out of files and into files, as they are: nothing is decoded or encoded again. Reading takes whatever
 * libavformat finds Opus in (Ogg, WebM, Matroska, MP4); writing is Ogg Opus (RFC 7845).
 *
 * File names are files: "http://..." and the like are never followed, also not from inside a file.
 */
#ifndef SOTTO_MEDIA_OGG_H
#define SOTTO_MEDIA_OGG_H

#include "base/status.h"
#include "media/packet.h"

typedef struct so_media_in so_media_in;

/* SO_IO: it can't be opened or read. SO_BAD_INPUT: it holds no audio, or none that is Opus in one or two channels. */
so_status so_media_in_open(so_media_in **in, const char *path, so_error *err) SO_MUST_CHECK;
void so_media_in_close(so_media_in *in); /* NULL is allowed */

/*
 * The next packet, a view until the next call. SO_NOT_FOUND: the end, which is said once; then SO_STATE until
 * so_media_in_rewind. SO_IO: the file can't be read on. What is no Opus packet is passed over.
 */
so_status so_media_in_next(so_media_in *in, so_media_packet *packet, so_error *err) SO_MUST_CHECK;
/* From the first packet again. Fails as opening does; then only closing is left. */
so_status so_media_in_rewind(so_media_in *in, so_error *err) SO_MUST_CHECK;

typedef struct so_media_out so_media_out;

/*
 * Makes the file, or empties one that is there; a new one only its owner may read, since it holds a call. channels: 1
 * or 2, what players are told; packets of either kind fit (RFC 6716 §2.1.2).
 */
so_status so_media_out_open(so_media_out **out, const char *path, unsigned channels, so_error *err) SO_MUST_CHECK;
/*
 * Adds a packet at its RTP timestamp (48 kHz, RFC 7587 §4.1). What is missing in between stays missing, and what
 * follows keeps its time. A packet that is not later than the last one is passed over (SO_OK). A timestamp more than a
 * minute away is that of another stream: it goes on right behind. SO_BAD_INPUT: no Opus packet; nothing was written, go
 * on. SO_IO: the file can't be written on. What is older than a second is in the file, also when this process dies.
 */
so_status so_media_out_write(so_media_out *out, const uint8_t *bytes, size_t len, uint32_t timestamp,
                             so_error *err) SO_MUST_CHECK;
/* Ends the file and frees out, whatever it returns. SO_IO: the end could not be written. */
so_status so_media_out_close(so_media_out *out, so_error *err) SO_MUST_CHECK;

#endif
