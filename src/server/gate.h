/*
 * What an HTTP request gets: a file, a health report, the upgrade, or a short and correct refusal. Pure; writes whole
 * answers.
 */
#ifndef SOTTO_SERVER_GATE_H
#define SOTTO_SERVER_GATE_H

#include "net/http.h"
#include "server/session.h"

#define SO_ANSWER_MAX 4096 /* a head, or a head and a sentence */

typedef struct so_answer {
    unsigned status; /* 101: the connection is a WebSocket now */
    bool keep_alive;
    const uint8_t *body; /* sent after head; NULL: none */
    size_t body_len;
    uint8_t head[SO_ANSWER_MAX];
    size_t head_len;
} so_answer;

/* Answers the request that http holds. */
void so_gate_answer(so_hub *hub, const so_http *http, so_answer *answer);
/* Answers with a status that needs no request: 400, 408, 413, 414, 429, 431, 503, 505. The connection ends. */
void so_gate_refuse(so_hub *hub, unsigned status, so_answer *answer);
/* For the port without TLS: 308 to the public URL, and refusals; neither carries HSTS. */
void so_gate_redirect(so_hub *hub, const so_http *http, so_answer *answer);
void so_gate_refuse_clear(so_hub *hub, unsigned status, so_answer *answer);

#endif
