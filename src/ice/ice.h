/*
 * An ICE agent (RFC 8445, full) for one component, with trickle (RFC 8838), consent (RFC 7675) and patience (RFC 8863).
 *
 * Sans I/O. Give it one input (a datagram, a tick, a call), then drain so_ice_transmit and so_ice_next_event until both
 * say false, then wait until so_ice_deadline. An agent takes about 20 kB, all of it allocated by so_ice_new, but for
 * the keys of two passwords; no datagram makes it allocate.
 *
 * What is the peer's business, and not done here: bytes that are not STUN. Of those only the ones that come from an
 * address that counts (so_ice_counts) may reach any other protocol.
 */
#ifndef SOTTO_ICE_ICE_H
#define SOTTO_ICE_ICE_H

#include "base/clock.h"
#include "crypto/random.h"
#include "ice/candidate.h"

typedef struct so_ice so_ice;

#define SO_ICE_MAX_BASES 16
#define SO_ICE_MAX_RELAYS 8
#define SO_ICE_MAX_SERVERS 4
/* The longest datagram that an agent sends: two user names of the longest kind, and all attributes. */
#define SO_ICE_DATAGRAM 512

typedef struct so_ice_config {
    bool controlling; /* the offerer of the session; against a lite peer always so */
    so_random random;
    /* Milliseconds; 0 is the default of each. */
    uint32_t pacing_ms;          /* Ta between ordinary checks: 50; at least 5 (RFC 8445 §14.2) */
    uint32_t nomination_wait_ms; /* how long a better pair than the best valid one is waited for: 500 */
    uint32_t patience_ms;        /* no FAILED sooner after both ends' credentials are known: 39500 (RFC 8863 §4) */
    uint32_t silence_ms;         /* a peer unheard for so long is DISCONNECTED: 5000 */
    uint8_t tries;               /* Rc, how often a check is sent: 7 (RFC 8489 §6.2.1), which is also the most */
} so_ice_config;

typedef enum so_ice_state {
    SO_ICE_NEW,          /* awaits the peer's credentials */
    SO_ICE_CHECKING,     /* awaits a first valid pair */
    SO_ICE_CONNECTED,    /* media may go; awaits the pair that stays. Also while a restart goes on over the old pair */
    SO_ICE_COMPLETED,    /* a pair is selected */
    SO_ICE_DISCONNECTED, /* a hint: the peer is unheard, or the pair's base went away; it may come back by itself */
    SO_ICE_FAILED,       /* nothing works, or consent has ended; only a restart helps */
    SO_ICE_CLOSED,
} so_ice_state;

typedef struct so_ice_datagram {
    so_address local; /* the base to send from */
    so_address remote;
    size_t len;
    uint8_t bytes[SO_ICE_DATAGRAM];
} so_ice_datagram;

typedef enum so_ice_event_kind {
    SO_ICE_LOCAL_CANDIDATE, /* local: to be told to the peer; its ufrag says of which generation */
    SO_ICE_LOCAL_END,       /* gathering is over: end-of-candidates may be told (RFC 8838 §13) */
    SO_ICE_ROLE_CHANGED,    /* controlling */
    SO_ICE_SELECTED,        /* local, remote: where media goes from now on */
    SO_ICE_STATE_CHANGED,   /* state; what came and went within one input is not told */
} so_ice_event_kind;

typedef struct so_ice_event {
    so_ice_event_kind kind;
    so_ice_state state;
    bool controlling;
    so_ice_candidate local, remote;
} so_ice_event;

/* SO_BAD_INPUT: a setting out of its bounds. Else SO_NO_MEMORY or SO_CRYPTO. */
so_status so_ice_new(so_ice **ice, const so_ice_config *config) SO_MUST_CHECK;
void so_ice_free(so_ice *ice); /* takes NULL */

/* Of the current generation: they change with so_ice_restart. Valid until then. The password is a secret. */
const char *so_ice_ufrag(const so_ice *ice);
const char *so_ice_pwd(const so_ice *ice);

/*
 * A local socket: its host candidate, and server-reflexive ones from every STUN server of its family. Preference goes
 * in the order of the calls. No wildcard address and no port 0: SO_BAD_INPUT. A base that is there already is SO_OK.
 * SO_TOO_LONG: there are SO_ICE_MAX_BASES.
 */
so_status so_ice_add_base(so_ice *ice, so_msec now, const so_address *base) SO_MUST_CHECK;
/*
 * An address that a TURN server relays for this end (turn.h): a base of its own, on which datagrams come and go
 * wrapped, with nothing but its relayed candidate, which says nothing of where this end is. preference: 65535 is the
 * best. Ended by so_ice_remove_base. SO_BAD_INPUT: no unicast address, or one that is a base already. SO_TOO_LONG:
 * there are SO_ICE_MAX_RELAYS.
 */
so_status so_ice_add_relay(so_ice *ice, so_msec now, const so_address *relayed, uint16_t preference) SO_MUST_CHECK;
/*
 * The interface went away: all that used it is forgotten at once. Another pair that works takes over, but the peer
 * sends to the old one until it has been silent for a while: a restart is the quick way. SO_NOT_FOUND: no such base.
 */
so_status so_ice_remove_base(so_ice *ice, so_msec now, const so_address *base) SO_MUST_CHECK;
/* A server that answers plain Binding requests. SO_TOO_LONG: there are SO_ICE_MAX_SERVERS. */
so_status so_ice_add_stun_server(so_ice *ice, so_msec now, const so_address *server) SO_MUST_CHECK;
/* All bases are told: SO_ICE_LOCAL_END follows when the servers have answered or have been given up. */
void so_ice_no_more_bases(so_ice *ice, so_msec now);

/*
 * The peer's credentials. Checks start. Other values than before mean that the peer has restarted: where so_ice_restart
 * was not called since the last values came, it is called from here, and so_ice_ufrag and so_ice_pwd are new after it.
 * The same values again change nothing. SO_BAD_INPUT: not RFC 8839 §5.4's characters and lengths, or, after
 * so_ice_restart, the values from before it: the peer has not restarted.
 */
so_status so_ice_set_remote(so_ice *ice, so_msec now, const char *ufrag, const char *pwd, bool lite) SO_MUST_CHECK;
/*
 * One of the peer's candidates; also before its credentials are known. One that can't be used (TCP, a name, another
 * component, another generation's ufrag, one too many) is SO_OK and without effect: the peer may still be met through
 * its own checks.
 */
so_status so_ice_add_remote(so_ice *ice, so_msec now, const so_ice_candidate *candidate) SO_MUST_CHECK;
void so_ice_remote_end(so_ice *ice, so_msec now); /* end-of-candidates */

/*
 * New credentials; candidates are told anew, as events. The pair that media goes over stays in use, and its consent is
 * kept fresh, until a new one is selected. SO_NO_MEMORY, SO_CRYPTO: nothing has changed.
 */
so_status so_ice_restart(so_ice *ice, so_msec now) SO_MUST_CHECK;
/* SO_STATE: the peer's credentials are known already; from then on the two ends settle it between themselves. */
so_status so_ice_set_controlling(so_ice *ice, bool controlling) SO_MUST_CHECK;
/* Nothing is sent, answered or counted any more. */
void so_ice_close(so_ice *ice);

/* A datagram that may be STUN, from remote to the base local. Whatever it is, it is judged in here. */
void so_ice_receive(so_ice *ice, so_msec now, const so_address *local, const so_address *remote, const uint8_t *bytes,
                    size_t len);
/* Authenticated media came over the pair of so_ice_send_pair: puts DISCONNECTED off. It is no consent (RFC 7675 §5.1).
 */
void so_ice_heard(so_ice *ice, so_msec now);
void so_ice_tick(so_ice *ice, so_msec now);

so_msec so_ice_deadline(const so_ice *ice); /* when so_ice_tick wants to be called; UINT64_MAX: never */
bool so_ice_transmit(so_ice *ice, so_ice_datagram *out);
bool so_ice_next_event(so_ice *ice, so_ice_event *out);

/*
 * May bytes that are not STUN, from remote to the base local, be listened to? Yes after a request that our password
 * authenticates, or an authenticated answer to a check of ours, came from there.
 */
bool so_ice_counts(const so_ice *ice, const so_address *local, const so_address *remote);
/* Where media may go now: the selected pair, or the old one of a restart, or the best valid one. false: nowhere. */
bool so_ice_send_pair(const so_ice *ice, so_address *local, so_address *remote);
/* What kinds of candidates that pair is of. */
bool so_ice_send_types(const so_ice *ice, so_ice_type *local, so_ice_type *remote);
so_ice_state so_ice_state_of(const so_ice *ice);
bool so_ice_is_controlling(const so_ice *ice);

/* May a datagram go from one to the other: same family, and the same of global, link-local and loopback? */
bool so_ice_reachable(const so_address *a, const so_address *b);
/* "new", "checking", ... for logs and the page. */
const char *so_ice_state_name(so_ice_state state);

#endif
