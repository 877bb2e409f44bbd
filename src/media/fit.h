/* Inside media/: whether a file's own packets can be sent as they are. */
#ifndef SOTTO_MEDIA_FIT_H
#define SOTTO_MEDIA_FIT_H

#include "media/input.h"

#include <libavcodec/bsf.h>

/* The rules are those of so_source_start. Reads a minute of the file, or what there is; the input is open, with its
 * stream chosen, and has been read from when this returns. *fit is the answer. */
so_status so_fit(so_input *input, so_media_codec codec, bool *fit, so_error *err) SO_MUST_CHECK;

/* What H.264 needs to become Annex B with parameter sets in front of each IDR picture; *filter is NULL for the rest. */
so_status so_fit_filter(const so_input *input, so_media_codec codec, AVBSFContext **filter,
                        so_error *err) SO_MUST_CHECK;
/* The packet through the filter, in place. SO_STATE: nothing came out. SO_BAD_INPUT: it is broken. */
so_status so_fit_pass(AVBSFContext *filter, AVPacket *packet) SO_MUST_CHECK;
bool so_fit_is_key(so_media_codec codec, const AVPacket *packet);

#define SO_FIT_SOUND_MOST 1000      /* bytes: a packet of sound must fit a datagram with all that stands around it */
#define SO_FIT_PICTURE_MOST 1000000 /* bytes */

#endif
