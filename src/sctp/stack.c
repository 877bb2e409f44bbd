#include "sctp/inside.h"

#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* usrsctp is one for the process, so this is too. */
static struct {
    so_sctp *first;
    bool up;
    so_msec now;
    uintptr_t numbers;
} stack;

void so_sctp_lock(void)
{
    (void)pthread_mutex_lock(&lock);
}

void so_sctp_unlock(void)
{
    (void)pthread_mutex_unlock(&lock);
}

so_sctp *so_sctp_of(const void *number)
{
    so_sctp *s = stack.first;

    while (s != NULL && s->number != (uintptr_t)number)
        s = s->next;
    return s;
}

/* Copies a packet into the ring of the association it is of. It is never an error: SCTP sends again what gets lost. */
static int put_out(void *number, void *packet, size_t len, uint8_t tos, uint8_t set_df)
{
    so_sctp *s = so_sctp_of(number);
    so_packet *place;

    (void)tos;
    (void)set_df;
    if (s == NULL || len > SO_SCTP_MTU || s->packets == SO_SCTP_PACKETS)
        return 0;
    place = &s->ring[(s->packet_first + s->packets++) % SO_SCTP_PACKETS];
    memcpy(place->bytes, packet, len);
    place->len = len;
    so_early_note(s, (so_slice){place->bytes, len});
    s->lively = s->now;
    return 0;
}

static void bring_up(void)
{
    usrsctp_init_nothreads(0, put_out, NULL);
    /* RFC 8831 §5 wants one path, resets and partial reliability. What else there is only widens what a peer can reach.
     */
    (void)usrsctp_sysctl_set_sctp_asconf_enable(0);
    (void)usrsctp_sysctl_set_sctp_auto_asconf(0);
    (void)usrsctp_sysctl_set_sctp_auth_enable(0);
    (void)usrsctp_sysctl_set_sctp_ecn_enable(0);
    (void)usrsctp_sysctl_set_sctp_nrsack_enable(0);
    (void)usrsctp_sysctl_set_sctp_pktdrop_enable(0);
    /* Its 512 are two messages of the largest size. */
    (void)usrsctp_sysctl_set_sctp_max_chunks_on_queue(4096);
    /* Its 30 would end an association after some minutes of silence. */
    (void)usrsctp_sysctl_set_sctp_max_retran_chunk(UINT16_MAX);
    stack.up = true;
}

/*
 * usrsctp wants an address for each association, and writes it into the cookie that the other end gets to see. So it is
 * a number that tells nothing and is never used again: a pointer would show the peer where our memory is.
 */
void so_sctp_join(so_sctp *s)
{
    if (!stack.up)
        bring_up();
    if (stack.first == NULL)
        stack.now = s->now;
    s->number = ++stack.numbers;
    s->next = stack.first;
    stack.first = s;
    usrsctp_register_address((void *)s->number);
}

void so_sctp_leave(so_sctp *s)
{
    so_sctp **at = &stack.first;

    while (*at != NULL && *at != s)
        at = &(*at)->next;
    if (*at == NULL)
        return;
    *at = s->next;
    usrsctp_deregister_address((void *)s->number);
    /* It refuses as long as a socket is not quite gone; the next association then finds it still up. */
    if (stack.first == NULL && usrsctp_finish() == 0)
        stack.up = false;
}

void so_sctp_advance(so_msec now)
{
    so_msec passed = now > stack.now ? now - stack.now : 0;

    if (passed == 0)
        return;
    stack.now = now;
    usrsctp_handle_timers(passed > UINT32_MAX ? UINT32_MAX : (uint32_t)passed);
}

struct sockaddr_conn so_sctp_address(const so_sctp *s, uint16_t port)
{
    struct sockaddr_conn address = {0};

    address.sconn_family = AF_CONN;
    address.sconn_port = htons(port);
    address.sconn_addr = (void *)s->number;
    return address;
}
