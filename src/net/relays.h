/*
 * The connections of one call to TURN servers: over TLS with the certificate checked, as everywhere, or over TCP. Each
 * has the number that the call gave it.
 */
#ifndef SOTTO_NET_RELAYS_H
#define SOTTO_NET_RELAYS_H

#include "ice/ice.h"
#include "net/stream.h"

typedef struct so_relays so_relays;

typedef struct so_relays_events {
    void (*opened)(void *user, unsigned stream);
    void (*data)(void *user, unsigned stream, const uint8_t *bytes, size_t len);
    /* code: "relay-certificate" or "relay-unreachable". Not after so_relays_keep or so_relays_close ended it. */
    void (*closed)(void *user, unsigned stream, const char *code, const so_error *why);
    bool (*wanted)(void *user, unsigned stream);
} so_relays_events;

/* loop, ctx (of so_tls_client) and events outlive it. */
so_status so_relays_open(so_relays **relays, so_loop *loop, SSL_CTX *ctx, const so_relays_events *events,
                         void *user) SO_MUST_CHECK;
/* Errors come through closed, later. */
void so_relays_connect(so_relays *relays, unsigned stream, const char *host, uint16_t port, bool tls);
/* A whole message. Where too much waits already it is dropped, as a datagram would be. */
void so_relays_send(so_relays *relays, unsigned stream, const uint8_t *bytes, size_t len);
/* An address has left this machine: what went from it is ended, and closed follows. */
void so_relays_leave(so_relays *relays, const so_address *address);
/* Ends those that are not wanted any more. */
void so_relays_sweep(so_relays *relays);
/* Its connections close later, in the loop, and what was sent still goes out. Takes NULL. */
void so_relays_close(so_relays *relays);

#endif
