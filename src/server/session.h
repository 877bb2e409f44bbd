/*
 * One connection of a browser or native end, from its first HTTP byte to its last WebSocket frame. Bytes in, bytes out
 * through so_session_io; time comes from the hub. That is all it needs to run under a fuzzer.
 */
#ifndef SOTTO_SERVER_SESSION_H
#define SOTTO_SERVER_SESSION_H

#include "base/log.h"
#include "net/tls.h"
#include "net/ws.h"
#include "server/limits.h"
#include "server/options.h"
#include "server/rooms.h"
#include "server/turn.h"

typedef struct so_session so_session;

typedef struct so_counters {
    uint64_t connections, requests, upgrades, joins, resumes, envelopes, refusals;
} so_counters;

/* What all connections of a server share. The owner sets now and unix_now before each call into a session. */
typedef struct so_hub {
    const so_options *options;
    so_rooms *rooms;
    so_limits *limits;
    so_ws_pool *ws_pool; /* made with so_session_ws_events */
    const so_log *log;
    const char *public_origin;
    /* Is host, of len bytes and without a port, a name in the certificate? */
    bool (*host_is_ours)(void *user, const char *host, size_t len);
    void *user;
    so_ice_servers ice;
    so_slice rehearsal_token; /* a secret; empty: nobody may rehearse attacks here */
    const char *policy;       /* JSON that every member is handed, or NULL */
    so_msec now;
    so_unix unix_now;
    bool draining;
    so_counters counters;
} so_hub;

extern const so_ws_events so_session_ws_events;

typedef struct so_session_io {
    void (*write)(void *user, const void *bytes, size_t len);
    void (*finish)(void *user); /* send what is queued, then close */
    void (*abort)(void *user);
    size_t (*backlog)(void *user);
    so_tls_facts (*facts)(void *user);
} so_session_io;

/* told: SO_ADMITTED_TO_BE_TOLD. NULL: no memory; the source stays the caller's. */
so_session *so_session_new(so_hub *hub, const so_session_io *io, void *io_user, so_source *source, bool told);
/* The TLS handshake is done. */
void so_session_opened(so_session *session);
void so_session_data(so_session *session, const uint8_t *bytes, size_t len);
/* When so_session_tick wants to be called; UINT64_MAX: never. Changes with every call into the session. */
so_msec so_session_deadline(const so_session *session);
void so_session_tick(so_session *session);
/* The server is stopping. */
void so_session_drain(so_session *session);
/* The connection is gone. Frees the session and gives its source back. */
void so_session_closed(so_session *session);

/* For so_rooms_events. */
void so_session_send(void *link, const char *text, size_t len);
void so_session_displaced(void *link);

#endif
