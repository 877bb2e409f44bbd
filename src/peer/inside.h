/* What the files of this module share, and nobody else may know. */
#ifndef SOTTO_PEER_INSIDE_H
#define SOTTO_PEER_INSIDE_H

#include "crypto/groups.h"
#include "dtls/dtls.h"
#include "dtls/early.h"
#include "ice/turn.h"
#include "peer/peer.h"
#include "rtp/arrivals.h"
#include "rtp/estimate.h"
#include "rtp/jitter.h"
#include "rtp/nack.h"
#include "rtp/outbox.h"
#include "rtp/pacer.h"
#include "rtp/payload.h"
#include "rtp/red.h"
#include "rtp/remb.h"
#include "rtp/reorder.h"
#include "rtp/rtx.h"
#include "rtp/sender.h"
#include "rtp/stats.h"

#define MEDIA_LAYER "media"

/* One input makes at most so many packets that do not wait for their turn: a frame of sound, reports, feedback. */
#define OUT_SLOTS 8
#define OUT_BYTES 1280

/* Sound in packets of 20 ms or less: what comes later than the jitter says is not waited for. */
#define REORDER_SLOTS 32
#define REORDER_DELAY 60 /* ms, before anything is known of the path */
#define REORDER_LEAST 20
#define REORDER_MOST 300
/* Video: frames of hundreds of packets, which are worth waiting for until they have been asked for again. */
#define VIDEO_SLOTS 512
#define VIDEO_DELAY 400
#define VIDEO_LEAST 10
#define VIDEO_MOST 500
/* How long a key frame that was asked for is waited for before it is asked for again. */
#define KEY_PATIENCE 500
/* Candidates that a description carries; those that come later, or find no room, are trickled. */
#define CANDIDATES_MAX 16
#define TRACKS_MAX 8
#define SSRCS_SPARE 4 /* room in SRTP for SSRCs besides those of the tracks */
#define EXTENSIONS_MAX 4
/* Sound goes with the frame before it, and with two where more than one packet in fifty is lost. */
#define REPEATS 2
#define REPEATS_ALL_FROM 5 /* of 256 */
#define CODECS_MAX 8
/* Negotiated channels that are opened before there is an association. */
#define DECLARED_MAX 8
#define NO_TYPE (-1)

typedef struct peer_slot {
    so_address local, remote;
    size_t len;
    uint8_t bytes[OUT_BYTES];
} peer_slot;

/* What the engine's pool has blocks for: packets, before they go and after they came. */
typedef union peer_block {
    peer_slot slot;
    uint8_t bytes[OUT_BYTES + SO_TURN_OVERHEAD];
} peer_block;

/* One way to code a track that both ends have. */
typedef struct peer_codec {
    const so_sdp_ability *ability;
    so_rtp_format format;
    int send_type, receive_type;
    int rtx_send, rtx_receive; /* of retransmissions (RFC 4588); NO_TYPE: none */
    bool nack, pli, fir, remb; /* what the other end takes of feedback */
} peer_codec;

/* A frame of sound that went already. */
typedef struct peer_sound {
    uint32_t time;
    size_t len; /* 0: there is none */
    uint8_t bytes[SO_RED_MAX_LEN];
} peer_sound;

/* What is sent of a track. */
typedef struct peer_sending {
    so_rtp_sender sender;
    so_rtp_sender repair; /* retransmissions are a stream of their own */
    so_outbox *outbox;    /* of video, there from the first agreement to send on */
    uint16_t picture_id;
    bool awaits_key; /* a frame was left out: what refers to it is of no use */
    bool key_wanted; /* to be told */
    uint8_t last_fir;
    bool fir_known;
    peer_sound before[REPEATS]; /* the last frames of sound, the latest first, to be repeated (RFC 2198) */
    uint64_t again;             /* retransmissions */
    uint32_t told_highest;      /* number that the other end had, by its last report; 0: none came */
} peer_sending;

/* What is received of a track. */
typedef struct peer_receiving {
    so_reorder *reorder; /* there from the first agreement to receive on */
    so_rtp_join *join;   /* of video, likewise */
    peer_block *held;    /* a packet that is put again when there is room for it; NULL: there is none */
    size_t held_len;
    peer_block *reput; /* a packet behind a frame that ended without a marker; of video, there with the rest */
    size_t reput_len;
    so_jitter jitter; /* how long to wait for what is late */
    so_nack *nack;    /* of video, likewise: what to ask for again */
    int type;         /* of the packets that are put together; NO_TYPE: none came */
    bool source_known;
    so_rtp_stats source; /* of the SSRC that is received */
    bool sr_known;
    so_rtcp_sender sr; /* the last one of this source */
    bool gap;          /* packets are missing before the next one */
    unsigned lost_before;
    bool awaits_key, wants_key; /* wants: it must be asked for */
    so_msec key_asked_at;       /* when it was last asked for */
    uint8_t fir_seq;
    uint64_t frames, dropped, keys_asked, repaired;
} peer_receiving;

/* A transceiver's media side; its index is the transceiver's. */
typedef struct peer_track {
    so_sdp_kind kind;
    bool accepted, sends, receives;
    bool told; /* what receives was when it was last told */
    bool bye, bye_told;
    peer_codec codecs[CODECS_MAX]; /* the other end's preference first */
    size_t codec_count;
    int red_send, red_receive;                    /* RFC 2198; NO_TYPE: none */
    uint8_t mid_id, level_id, time_id, number_id; /* of header extensions; 0: not agreed */
    char mid[SO_SDP_MID_MAX + 1];
    peer_sending out;
    peer_receiving in;
} peer_track;

/* A TURN server of UDP, for bases to come. */
typedef struct peer_server {
    so_address address;
    char username[SO_STUN_NAME_MAX + 1], credential[SO_STUN_NAME_MAX + 1];
} peer_server;

/* An allocation, or the wish for one. */
typedef struct peer_relay {
    so_turn *turn; /* NULL: a free slot */
    so_relay_way way;
    unsigned stream;         /* of TCP and TLS */
    so_address base, server; /* of UDP */
    so_address relayed;      /* as the agent knows it; family 0: it does not */
    bool told;               /* that it failed */
} peer_relay;

/* What is known of the path, for the rate of what is sent. */
typedef struct peer_pace {
    so_sent sent;
    so_arrivals arrivals;
    uint32_t media; /* an SSRC of the other end's, for feedback */
    so_estimate estimate;
    so_pacer pacer;
    so_meter sound;
    so_remb remb;      /* what we tell a sender that has no transport-wide numbers */
    uint64_t remb_due; /* to be told now; 0: nothing */
    bool waits;        /* something is in an outbox */
} peer_pace;

/* Data channels. */
typedef struct peer_data {
    bool agreed; /* by both descriptions: */
    uint16_t port, remote_port;
    uint64_t remote_max;
    struct peer_declared *declared[DECLARED_MAX];
    size_t declared_count;
    so_sctp *sctp;     /* there from when DTLS is open, too */
    bool failed, told; /* it could not be made */
    so_error error;
    so_msec now; /* of the input that is being handled */
    so_sctp_event event;
} peer_data;

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
    char groups[SO_GROUPS_MAX], profiles[SO_GROUPS_MAX]; /* that it may agree on; "": any */
    so_early early;
    so_srtp *outgoing, *incoming;
    so_rtcp_timer reports;
    peer_track *tracks[TRACKS_MAX]; /* track_count of them are there */
    size_t track_count;
    peer_data data;
    bool reduced;              /* feedback may go without a report (RFC 5506) */
    peer_slot *out[OUT_SLOTS]; /* out_count of them from out_first on wait to leave; NULL: no memory was taken */
    size_t out_first, out_count;
    peer_block *leaving; /* what so_peer_transmit gives out, until the next call; NULL while there is nothing */
    peer_pace *pace;     /* there from the first agreement on a picture on */
    so_ice_datagram ice_out;
    bool remote_restarts;       /* the offer to be answered does */
    char *line[CANDIDATES_MAX]; /* candidates of this generation, as descriptions say them */
    char cname[24], said_mid[SO_SDP_MID_MAX + 1], said_ufrag[SO_ICE_UFRAG + 1];
    uint64_t stray;
    /* relays */
    bool abandoned, relay_only, no_more_bases, gathering_ends; /* the last one: the agent was told of the one before */
    so_address bases[SO_ICE_MAX_BASES];
    size_t base_count;
    peer_server *servers; /* SO_ICE_MAX_SERVERS, from the first one on */
    size_t server_count;
    peer_relay relays[SO_ICE_MAX_RELAYS];
    so_datagram wrapped;       /* waits for requests that must be there before it; len 0: nothing does */
    peer_block *wrapped_block; /* its bytes */
    bool round_trip_known;
    uint32_t round_trip; /* 1/65536 s */
    uint8_t fraction_lost;
};

/* The SSRC that reports come from; 0: there is no track. */
static inline uint32_t so_peer_own_ssrc(const so_peer *p)
{
    return p->track_count == 0 ? 0 : p->tracks[0]->out.sender.ssrc;
}

/* peer.c */
void so_peer_set_state(so_peer *p, so_peer_state state, const char *why);
void so_peer_fail(so_peer *p, so_door door, const char *code, const so_error *error);

/* The agent's next candidate as an event of ours; its other events are kept, or seen by its state. */
bool so_peer_ice_event(so_peer *p, so_peer_event *out);

/* describe.c: the next candidate to be told; those whose description is still to come wait for it */
bool so_peer_candidate_event(so_peer *p, so_peer_event *out);
void so_peer_forget_candidates(so_peer *p); /* of a generation that is over */

/* transport.c: what an input may have made possible or due */
void so_peer_advance(so_peer *p, so_msec now);
/* Room for what is given out next; NULL: no memory. */
peer_block *so_peer_leaving(so_peer *p);
/* Nothing is given out any more, and nothing waits but what is in outboxes. */
void so_peer_drop_packets(so_peer *p);
/* One datagram of the other end's, whichever way it came. */
void so_peer_take_datagram(so_peer *p, so_msec now, const so_address *local, const so_address *remote, uint8_t *bytes,
                           size_t len);

/* relay.c */
void so_peer_relays_free(so_peer *p);
void so_peer_relays_add_base(so_peer *p, so_msec now, const so_address *base);
void so_peer_relays_remove_base(so_peer *p, so_msec now, const so_address *base);
void so_peer_relays_tick(so_peer *p, so_msec now);
void so_peer_relays_probe(so_peer *p, so_msec now); /* a restart: are they still what they were? */
so_msec so_peer_relays_deadline(const so_peer *p);
bool so_peer_relays_event(so_peer *p, so_peer_event *out);
const char *so_peer_relay_way_of(const so_peer *p, const so_address *local);
/* true: it came from a relay, and was looked at. */
bool so_peer_relays_receive(so_peer *p, so_msec now, const so_address *local, const so_address *remote, uint8_t *bytes,
                            size_t len);
bool so_peer_relays_transmit(so_peer *p, so_datagram *out); /* requests, and then what waited for them */
/* Whom a datagram for the other end is to be handed to. false: nobody, now; it waits, or is gone. */
bool so_peer_relays_route(so_peer *p, so_msec now, bool carries, so_datagram *datagram);
bool so_peer_relays_part(so_peer *p, so_msec now, so_datagram *out); /* the last words, when the peer is over */

/* tracks.c */
void so_peer_media_agreed(so_peer *p, so_msec now);  /* descriptions were agreed on: who sends what to whom */
so_status so_peer_reserve(so_peer *p) SO_MUST_CHECK; /* room in SRTP for what was agreed on */
void so_peer_free_tracks(so_peer *p);

/* media.c: what goes for all tracks */
void so_peer_media_open(so_peer *p, so_msec now);
/* True: it was authentic, and nobody's replay. */
bool so_peer_media_receive(so_peer *p, so_msec now, uint8_t *bytes, size_t len, bool rtcp);
void so_peer_media_tick(so_peer *p, so_msec now);
so_msec so_peer_media_deadline(const so_peer *p);
bool so_peer_media_event(so_peer *p, so_msec now, so_peer_event *out);
uint64_t so_peer_unix(const so_peer *p, so_msec now);
/* The slot for one more packet that does not wait, or NULL: the caller has not drained, or there is no memory. */
peer_slot *so_peer_slot(so_peer *p);
/* What was written to it goes out, protected. */
so_status so_peer_slot_done(so_peer *p, peer_slot *slot, bool rtcp) SO_MUST_CHECK;

/* send.c */
/* The next packet that has waited for its turn. */
bool so_peer_paced(so_peer *p, so_msec now, so_datagram *out);

/* pace.c */
bool so_peer_pace_begin(so_peer *p, so_msec now) SO_MUST_CHECK; /* false: no memory */
/* A packet goes to SRTP next: it gets its time and its number, and counts. */
void so_peer_pace_left(so_peer *p, const peer_track *t, so_msec now, uint8_t *bytes, size_t len);
/* May one that waits leave? */
bool so_peer_pace_ready(so_peer *p, so_msec now);
/* What waits has become more or less. */
void so_peer_pace_waiting(so_peer *p, so_msec now);
/* What the other end says of what came: feedback, and its reports. */
void so_peer_pace_take(so_peer *p, const so_rtcp_feedback *feedback, so_msec now);
void so_peer_pace_block(so_peer *p, peer_track *t, const so_rtcp_block *block, so_msec now);
/* A packet of the other end's came; what we say of it. */
void so_peer_pace_came(so_peer *p, const peer_track *t, const so_rtp_packet *packet, so_msec now);
bool so_peer_pace_due(so_peer *p, so_msec now);
void so_peer_pace_write(so_peer *p, so_msec now, so_writer *w, uint32_t own);
void so_peer_pace_tick(so_peer *p, so_msec now);
so_msec so_peer_pace_deadline(const so_peer *p, bool has_path);
bool so_peer_pace_event(so_peer *p, so_peer_event *out);

/* data.c */
void so_peer_data_agreed(so_peer *p, const so_sdp_agreed *agreed); /* what descriptions say of it */
void so_peer_data_advance(so_peer *p, so_msec now);                /* makes the association when it is time */
void so_peer_data_end(so_peer *p);
void so_peer_data_take(void *peer, so_slice packet); /* out of DTLS */
void so_peer_data_tick(so_peer *p, so_msec now);
so_msec so_peer_data_deadline(const so_peer *p);
bool so_peer_data_transmit(so_peer *p); /* gives DTLS a packet; false: there is none */
bool so_peer_data_event(so_peer *p, so_peer_event *out);

/* take.c */
void so_peer_take_rtp(so_peer *p, so_msec now, uint8_t *bytes, size_t len);
bool so_peer_frame_event(so_peer *p, size_t track, so_msec now, so_peer_event *out);

/* control.c: RTCP */
void so_peer_take_rtcp(so_peer *p, so_msec now, const uint8_t *bytes, size_t len);
void so_peer_report(so_peer *p, so_msec now, bool bye);
/* Key frames that are missing are asked for. */
void so_peer_feedback(so_peer *p, so_msec now);
so_msec so_peer_round_trip(const so_peer *p); /* as measured, or supposed */
so_msec so_peer_feedback_deadline(const so_peer *p);

#endif
