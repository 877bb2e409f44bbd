/*
 * One connection of an attacker: over TLS like everybody's, or bare TCP. Waits for what it wants, and says exactly the
 * bytes that it is told to, also such as no honest end would send.
 */
#ifndef SOTTO_CLI_REHEARSE_WIRE_H
#define SOTTO_CLI_REHEARSE_WIRE_H

#include "cli/rehearse.h"
#include "signal/message.h"

typedef struct wire wire;

/* NULL: no memory. Both only begin; what becomes of it wire_opened and wire_ended say. */
wire *wire_bare(rehearsal *r);
wire *wire_tls(rehearsal *r);
/* To another server than the one that is attacked. */
wire *wire_tls_to(rehearsal *r, SSL_CTX *ctx, const char *host, uint16_t port, const char *at);
/* Closes, waits for the end, and frees. Takes NULL. */
void wire_free(wire *w);

/* Connected, and for TLS the certificate checked. */
bool wire_opened(wire *w);
bool wire_ended(const wire *w);
/* After the end: why; SO_OK for an orderly one. */
const so_error *wire_why(const wire *w);

void wire_send(wire *w, const void *bytes, size_t len);
/* Waits until count bytes are there, or the end, or ms have passed. Returns how many bytes are there. */
size_t wire_wait(wire *w, size_t count, unsigned ms);
/* Waits for the end. */
bool wire_wait_end(wire *w, unsigned ms);
const uint8_t *wire_bytes(const wire *w);

/* ---- HTTP ---- */

/* Sends a request and waits for the head of its answer. The status; 0: none came. */
unsigned wire_request(wire *w, const char *request, size_t len);
/* Is there this text in the head, as it stands there? */
bool wire_head_has(const wire *w, const char *text);
/* GET /signal as a page would; origin NULL: without one. more: header lines, or "". */
unsigned wire_upgrade(wire *w, const char *host, const char *origin, const char *more);

/* ---- WebSocket ---- */

#define WIRE_FIN 0x80
enum { WIRE_CONTINUATION, WIRE_TEXT, WIRE_BINARY, WIRE_CLOSE = 8, WIRE_PING, WIRE_PONG };

/* One frame, its first byte as given. */
void wire_frame(wire *w, uint8_t first, bool masked, const void *bytes, size_t len);
void wire_say(wire *w, const char *text);

/* What the server said next. kind is "" where it said nothing in time, "closed" for the end of the connection. */
typedef struct wire_heard {
    char kind[16];
    char code[32];                      /* of an error; the reason of a bye */
    char id[SO_MEMBER_ID_LEN + 1];      /* of a welcome, joined, away or left */
    char from[32];                      /* of an envelope */
    char resume[SO_TOKEN_TEXT_LEN + 1]; /* of a welcome */
    char payload[64];
    bool resumed;
    char other[SO_MEMBER_ID_LEN + 1]; /* of a welcome: the first member */
    unsigned members, message, rate;  /* of a welcome */
    unsigned close;                   /* of "closed": the Close frame's; 0: none came */
} wire_heard;

/* false: nothing came within ms. */
bool wire_hear(wire *w, wire_heard *heard, unsigned ms);
/* The whole payload of the envelope that was heard last; lives until the next one. Never NULL. */
const char *wire_payload(const wire *w);
/* Passes over all else, until a message of this kind ("closed" too). */
bool wire_hear_kind(wire *w, const char *kind, wire_heard *heard, unsigned ms);

/* ---- an honest end ---- */

/* A connection that is upgraded; NULL: seen says why not. */
wire *wire_signal(rehearsal *r);
/* And has a seat; resume may be NULL. */
wire *wire_seat(rehearsal *r, const char *room, const char *resume, wire_heard *welcome);
/* A room that nobody else is in. */
void wire_room(char out[SO_ROOM_TEXT_LEN + 1]);
/* Does what a says to b arrive, and is it the first that does? */
bool wire_relays(wire *a, wire *b, const char *a_id, const char *b_id);

#endif
