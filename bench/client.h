/*
 * One end of a call as the load generator plays it: TLS 1.3, the WebSocket upgrade, join, then frames. Many of them
 * share one epoll and one set of scratch buffers, so that ten thousand fit beside the server that is measured.
 */
#ifndef SOTTO_BENCH_CLIENT_H
#define SOTTO_BENCH_CLIENT_H

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ID_LEN 11
#define FRAME_MAX 512
#define SENT_MAX 64

typedef struct client client;
typedef struct crowd crowd;

/* How far a connection goes by itself; what follows is up to its owner. */
typedef enum goal { SHAKE_HANDS, UPGRADE, JOIN } goal;

typedef enum client_state {
    CLOSED,
    SHAKING,
    UPGRADING,
    JOINING,
    JOINED,
    LEAVING, /* our close_notify is sent; the server's end is awaited */
} client_state;

typedef struct crowd_events {
    void (*reached)(client *c); /* its goal */
    void (*text)(client *c, const char *text, size_t len);
    void (*paired)(client *c); /* the other end's id is known: envelopes can be sent */
    void (*left)(client *c);   /* an orderly end after client_leave */
} crowd_events;

struct crowd {
    int epoll;
    SSL_CTX *ctx;
    struct sockaddr_in server;
    goal goal;
    crowd_events events;
    void *user;
    uint8_t *in, *out; /* scratch: of one connection, for one event */
    size_t out_len;
    uint64_t pings;
};

struct client {
    crowd *crowd;
    SSL *ssl;
    int fd;
    client_state state;
    unsigned index; /* two neighbours, 2n and 2n + 1, share a room */
    uint8_t *rest;  /* the beginning of a frame whose end has not come */
    size_t rest_len;
    char to[ID_LEN + 1]; /* the other end; empty until it is known */
    uint8_t *frame;      /* an envelope to it, masked and ready */
    size_t frame_len;
    double sent[SENT_MAX]; /* when the envelopes under way were sent, first in first out */
    unsigned sent_first, sent_count, received;
};

void crowd_open(crowd *all, uint16_t port, goal until, const crowd_events *events, void *user);

/* Ends the program with a sentence: a measurement with a fault in it is none. */
void give_up(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

void client_start(client *c, crowd *all, unsigned index);
/* What epoll had to say about it. */
void client_step(client *c);
void client_leave(client *c);
/* One envelope of 200 characters to the other end. client_flush sends what was queued since the last one. */
void client_queue_envelope(client *c);
void client_flush(client *c);

double seconds_now(void);

#endif
