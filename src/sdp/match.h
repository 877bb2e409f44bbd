/* Inside sdp/: which of our abilities a codec or an extension of a description is. */
#ifndef SOTTO_SDP_MATCH_H
#define SOTTO_SDP_MATCH_H

#include "sdp/negotiate.h"

/* The m-line's codec that is abilities->codecs[ability]; NULL: it has none. */
const so_sdp_codec *so_sdp_find(const so_sdp_abilities *abilities, size_t ability, const so_sdp_media *media);
/* The ability that a codec of the m-line is the first of; codec_count: none. */
size_t so_sdp_ability_of(const so_sdp_abilities *abilities, const so_sdp_media *media, const so_sdp_codec *codec);
/* extension_count: none. */
size_t so_sdp_extension_ability_of(const so_sdp_abilities *abilities, const so_sdp_media *media,
                                   const so_sdp_extension *extension);

#endif
