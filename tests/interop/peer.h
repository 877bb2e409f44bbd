/*
 * One end of a call for tests with foreign peers: a so_peer over the sockets of this machine, whose signaling is JSON,
 * an object a line, on standard input and output. The foreign ends in Python speak the same language, which harness.mjs
 * describes.
 */
#ifndef INTEROP_PEER_H
#define INTEROP_PEER_H

#include "media/level.h"
#include "media/sink.h"
#include "media/source.h"
#include "net/loop.h"
#include "net/udp.h"
#include "peer/peer.h"

#include <jansson.h>

#define NO_TRACK SIZE_MAX

/* One kind of media, both ways. */
typedef struct way {
    size_t track;      /* NO_TRACK: not there yet */
    so_source *source; /* NULL: not begun */
    so_media_codec sends;
    unsigned frames, keys, byes; /* received; those that need none before them; RTCP BYE */
    unsigned wanted, keys_sent;  /* key frames that the other end asked for, and those that went */
    bool receiving;
} way;

typedef struct end {
    so_loop loop;
    so_engine engine;
    so_peer *peer;
    so_udp *udp;
    uv_timer_t due;
    uv_pipe_t commands;
    bool pumping, ending;
    unsigned lose_sent, lose_received, count_sent, count_received; /* every how manieth packet is lost; 0: none */
    so_sdp_choice choice;
    way ways[SO_MEDIA_KINDS];
    const char *file; /* to record into, or NULL */
    so_sink *sink;    /* NULL: nothing is recorded */
    so_media_codec records[SO_MEDIA_KINDS];
    uint64_t rate;      /* what pictures may take; 0: not said yet */
    const char *in;     /* what is sent: NULL: the test signal */
    bool mute;          /* nothing is sent */
    bool tells;         /* of each picture that leaves and comes */
    so_msec mute_until; /* until then no RTP leaves */
} end;

/* Ends the program with a sentence; for what no test can go on without. */
void must(so_status status, const so_error *err, const char *what);

/* Tells an object, and steals it. */
void say(json_t *object);

/* False: it is no command about data channels. */
bool data_obeys(end *e, const char *what, const json_t *command);
void data_event(end *e, const so_sctp_event *event);

/* Only this codec of pictures, and what repairs it; NULL: all. */
void media_choose(end *e, const char *video);
void media_add(end *e, so_media_kind kind);
/* From here on, with the codecs that the other end favours: before the first frame, since not every end makes another
 * key frame. */
void media_record(end *e);
/* Sends what is due, and says when to ask again. */
so_msec media_next(end *e);
/* Frames, wishes for key frames, rates. */
void media_event(end *e, const so_peer_event *event);
void media_close(end *e);
/* Is this datagram of RTP one that gets lost? */
bool media_loses(unsigned every, unsigned *count, const uint8_t *bytes, size_t len);
/* Is it RTP that must not leave at the moment? */
bool media_is_mute(end *e, const uint8_t *bytes, size_t len);
json_t *media_facts(const end *e, so_media_kind kind);

#endif
