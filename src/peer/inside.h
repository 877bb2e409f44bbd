/* What the files of this module share, and nobody else may know. */
#ifndef SOTTO_PEER_INSIDE_H
#define SOTTO_PEER_INSIDE_H

#include "dtls/dtls.h"
#include "dtls/early.h"
#include "peer/peer.h"
#include "rtp/reorder.h"
#include "rtp/sender.h"
#include "rtp/stats.h"

#define MEDIA_LAYER "media"

/* One input makes at most so many packets of media: a frame, or one report. */
#define OUT_SLOTS 4
#define OUT_BYTES 1280

/* Sound in packets of 20 ms: what comes later than this is not waited for. */
#define REORDER_SLOTS 16
#define REORDER_DELAY 60
/* Candidates that a description carries; those that come later, or find no room, are trickled. */
#define CANDIDATES_MAX 16
#define CANDIDATES_BYTES 2048
#define TRACKS_MAX 8
#define EXTENSIONS_MAX 2

typedef struct peer_slot {
    so_address local, remote;
    size_t len;
    uint8_t bytes[OUT_BYTES];
} peer_slot;

/* A transceiver's media side; its index is the transceiver's. */
typedef struct peer_track {
    so_sdp_kind kind;
    bool accepted, sends, receives;
    bool told; /* what receives was when it was last told */
    bool bye, bye_told;
    const so_sdp_ability *codec;
    uint8_t send_type, receive_type;
    uint8_t mid_id, level_id; /* of header extensions; 0: not agreed */
    char mid[SO_SDP_MID_MAX + 1];
    so_rtp_sender sender;
    so_reorder *reorder; /* there from the first agreement to receive on */
    bool source_known;
    so_rtp_stats source; /* of the SSRC that is received */
    unsigned lost_before;
} peer_track;

struct so_peer {
    so_engine *engine;
    so_random random;
    so_msec began;
    uint64_t unix_ms; /* the wall clock at began */
    so_peer_state state;
    bool state_told, ice_told, negotiate_told;
    so_ice_state last_ice;
    so_peer_failure failure;
    so_dtls_certificate *certificate;
    so_sdp_session sdp;
    so_ice *ice;
    so_dtls *dtls;
    so_early early;
    so_srtp *outgoing, *incoming;
    so_rtcp_timer reports;
    peer_track tracks[TRACKS_MAX];
    size_t track_count;
    uint8_t held[SO_DTLS_MTU]; /* a packet that the reordering of held_track has no room for yet */
    size_t held_len;           /* 0: there is none */
    uint16_t held_seq;
    const peer_track *held_track;
    peer_slot out[OUT_SLOTS];
    size_t out_first, out_count;
    so_ice_datagram ice_out;
    uint8_t dtls_out[SO_DTLS_MTU];
    bool remote_restarts;         /* the offer to be answered does */
    char lines[CANDIDATES_BYTES]; /* candidates of this generation, as descriptions say them, each with its zero */
    size_t lines_len;
    const char *line[CANDIDATES_MAX];
    char cname[24], said_mid[SO_SDP_MID_MAX + 1], said_ufrag[SO_ICE_UFRAG + 1];
    uint64_t stray;
    bool round_trip_known;
    uint32_t round_trip; /* 1/65536 s */
    uint8_t fraction_lost;
};

/* peer.c */
void so_peer_set_state(so_peer *p, so_peer_state state, const char *why);
void so_peer_fail(so_peer *p, so_door door, const char *code, const so_error *error);

/* The agent's next candidate as an event of ours; its other events are kept, or seen by its state. */
bool so_peer_ice_event(so_peer *p, so_peer_event *out);

/* describe.c: the next candidate to be told; those whose description is still to come wait for it */
bool so_peer_candidate_event(so_peer *p, so_peer_event *out);

/* transport.c: what an input may have made possible or due */
void so_peer_advance(so_peer *p, so_msec now);

/* media.c */
void so_peer_media_open(so_peer *p, so_msec now);
void so_peer_media_agreed(so_peer *p); /* descriptions were agreed on: who sends what to whom */
/* True: it was authentic, and nobody's replay. */
bool so_peer_media_receive(so_peer *p, so_msec now, uint8_t *bytes, size_t len, bool rtcp);
void so_peer_media_tick(so_peer *p, so_msec now);
so_msec so_peer_media_deadline(const so_peer *p);
bool so_peer_media_event(so_peer *p, so_msec now, so_peer_event *out);
void so_peer_media_bye(so_peer *p, so_msec now);
uint64_t so_peer_unix(const so_peer *p, so_msec now);

#endif
