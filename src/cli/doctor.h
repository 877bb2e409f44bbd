/* `sotto doctor`, split by what it looks at: this machine, the server, the STUN and TURN servers that it names. */
#ifndef SOTTO_CLI_DOCTOR_H
#define SOTTO_CLI_DOCTOR_H

#include "call/servers.h"
#include "net/loop.h"
#include "net/tls.h"
#include "net/url.h"
#include "peer/peer.h"

/* Of STUN and TURN, by all their names: more are not asked. */
#define DOCTOR_SERVERS 16

typedef enum doctor_result {
    DOCTOR_WELL,
    DOCTOR_NOTE,   /* not there, or not asked: a call goes without */
    DOCTOR_FAILED, /* a call would fail on it, or be worse */
} doctor_result;

typedef struct doctor_server {
    so_server_url at;
    char username[SO_RELAY_TEXT_MAX + 1], credential[SO_RELAY_TEXT_MAX + 1]; /* the second is a secret */
} doctor_server;

typedef struct doctor {
    const so_url *url;      /* NULL: this machine alone */
    const char *connect_to; /* in the place of the URL's host, or NULL */
    SSL_CTX *ctx;
    bool json;
    unsigned failed;
    so_loop loop;
    doctor_server servers[DOCTOR_SERVERS];
    size_t server_count, left_out;
} doctor;

/* One line. check: a word of man/sotto-doctor.1; where it failed, the text ends in what to do. */
void doctor_say(doctor *d, doctor_result result, const char *check, const char *fmt, ...) SO_PRINTF(4, 5);

void doctor_machine(doctor *d);
/* Fills servers. false: it was not reached, or let nobody in. */
bool doctor_server_itself(doctor *d);
void doctor_relays(doctor *d);

/* All addresses of a name, now; 0: *fault is uv's. */
size_t doctor_look_up(doctor *d, const char *host, uint16_t port, so_address *out, size_t cap, int *fault);

#endif
