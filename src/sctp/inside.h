/* What the files of this module share. Everything here is called with the lock held. */
#ifndef SOTTO_SCTP_INSIDE_H
#define SOTTO_SCTP_INSIDE_H

#include "sctp/dcep.h"
#include "sctp/sctp.h"

#include <string.h>
#include <usrsctp.h>

#define SO_SCTP_LAYER "data channels"
/* Packets that may wait to be drained; more are lost, as a network would lose them. */
#define SO_SCTP_PACKETS 256

/* A message that waits for room in usrsctp. */
typedef struct so_waiting {
    struct so_waiting *next;
    so_msec since;
    uint32_t ppid;
    size_t len, counts; /* counts: in what so_sctp_buffered says */
    uint8_t bytes[];
} so_waiting;

typedef enum so_channel_state {
    SO_CHANNEL_FREE,
    SO_CHANNEL_OPEN,         /* from its first moment: messages may follow the OPEN at once */
    SO_CHANNEL_AWAITS_RESET, /* of both directions, or of one still */
} so_channel_state;

typedef struct so_channel {
    so_channel_state state;
    uint16_t id;
    bool unordered;
    bool known; /* to the other end, too; until then all goes in order, behind the OPEN (RFC 8832 §6) */
    so_sctp_reliability reliability;
    uint32_t limit;
    bool reset_asked; /* of the direction out, from usrsctp */
    bool reset_out, reset_in;
    bool held; /* usrsctp still resets the id's former use */
    so_waiting *first, **last;
    size_t buffered, low_mark;
} so_channel;

/* An event, and the memory that it points into. */
typedef struct so_heard {
    struct so_heard *next;
    so_sctp_event event;
    void *memory; /* malloc's; NULL: none */
} so_heard;

typedef struct so_packet {
    size_t len;
    uint8_t bytes[SO_SCTP_MTU];
} so_packet;

struct so_sctp {
    struct so_sctp *next; /* in the list of all */
    uintptr_t number;     /* its address for usrsctp */
    struct socket *socket;
    so_sctp_config config;
    so_sctp_state state;
    uint16_t streams_out; /* as many as the other end takes */
    so_error error;
    bool told; /* SO_SCTP_ENDED was taken */
    so_msec now, lively;
    bool owes; /* something is under way that needs timers */
    so_channel channels[SO_SCTP_CHANNELS];
    size_t turn, buffered;
    so_heard *first, **last, *taken;
    size_t heard, heard_bytes;
    bool acked_any;
    uint32_t acked;     /* the last cumulative TSN that we acknowledged */
    so_packet early;    /* a reset that has to wait; of no length: none */
    uint32_t early_tsn; /* until this is acknowledged */
    size_t packet_first, packets;
    so_packet ring[SO_SCTP_PACKETS];
};

/* stack.c: usrsctp as a whole, and the lock. */
void so_sctp_lock(void);
void so_sctp_unlock(void);
void so_sctp_join(so_sctp *s);
void so_sctp_leave(so_sctp *s);
/* Runs the timers of all associations. */
void so_sctp_advance(so_msec now);
struct sockaddr_conn so_sctp_address(const so_sctp *s, uint16_t port);

/* early.c: resets that come ahead of data. A packet in; one out, whose acknowledgements count; and what waited long
 * enough. */
void so_early_take(so_sctp *s, so_slice packet);
void so_early_note(so_sctp *s, so_slice packet);
void so_early_release(so_sctp *s);

/* heard.c: what usrsctp calls. */
int so_sctp_heard(struct socket *socket, union sctp_sockstore from, void *data, size_t len, struct sctp_rcvinfo info,
                  int flags, void *user);
so_sctp *so_sctp_of(const void *number);

/* sctp.c */
void so_sctp_fail(so_sctp *s, so_status status, const char *text);
bool so_sctp_over(const so_sctp *s);
/* Takes memory over, even where it fails. */
void so_sctp_tell(so_sctp *s, const so_sctp_event *event, void *memory);

/* channels.c */
so_channel *so_channel_find(so_sctp *s, uint16_t id);
/* NULL: there are no more. */
so_channel *so_channel_make(so_sctp *s, uint16_t id, const so_sctp_channel *channel);
/* False: no memory. */
bool so_channel_queue(so_sctp *s, so_channel *c, uint32_t ppid, so_slice bytes, size_t counts);
void so_channel_drop_waiting(so_sctp *s, so_channel *c);
/* Frees the channel and says so, when both directions are reset. */
void so_channel_settle(so_sctp *s, so_channel *c);
/* Has usrsctp anything that is not acknowledged? */
bool so_sctp_under_way(so_sctp *s);
/* Gives usrsctp what it has room for, and asks it for the resets that are due. */
void so_sctp_pump(so_sctp *s);

#endif
