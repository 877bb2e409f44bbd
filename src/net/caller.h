/*
 * One call by invitation over real sockets: drives a so_call with a WebSocket to the server, UDP sockets and the clock.
 * The connection to the server comes back by itself when it is lost.
 */
#ifndef SOTTO_NET_CALLER_H
#define SOTTO_NET_CALLER_H

#include "call/call.h"
#include "net/tls.h"
#include "net/udp.h"
#include "net/url.h"

typedef struct so_caller so_caller;

typedef struct so_caller_config {
    so_loop *loop;
    so_engine *engine;
    SSL_CTX *ctx;           /* of so_tls_client: which CAs are trusted */
    const so_url *url;      /* of the server */
    const char *connect_to; /* a name or address in place of the URL's host, or NULL */
    const so_invite *invite;
    so_call_wish sound, picture;
    bool screen;                       /* the picture is that of a screen */
    const so_sdp_abilities *abilities; /* as so_call_config has them */
    so_pkey *identity;                 /* these three as so_call_config has them */
    const so_known *known;
    const char *expect;
    bool loopback;                            /* loopback addresses take part too */
    bool records, addresses, nobody_compares; /* these four as so_call_config has them */
    const so_policy *policy; /* likewise; what ctx may agree on is the caller's to limit (so_tls_limit) */
    /* What the call came to: each event as so_call_event_next gives it. May call so_caller_send and so_caller_hang_up.
     */
    void (*event)(void *user, const so_call_event *event);
    /* The last call: all sockets are closed; so_caller_free is due, and the report is there until then. */
    void (*closed)(void *user);
    void *user;
} so_caller_config;

/* url, ctx, engine, loop and connect_to outlive it; invite is copied. */
so_status so_caller_start(so_caller **caller, const so_caller_config *config, so_error *err) SO_MUST_CHECK;
/* Only after closed. */
void so_caller_free(so_caller *caller);

/* As so_call_send. */
so_status so_caller_send(so_caller *caller, so_sdp_kind kind, const so_peer_frame *frame) SO_MUST_CHECK;
/* As so_call_open_channel, so_call_send_message and so_call_close_channel. */
so_status so_caller_open_channel(so_caller *caller, const so_sctp_channel *channel, uint16_t *id) SO_MUST_CHECK;
so_status so_caller_send_message(so_caller *caller, uint16_t channel, bool text, so_slice message) SO_MUST_CHECK;
void so_caller_close_channel(so_caller *caller, uint16_t channel);
/* As so_call_compare, so_call_decide and so_call_review. */
void so_caller_compare(so_caller *caller, bool same);
void so_caller_decide(so_caller *caller, bool go_on);
void so_caller_review(so_caller *caller);
/* As so_call_wish_for, so_call_want_key and so_call_mute. */
void so_caller_wish_for(so_caller *caller, so_sdp_kind kind, so_call_wish wish);
void so_caller_want_key(so_caller *caller);
void so_caller_mute(so_caller *caller, so_sdp_kind kind, bool muted);
/* Ends the call, or the waiting for one; code: NULL for a hang-up, else why this end gives up ("nobody-came"). */
void so_caller_hang_up(so_caller *caller, const char *code);

so_call *so_caller_call(so_caller *caller);
/* Milliseconds on the loop's clock, as so_call takes them. */
so_msec so_caller_now(so_caller *caller);

#endif
