#include "net/batch.h"

#include "net/sockaddr.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Linux's, where the C library does not name them. */
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define MESSAGES 64
/* Merged datagrams fill 64 KiB; the odd rest keeps the beginnings of buffers apart in the processor's cache. */
#define IN_BYTES (65536 + 320)
#define OUT_BYTES ((size_t)512 * 1024)
#define OUT_DATAGRAMS 1024
#define ROUNDS 16 /* then other things of the loop have their turn */
#define MERGED_MAX 64
#define MERGED_BYTES 65000
#define SOCKET_BYTES (4 * 1024 * 1024)

typedef struct control {
    _Alignas(struct cmsghdr) char bytes[CMSG_SPACE(sizeof(int))];
} control;

typedef struct waiting {
    int fd;
    so_address remote;
    size_t len;
} waiting;

struct so_batch {
    bool no_merging; /* the kernel, or the way out, does not segment */
    so_batch_counts counts;
    /* in */
    struct mmsghdr in[MESSAGES];
    struct iovec in_at[MESSAGES];
    struct sockaddr_storage from[MESSAGES];
    control in_control[MESSAGES];
    uint8_t *in_bytes;
    /* out: datagrams one behind the other, and how they are told to the kernel */
    waiting out[OUT_DATAGRAMS];
    size_t out_count, out_len;
    struct mmsghdr to_send[MESSAGES];
    struct iovec to_send_at[MESSAGES];
    struct sockaddr_storage to[MESSAGES];
    control out_control[MESSAGES];
    uint8_t *out_bytes;
};

so_status so_batch_new(so_batch **out)
{
    so_batch *b = calloc(1, sizeof *b);

    *out = NULL;
    if (b == NULL)
        return SO_NO_MEMORY;
    b->in_bytes = malloc((size_t)MESSAGES * IN_BYTES);
    b->out_bytes = malloc(OUT_BYTES);
    if (b->in_bytes == NULL || b->out_bytes == NULL) {
        so_batch_free(b);
        return SO_NO_MEMORY;
    }
    for (size_t i = 0; i < MESSAGES; i++)
        b->in_at[i] = (struct iovec){b->in_bytes + i * IN_BYTES, IN_BYTES};
    *out = b;
    return SO_OK;
}

void so_batch_free(so_batch *b)
{
    if (b == NULL)
        return;
    free(b->in_bytes);
    free(b->out_bytes);
    free(b);
}

void so_batch_prepare(int fd)
{
    int bytes = SOCKET_BYTES, yes = 1;

    /* Each is a wish: without it there is less room, or more work. */
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    (void)setsockopt(fd, IPPROTO_UDP, UDP_GRO, &yes, sizeof yes);
}

/* ---- in ---- */

/* How long each datagram of a buffer is, but the last; 0: there is only one. */
static size_t merged_of(struct msghdr *m)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        int size;

        if (c->cmsg_level != IPPROTO_UDP || c->cmsg_type != UDP_GRO)
            continue;
        memcpy(&size, CMSG_DATA(c), sizeof size);
        return size > 0 ? (size_t)size : 0;
    }
    return 0;
}

static void hand_over(so_batch *b, size_t i, so_batch_take *take, void *user)
{
    so_address remote = so_sockaddr_address((const struct sockaddr *)&b->from[i]);
    uint8_t *bytes = b->in_at[i].iov_base;
    size_t left = b->in[i].msg_len, size = merged_of(&b->in[i].msg_hdr);

    if ((b->in[i].msg_hdr.msg_flags & MSG_TRUNC) != 0 || remote.family == 0)
        return;
    if (size == 0 || size > left)
        size = left;
    for (; left > 0; bytes += size, left -= size) {
        if (size > left)
            size = left;
        b->counts.received++;
        b->counts.merged_in += left > size;
        take(user, &remote, bytes, size);
    }
}

void so_batch_receive(so_batch *b, int fd, so_batch_take *take, void *user)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        int count;

        for (size_t i = 0; i < MESSAGES; i++)
            b->in[i].msg_hdr = (struct msghdr){.msg_name = &b->from[i],
                                               .msg_namelen = sizeof b->from[i],
                                               .msg_iov = &b->in_at[i],
                                               .msg_iovlen = 1,
                                               .msg_control = &b->in_control[i],
                                               .msg_controllen = sizeof b->in_control[i]};
        count = recvmmsg(fd, b->in, MESSAGES, MSG_DONTWAIT, NULL);
        b->counts.receive_calls++;
        for (int i = 0; i < count; i++)
            hand_over(b, (size_t)i, take, user);
        if (count < MESSAGES)
            return;
    }
}

/* ---- out ---- */

/* How many datagrams from `first` on can go as one: to the same end, of one size but for the last. */
static size_t mergeable(const so_batch *b, size_t first)
{
    const waiting *w = &b->out[first];
    size_t n = 1, bytes = w->len;

    while (!b->no_merging && first + n < b->out_count && n < MERGED_MAX && w[n].fd == w->fd && w[n].len <= w->len &&
           w[n - 1].len == w->len && bytes + w[n].len <= MERGED_BYTES && so_address_equal(&w[n].remote, &w->remote))
        bytes += w[n++].len;
    return n;
}

static void fill_message(so_batch *b, size_t m, size_t first, size_t count, uint8_t *bytes, size_t len)
{
    struct msghdr *h = &b->to_send[m].msg_hdr;
    uint16_t size = (uint16_t)b->out[first].len;
    struct cmsghdr *c;

    b->to_send_at[m] = (struct iovec){bytes, len};
    *h = (struct msghdr){.msg_name = &b->to[m],
                         .msg_namelen = so_sockaddr_of(&b->to[m], &b->out[first].remote),
                         .msg_iov = &b->to_send_at[m],
                         .msg_iovlen = 1};
    if (count == 1)
        return;
    h->msg_control = &b->out_control[m];
    h->msg_controllen = CMSG_SPACE(sizeof size);
    c = CMSG_FIRSTHDR(h);
    c->cmsg_level = IPPROTO_UDP;
    c->cmsg_type = UDP_SEGMENT;
    c->cmsg_len = CMSG_LEN(sizeof size);
    memcpy(CMSG_DATA(c), &size, sizeof size);
}

/* Sends what waits from *first on, as many as are of one socket and fit; *bytes moves on. */
static void send_some(so_batch *b, size_t *first, uint8_t **bytes)
{
    size_t counts[MESSAGES], messages = 0, at = *first;
    uint8_t *from = *bytes;
    int fd = b->out[at].fd, taken;

    while (messages < MESSAGES && at < b->out_count && b->out[at].fd == fd) {
        size_t count = mergeable(b, at), len = 0;

        for (size_t i = 0; i < count; i++)
            len += b->out[at + i].len;
        fill_message(b, messages, at, count, from, len);
        counts[messages++] = count;
        at += count;
        from += len;
    }
    taken = sendmmsg(fd, b->to_send, (unsigned)messages, MSG_DONTWAIT);
    b->counts.send_calls++;
    if (taken <= 0 && counts[0] > 1 && errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS) {
        b->no_merging = true; /* one by one, then */
        return;
    }
    /* Where not even the first one was taken it is dropped; those behind the taken ones are tried again. */
    for (size_t m = 0; m < (taken > 0 ? (size_t)taken : 1); m++) {
        bool sent = taken > 0;

        b->counts.sent += sent ? counts[m] : 0;
        b->counts.merged_out += sent ? counts[m] - 1 : 0;
        b->counts.dropped += sent ? 0 : counts[m];
        *first += counts[m];
        *bytes += b->to_send_at[m].iov_len;
    }
}

void so_batch_flush(so_batch *b)
{
    uint8_t *bytes = b->out_bytes;
    size_t first = 0;

    while (first < b->out_count)
        send_some(b, &first, &bytes);
    b->out_count = b->out_len = 0;
}

void so_batch_send(so_batch *b, int fd, const so_address *remote, const uint8_t *bytes, size_t len)
{
    if (len == 0 || len > MERGED_BYTES)
        return;
    if (b->out_count == OUT_DATAGRAMS || OUT_BYTES - b->out_len < len)
        so_batch_flush(b);
    memcpy(b->out_bytes + b->out_len, bytes, len);
    b->out[b->out_count++] = (waiting){.fd = fd, .remote = *remote, .len = len};
    b->out_len += len;
}

void so_batch_stats(const so_batch *b, so_batch_counts *out)
{
    *out = b->counts;
}
