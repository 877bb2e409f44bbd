/*
 * Datagrams in batches: what came is read many at a time (recvmmsg, UDP GRO), and what is sent waits for so_batch_flush
 * and leaves many at a time (sendmmsg, UDP GSO), where the kernel has that. For all sockets of one loop.
 */
#ifndef SOTTO_NET_BATCH_H
#define SOTTO_NET_BATCH_H

#include "base/address.h"
#include "base/status.h"

typedef struct so_batch so_batch;

so_status so_batch_new(so_batch **batch) SO_MUST_CHECK;
void so_batch_free(so_batch *batch); /* what waits to leave does not; NULL is allowed */

/* Prepares a bound UDP socket: more room for what waits in the kernel, and GRO. */
void so_batch_prepare(int fd);

/* One datagram; bytes may be written to, and live for the call. */
typedef void so_batch_take(void *user, const so_address *remote, uint8_t *bytes, size_t len);
/* Reads what is there, though not for ever; take may send. */
void so_batch_receive(so_batch *batch, int fd, so_batch_take *take, void *user);

/* Copies. What the kernel does not take when it is flushed is dropped, as on any path. */
void so_batch_send(so_batch *batch, int fd, const so_address *remote, const uint8_t *bytes, size_t len);
/* Before a socket is closed, too. */
void so_batch_flush(so_batch *batch);

typedef struct so_batch_counts {
    uint64_t received, sent, dropped;   /* datagrams; dropped: by the kernel, when they were to be sent */
    uint64_t receive_calls, send_calls; /* system calls */
    uint64_t merged_in, merged_out;     /* datagrams that shared a buffer with the one before */
} so_batch_counts;
void so_batch_stats(const so_batch *batch, so_batch_counts *out);

#endif
