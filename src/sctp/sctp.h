/*
 * One SCTP association (RFC 9260) with WebRTC's data channels in it (RFC 8831, RFC 8832), over usrsctp: packets in and
 * out, which DTLS carries (RFC 8261), and events. Nothing of usrsctp shows through here.
 *
 * The one driving rule: one input (so_sctp_start, a packet, a tick, a message); then so_sctp_transmit and so_sctp_event
 * until both answer false; then wait until so_sctp_deadline, for a packet or a tick.
 *
 * What usrsctp is makes three exceptions to the rules of the house. It is one stack for the whole process, made with
 * the first association and taken down with the last; so all associations take the time from one clock. It reads
 * gettimeofday, to measure round trips and lifetimes, and takes its random numbers from the system. And it starts one
 * thread, which never does anything here.
 *
 * Threads: associations may live in different threads, each in one at a time. Every call takes one lock that all
 * associations share, because the timers of all of them run in the tick of any; no call holds it for longer than its
 * own work, none waits for anything else, and media never comes this way. What another thread's tick did for this
 * association waits in its queues, and so_sctp_deadline is never further away than that may wait.
 *
 * Silence ends no association: whether the other end is there is consent's to find (RFC 7675), and what is not
 * acknowledged is sent again at least every ten seconds. A peer that breaks a rule ends its association, and that only.
 * A text is not checked for being UTF-8.
 */
#ifndef SOTTO_SCTP_SCTP_H
#define SOTTO_SCTP_SCTP_H

#include "base/clock.h"
#include "crypto/digest.h"

#include <stdint.h>

/* No packet out is larger: what DTLS with any of its ciphers leaves of a datagram of 1,200 bytes. */
#define SO_SCTP_MTU 1100
/* Channels at a time, of both ends together. The other end's opening one more ends the association. */
#define SO_SCTP_CHANNELS 64
/* Ids run from 0 to one less. Each takes memory at both ends (browsers ask for four times as many, and 80 kB more). */
#define SO_SCTP_STREAMS 256
/* Bytes of a channel's label, and of its protocol's name. */
#define SO_SCTP_NAME_MAX 1024
#define SO_SCTP_MESSAGE_MAX ((size_t)256 * 1024)

typedef struct so_sctp so_sctp;

/* Of DTLS: the client's channels have even ids, the server's odd ones (RFC 8832 §6). */
typedef enum so_sctp_role { SO_SCTP_CLIENT, SO_SCTP_SERVER } so_sctp_role;

typedef enum so_sctp_state {
    SO_SCTP_AWAITS_START,
    SO_SCTP_AWAITS_PEER, /* INIT is under way */
    SO_SCTP_OPEN,
    SO_SCTP_CLOSED, /* by so_sctp_close */
    SO_SCTP_FAILED, /* so_sctp_error says why */
} so_sctp_state;

typedef struct so_sctp_config {
    so_sctp_role role;
    uint16_t local_port, remote_port; /* as the descriptions have them (RFC 8841); never 0 */
    size_t receive_max;               /* the longest message taken: 1 to SO_SCTP_MESSAGE_MAX */
    size_t send_max;                  /* the longest that the other end takes: 1 to SO_SCTP_MESSAGE_MAX */
    size_t queue_max;                 /* bytes of all channels that may wait; at least send_max */
    so_msec now;
} so_sctp_config;

/* A message of several packets is left out as a whole, before it is sent (of SO_SCTP_BY_TIME), or comes for certain. */
typedef enum so_sctp_reliability {
    SO_SCTP_RELIABLE,
    SO_SCTP_BY_COUNT, /* limit: how many times a piece is sent again */
    SO_SCTP_BY_TIME,  /* limit: for how many milliseconds a message is of use */
} so_sctp_reliability;

typedef struct so_sctp_channel {
    so_slice label, protocol; /* not kept after so_sctp_open_channel; of an event as long as the event */
    bool unordered;
    so_sctp_reliability reliability;
    uint32_t limit;
    bool negotiated; /* both ends open it by themselves, with this id */
    uint16_t id;     /* of a negotiated one */
} so_sctp_channel;

typedef enum so_sctp_event_kind {
    SO_SCTP_CONNECTED,
    SO_SCTP_CHANNEL_OPENED, /* by the other end: opened */
    SO_SCTP_MESSAGE,        /* text, bytes */
    SO_SCTP_BUFFERED_LOW,   /* what waits in the channel is down to its mark */
    SO_SCTP_CHANNEL_CLOSED, /* in both directions, and its id is free */
    SO_SCTP_ENDED,          /* the last one: the association failed */
} so_sctp_event_kind;

typedef struct so_sctp_event {
    so_sctp_event_kind kind;
    uint16_t channel; /* its id, of all that are about one */
    bool text;
    so_slice bytes;
    so_sctp_channel opened;
} so_sctp_event;

so_status so_sctp_new(so_sctp **sctp, const so_sctp_config *config, so_error *err) SO_MUST_CHECK;
/* At any time. Says nothing to the other end: so_sctp_close does. */
void so_sctp_free(so_sctp *sctp);

/* When DTLS is open, at both ends, and once; packets that come before are lost, and sent again by the other end. */
void so_sctp_start(so_sctp *sctp, so_msec now);
/* One packet, as DTLS delivered it. */
void so_sctp_receive(so_sctp *sctp, so_msec now, so_slice packet);
/* When so_sctp_deadline has come; earlier does no harm. */
void so_sctp_tick(so_sctp *sctp, so_msec now);
/* Ends all channels at once, with an ABORT to be drained. */
void so_sctp_close(so_sctp *sctp, so_msec now);

/* The next packet to send; false: there is none. */
bool so_sctp_transmit(so_sctp *sctp, uint8_t out[SO_SCTP_MTU], size_t *len) SO_MUST_CHECK;
/* The next event; what it points at lives until the next call for this association. False: there is none. */
bool so_sctp_event_next(so_sctp *sctp, so_sctp_event *event) SO_MUST_CHECK;
/* When so_sctp_tick is due; UINT64_MAX: never. */
so_msec so_sctp_deadline(so_sctp *sctp);

/*
 * Opens a channel; before the association is open too. *id names it from now on. SO_BAD_INPUT: a name that is too long,
 * or a negotiated id beyond SO_SCTP_STREAMS or in use. SO_TOO_LONG: there are SO_SCTP_CHANNELS. SO_STATE: it is over.
 */
so_status so_sctp_open_channel(so_sctp *sctp, so_msec now, const so_sctp_channel *channel, uint16_t *id) SO_MUST_CHECK;
/*
 * Sends a message, which may be empty, and counts as one byte then. SO_NOT_FOUND: no such channel. SO_STATE: it is
 * being closed, or the association is over. SO_BAD_INPUT: longer than send_max. SO_TOO_LONG: too much waits; nothing of
 * this one is kept.
 */
so_status so_sctp_send(so_sctp *sctp, so_msec now, uint16_t channel, bool text, so_slice message) SO_MUST_CHECK;
/* Bytes of a channel that wait here for room in the transport; 0 where there is no such channel. */
size_t so_sctp_buffered(so_sctp *sctp, uint16_t channel);
/* The mark of SO_SCTP_BUFFERED_LOW, 0 at first. */
void so_sctp_set_low_mark(so_sctp *sctp, uint16_t channel, size_t bytes);
/* Closes a channel once what waits in it is sent; what comes in meanwhile is dropped. */
void so_sctp_close_channel(so_sctp *sctp, so_msec now, uint16_t channel);

so_sctp_state so_sctp_state_of(so_sctp *sctp);
/* After SO_SCTP_FAILED: the sentence. */
const so_error *so_sctp_error(const so_sctp *sctp);

#endif
