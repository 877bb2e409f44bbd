/* What the files of this module share, and nobody else may know. */
#ifndef SOTTO_CALL_INSIDE_H
#define SOTTO_CALL_INSIDE_H

#include "call/call.h"
#include "call/servers.h"
#include "signal/message.h"
#include "signal/said.h"
#include "trust/person.h"
#include "trust/seal.h"

#define BASES_MAX SO_ICE_MAX_BASES
#define SERVERS_MAX SO_ICE_MAX_RELAYS
#define ADDRESSES_MAX 4 /* of one name */
/* Texts that wait for the server: a description and all candidates of one call fit ten times. */
#define TEXTS_MAX ((size_t)256 * 1024)

/* How long a lost end is waited for, and a path looked for. */
#define NO_PATH 30000
/* A close_notify may be followed by a farewell, or by the same end coming back. */
#define LINGER 3000
#define PATIENCE 2000
#define RESTART_AGAIN 8000
/* The server keeps the seat of a lost connection for 30 s (docs/protocol.md, section 3), and sees the loss later. */
#define GHOST 35000

#define NEVER UINT64_MAX

#define MEDIA_KINDS 2 /* SO_SDP_AUDIO, SO_SDP_VIDEO */
#define NO_TRACK SIZE_MAX

typedef enum call_trouble { TROUBLE_PATH, TROUBLE_SIGNALING, TROUBLE_AWAY, TROUBLE_LEFT, TROUBLES } call_trouble;

/* One epoch of the seal, from the pair of hellos on. */
typedef struct call_epoch {
    bool live, opener;
    bool agreed;                     /* the other end's first state is there */
    bool offered;                    /* the epoch's first offer is answered: either end may offer */
    char id[SO_MEMBER_ID_LEN + 1];   /* the call id that a call begun in it takes */
    char mine[SO_MEMBER_ID_LEN + 1]; /* the running call that this end said it has; "": none */
} call_epoch;

typedef struct call_server {
    so_server_kind kind;
    char host[SO_SERVER_HOST];
    uint16_t port;
    char username[SO_RELAY_TEXT_MAX + 1], credential[SO_RELAY_TEXT_MAX + 1]; /* of TURN; the second is a secret */
    bool told;     /* it is to be looked up, or connected to */
    bool answered; /* what its name stands for is here */
    so_address addresses[ADDRESSES_MAX];
    size_t address_count;
    unsigned stream; /* the connection of TCP or TLS that the peer was told of; 0: none */
} call_server;

/* An event of a data channel that waits until somebody is let in, and what it points to. */
typedef struct call_held {
    struct call_held *next;
    so_sctp_event event;
    uint8_t bytes[];
} call_held;

/* Who is at the other end. What is above the line is of the call, what is below of one association. */
typedef struct call_trust {
    so_pkey *identity;     /* the caller's; NULL: this end does not introduce itself */
    const so_known *known; /* the caller's; NULL: nobody is known */
    char link[SO_KNOWN_LINK_LEN + 1], expect[SO_PEER_NAME_LEN + 1];
    char let_in[SO_THUMBPRINT_LEN + 1]; /* the key for which an alarm was set aside */
    /* ---- */
    uint8_t own_sid[SO_SID_LEN], peer_sid[SO_SID_LEN]; /* of the epoch in which the peer began */
    so_association association;
    so_sas sas;
    so_introduction introduction;
    so_person person;
    bool begun, person_told;
    bool waits;   /* the call was not open at once */
    bool cleared; /* whoever it is may come in, as far as the identity goes */
    so_msec silent_at;
    call_held *held, **held_last, *taken;
    size_t held_count, held_bytes;
} call_trust;

struct so_call {
    so_engine *engine;
    so_random random;
    so_msec began;
    uint64_t unix_ms;
    so_call_wish wishes[MEDIA_KINDS]; /* by so_sdp_kind */
    bool muted[MEDIA_KINDS], screen, records, addresses, nobody_compares;
    so_policy policy; /* in force: this end's, and as strict as each server's that was heard */
    const so_sdp_abilities *abilities;
    so_call_state state;
    char reason[48], notice[24];
    bool state_told, notice_told, other_told, report_told;
    so_report report;
    /* the seat */
    bool connected, welcomed, turned_away; /* by this connection's server */
    char tls_version[16], tls_group[32];   /* of this connection */
    so_msec ghost_until;                   /* a seat may be ours whose welcome never came */
    char room[SO_ROOM_TEXT_LEN + 1], token[SO_TOKEN_TEXT_LEN + 1];
    char other[SO_MEMBER_ID_LEN + 1]; /* "": nobody */
    uint8_t *texts;                   /* messages for the server, each after its length in four bytes */
    size_t texts_len, texts_cap, texts_at;
    bool starved; /* for want of memory something was not said, or not heard: what goes on has a gap */
    /* the seal */
    so_seal seal;
    call_epoch epoch;
    unsigned epochs;
    uint64_t sealed, opened;
    bool says_audio, says_video, says_screen; /* of the other end */
    /* the peer */
    call_trust trust;
    so_peer *peer, *parting;    /* parting: one that was dropped, and has relays to give back */
    size_t tracks[MEDIA_KINDS]; /* NO_TRACK: none */
    char peer_id[SO_MEMBER_ID_LEN + 1];
    bool described, peer_open, path_works;
    bool moved; /* this end's network changed: a new path is looked for as soon as the other end can be told */
    so_address bases[BASES_MAX];
    size_t base_count;
    call_server servers[SERVERS_MAX];
    size_t server_count;
    unsigned streams;    /* numbers that were given out */
    char relay_code[24]; /* why the last relay that failed did */
    so_error relay_why;
    bool relay_told;
    bool troubles[TROUBLES];
    /* when something must be done; NEVER: nothing */
    so_msec no_path_at, linger_at, excuse_at, restart_at;
};

/* call.c */
void so_call_at(so_call *c, so_msec now); /* the report's clock */
void so_call_enter(so_call *c, so_call_state state, const char *reason);
void so_call_fail(so_call *c, so_msec now, so_door door, const char *code, const so_error *why);
void so_call_finish(so_call *c, so_msec now, so_call_state state, const char *reason);
void so_call_trouble(so_call *c, call_trouble trouble, bool on);
void so_call_wait(so_call *c, so_msec now); /* nobody else is here (any more) */

/* seat.c */
void so_call_say(so_call *c, so_writer *w); /* a whole message for the server */
void so_call_deliver(so_call *c, const uint8_t *payload, size_t len);
void so_call_leave(so_call *c);

/* servers.c */
void so_call_add_servers(so_call *c, so_msec now, const json_t *ice);
bool so_call_has_relay_server(const so_call *c);
void so_call_use_server(so_call *c, so_msec now, call_server *server); /* in the peer that is there */
void so_call_use_servers(so_call *c, so_msec now);                     /* all of them; it may end the call */
void so_call_mend_streams(so_call *c, so_msec now);                    /* a new path is looked for */
void so_call_relay_failed(so_call *c, so_msec now, const char *code, const so_error *why);
bool so_call_server_event(so_call *c, so_call_event *out);

/* epoch.c */
void so_call_open_epoch(so_call *c, so_msec now);
void so_call_take_payload(so_call *c, so_msec now, const char *payload, size_t len);
bool so_call_seal(so_call *c, so_msec now, so_seal_kind kind, so_slice text, so_slice offer);
/* Does this end send it now? It wishes to, and has not muted it. */
bool so_call_shares(const so_call *c, so_sdp_kind kind);
void so_call_say_state(so_call *c, so_msec now);
void so_call_say_bye(so_call *c, so_msec now, const char *reason);

/* data.c */
so_status so_call_add_data(so_call *c, so_msec now) SO_MUST_CHECK;

/* policy.c. False: the call failed, and but for so_call_policy_admits that is the only reason. */
bool so_call_policy_connected(so_call *c, so_msec now) SO_MUST_CHECK;
bool so_call_policy_welcome(so_call *c, so_msec now, const json_t *theirs) SO_MUST_CHECK;
bool so_call_policy_opened(so_call *c, so_msec now) SO_MUST_CHECK;
bool so_call_policy_admits(so_call *c, so_msec now); /* or a person has yet to compare */

/* trust.c */
void so_call_trust_reset(so_call *c); /* another association is to come, or none */
void so_call_trust_begin(so_call *c, so_msec now);
void so_call_trust_tick(so_call *c, so_msec now);
bool so_call_held_event(so_call *c, so_call_event *out);
bool so_call_take_data(so_call *c, so_msec now, const so_sctp_event *event, so_call_event *out);

/* media.c: the peer */
bool so_call_new_peer(so_call *c, so_msec now);
void so_call_drop_peer(so_call *c, so_msec now);
void so_call_begin_epoch(so_call *c, so_msec now);
void so_call_take_offer(so_call *c, so_msec now, const so_said *said, so_slice text);
void so_call_take_answer(so_call *c, so_msec now, const so_said *said);
void so_call_take_candidate(so_call *c, so_msec now, const so_said *said);
void so_call_peer_tick(so_call *c, so_msec now);
bool so_call_peer_event(so_call *c, so_msec now, so_call_event *out);
void so_call_put_facts(so_call *c);

#endif
