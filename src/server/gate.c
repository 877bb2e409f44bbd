#include "server/gate.h"

#include "net/url.h"
#include "server/page.h"
#include "server/rehearsal.h"

#include <string.h>
#include <strings.h>
#include <time.h>

static const struct {
    unsigned status;
    const char *phrase, *sentence;
} phrases[] = {
    {101, "Switching Protocols", NULL},
    {200, "OK", NULL},
    {304, "Not Modified", NULL},
    {308, "Permanent Redirect", "This server speaks HTTPS only."},
    {400, "Bad Request", "This is not an HTTP/1.1 request that this server can read."},
    {403, "Forbidden",
     "The signaling of this server can be opened by its own page only; its operator can add an --origin."},
    {404, "Not Found", "There is nothing here; the call page is at /."},
    {405, "Method Not Allowed", "Only GET and HEAD are served here."},
    {408, "Request Timeout", "The request did not arrive in time."},
    {413, "Content Too Large", "A request to this server has no body."},
    {414, "URI Too Long", "The address of this request is longer than this server takes."},
    {426, "Upgrade Required", "This address is a WebSocket, version 13, of the subprotocol " SO_SUBPROTOCOL "."},
    {429, "Too Many Requests", "Too many connections from your address; close some, then try again."},
    {431, "Request Header Fields Too Large", "The head of this request is larger than this server takes."},
    {503, "Service Unavailable", "The server is stopping or out of memory; try again in some seconds."},
    {505, "HTTP Version Not Supported", "This server speaks HTTP/1.1."},
};

static const char *phrase_of(unsigned status, const char **sentence)
{
    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++) {
        if (phrases[i].status != status)
            continue;
        *sentence = phrases[i].sentence;
        return phrases[i].phrase;
    }
    *sentence = NULL;
    return "Error";
}

static void write_date(so_writer *w, so_unix now)
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t t = (time_t)now;
    struct tm tm;

    if (gmtime_r(&t, &tm) != NULL)
        so_write_format(w, "Date: %s, %02d %s %d %02d:%02d:%02d GMT\r\n", days[tm.tm_wday], tm.tm_mday,
                        months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* Host names this server: its public one, or one in the certificate. */
static bool host_is_ours(const so_hub *hub, const char *host)
{
    return strcasecmp(host, hub->public_origin + strlen("https://")) == 0 ||
           hub->host_is_ours(hub->user, host, so_url_host_len(host));
}

/* The origin that the headers speak of: the one that the browser used, where that is one of ours. */
static void write_page_headers(so_hub *hub, so_writer *w, const char *host, bool tls)
{
    char origin[300] = "https://";

    if (host != NULL && strlen(host) < 256 && strpbrk(host, " ;,'\"\r\n") == NULL && host_is_ours(hub, host))
        strcat(origin, host);
    else
        strcpy(origin, hub->public_origin);
    for (size_t i = 0; i < so_page_header_count; i++) {
        so_writer before = *w;

        /* RFC 6797 §7.2: never sent without TLS, where anybody could have written it. */
        if (!tls && strcmp(so_page_headers[i], "Strict-Transport-Security") == 0)
            continue;
        so_write_format(w, "%s: ", so_page_headers[i]);
        if (so_page_header(w, so_page_headers[i], origin))
            so_write_text(w, "\r\n");
        else
            *w = before;
    }
}

static void begin_over(bool tls, so_hub *hub, so_answer *a, so_writer *w, unsigned status, const char *host,
                       bool keep_alive)
{
    const char *sentence;

    memset(a, 0, offsetof(so_answer, head));
    a->status = status;
    a->keep_alive = keep_alive;
    *w = so_writer_of(a->head, sizeof a->head);
    so_write_format(w, "HTTP/1.1 %u %s\r\n", status, phrase_of(status, &sentence));
    write_date(w, hub->unix_now);
    write_page_headers(hub, w, host, tls);
    if (!keep_alive && status != 101)
        so_write_text(w, "Connection: close\r\n");
}

static void begin(so_hub *hub, so_answer *a, so_writer *w, unsigned status, const char *host, bool keep_alive)
{
    begin_over(true, hub, a, w, status, host, keep_alive);
}

static void end(so_answer *a, const so_writer *w)
{
    a->head_len = so_writer_len(w);
}

static void say_sentence(so_hub *hub, so_answer *a, so_writer *w, bool head_only)
{
    const char *sentence;

    (void)phrase_of(a->status, &sentence);
    so_write_format(w,
                    "Cache-Control: no-store\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\n\r\n",
                    strlen(sentence) + 1);
    if (!head_only) {
        so_write_text(w, sentence);
        so_write_u8(w, '\n');
    }
    end(a, w);
    hub->counters.refusals++;
}

/* A status and its sentence; extra: header lines, or NULL. */
static void refuse(so_hub *hub, so_answer *a, unsigned status, const char *host, bool keep_alive, bool head_only,
                   const char *extra)
{
    so_writer w;

    begin(hub, a, &w, status, host, keep_alive);
    if (extra != NULL)
        so_write_text(&w, extra);
    say_sentence(hub, a, &w, head_only);
}

void so_gate_refuse(so_hub *hub, unsigned status, so_answer *answer)
{
    refuse(hub, answer, status, NULL, false, false, status == 429 || status == 503 ? "Retry-After: 10\r\n" : NULL);
}

static void answer_file(so_hub *hub, const so_http *http, const so_page_file *file, so_answer *a)
{
    bool head_only = strcmp(so_http_method(http), "HEAD") == 0;
    const char *have = so_http_header(http, "if-none-match");
    bool same = have != NULL && strstr(have, file->sha256) != NULL;
    so_writer w;

    begin(hub, a, &w, same ? 304 : 200, so_http_header(http, "host"), so_http_keep_alive(http) && !hub->draining);
    so_write_format(&w, "ETag: \"%s\"\r\nCache-Control: no-cache\r\n", file->sha256);
    if (!same)
        so_write_format(&w, "Content-Type: %s\r\nContent-Length: %zu\r\n", file->type, file->len);
    so_write_text(&w, "\r\n");
    end(a, &w);
    if (!same && !head_only) {
        a->body = file->bytes;
        a->body_len = file->len;
    }
}

static void answer_health(so_hub *hub, const so_http *http, so_answer *a)
{
    static const char ok[] =
        "{\"status\":\"ok\",\"protocols\":[\"" SO_SUBPROTOCOL "\"],\"version\":\"" SOTTO_VERSION "\"}\n";
    static const char draining[] =
        "{\"status\":\"draining\",\"protocols\":[\"" SO_SUBPROTOCOL "\"],\"version\":\"" SOTTO_VERSION "\"}\n";
    const char *body = hub->draining ? draining : ok;
    so_writer w;

    begin(hub, a, &w, hub->draining ? 503 : 200, so_http_header(http, "host"),
          so_http_keep_alive(http) && !hub->draining);
    so_write_format(&w, "Cache-Control: no-store\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                    strlen(body));
    if (strcmp(so_http_method(http), "HEAD") != 0)
        so_write_text(&w, body);
    end(a, &w);
}

/*
 * The proof that this server's operator put the asker's token here. Only for a name that is ours: another server that
 * somebody believes to be his own must not get its answer from this one. NULL: there is nothing here.
 */
static const char *rehearsal_proof(const so_hub *hub, const so_http *http, char proof[SO_REHEARSAL_PROOF_LEN + 1])
{
    const char *host = so_http_header(http, "host"), *nonce = so_rehearsal_nonce(so_http_target(http));

    if (hub->rehearsal_token.len == 0 || nonce == NULL || !host_is_ours(hub, host) ||
        so_rehearsal_proof(proof, hub->rehearsal_token, (so_slice){nonce, SO_REHEARSAL_NONCE_LEN},
                           (so_slice){host, strlen(host)}) != SO_OK)
        return NULL;
    return proof;
}

static void answer_rehearsal(so_hub *hub, const so_http *http, const char *proof, so_answer *a)
{
    so_writer w;

    begin(hub, a, &w, 200, so_http_header(http, "host"), false);
    so_write_format(&w,
                    "Cache-Control: no-store\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n\r\n",
                    SO_REHEARSAL_PROOF_LEN);
    if (strcmp(so_http_method(http), "HEAD") != 0)
        so_write_text(&w, proof);
    end(a, &w);
}

/* RFC 6455 §10.2: exact comparison; an absent Origin is refused, so native ends send their server's. */
static bool origin_allowed(const so_hub *hub, const so_http *http)
{
    const char *origin = so_http_header(http, "origin"), *host = so_http_header(http, "host");

    if (origin == NULL)
        return false;
    if (strcasecmp(origin, hub->public_origin) == 0)
        return true;
    for (size_t i = 0; i < hub->options->origin.count; i++)
        if (strcasecmp(origin, hub->options->origin.items[i]) == 0)
            return true;
    return host != NULL && strncasecmp(origin, "https://", 8) == 0 && strcasecmp(origin + 8, host) == 0 &&
           host_is_ours(hub, host);
}

static void answer_upgrade(so_hub *hub, const so_http *http, so_answer *a)
{
    const char *host = so_http_header(http, "host"), *key = so_http_header(http, "sec-websocket-key");
    const char *version = so_http_header(http, "sec-websocket-version");
    char accept[29];
    so_writer w;

    if (!so_http_upgrade(http) || !so_http_list_has(so_http_header(http, "upgrade"), "websocket") ||
        strcmp(so_http_method(http), "GET") != 0 || version == NULL || strcmp(version, "13") != 0 ||
        !so_http_list_has(so_http_header(http, "sec-websocket-protocol"), SO_SUBPROTOCOL)) {
        refuse(hub, a, 426, host, false, false,
               "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
        return;
    }
    if (key == NULL || !so_ws_key_valid(key) || so_ws_accept(accept, key) != SO_OK) {
        refuse(hub, a, 400, host, false, false, NULL);
        return;
    }
    if (!origin_allowed(hub, http)) {
        refuse(hub, a, 403, host, false, false, NULL);
        return;
    }
    begin(hub, a, &w, 101, host, true);
    so_write_format(&w,
                    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n"
                    "Sec-WebSocket-Protocol: " SO_SUBPROTOCOL "\r\n\r\n",
                    accept);
    end(a, &w);
}

/* Cuts absolute-form (RFC 9112 §3.2.2) and the query off. False: longer than any address that exists here. */
static bool path_of(const char *target, char *path, size_t cap)
{
    size_t len;

    if (strncasecmp(target, "https://", 8) == 0) {
        target += 8;
        target += strcspn(target, "/?");
    }
    if (*target == '\0' || *target == '?')
        target = "/";
    len = strcspn(target, "?");
    if (len >= cap)
        return false;
    memcpy(path, target, len);
    path[len] = '\0';
    return true;
}

void so_gate_answer(so_hub *hub, const so_http *http, so_answer *a)
{
    const char *method = so_http_method(http), *host = so_http_header(http, "host");
    bool get = strcmp(method, "GET") == 0, head = strcmp(method, "HEAD") == 0;
    const so_page_file *file;
    char path[64] = "", made[SO_REHEARSAL_PROOF_LEN + 1];
    const char *proof;

    hub->counters.requests++;
    if (host == NULL || host[0] == '\0') {
        so_gate_refuse(hub, 400, a); /* RFC 9112 §3.2: exactly one Host, and https has no empty one */
        return;
    }
    if (!get && !head) {
        refuse(hub, a, 405, host, false, false, "Allow: GET, HEAD\r\n");
        return;
    }
    if (!path_of(so_http_target(http), path, sizeof path))
        path[0] = '\0';
    file = so_page_find(path);
    if (strcmp(path, "/signal") == 0 && hub->draining)
        so_gate_refuse(hub, 503, a);
    else if (strcmp(path, "/signal") == 0)
        answer_upgrade(hub, http, a);
    else if (strcmp(path, "/healthz") == 0)
        answer_health(hub, http, a);
    else if (file != NULL)
        answer_file(hub, http, file, a);
    else if ((proof = rehearsal_proof(hub, http, made)) != NULL)
        answer_rehearsal(hub, http, proof, a);
    else
        refuse(hub, a, 404, host, so_http_keep_alive(http) && !so_http_upgrade(http), head, NULL);
    if (so_http_upgrade(http) && a->status != 101)
        a->keep_alive = false; /* what follows may be frames, which are no requests */
}

void so_gate_redirect(so_hub *hub, const so_http *http, so_answer *a)
{
    const char *target = http == NULL ? "/" : so_http_target(http);
    so_writer w;

    if (target[0] != '/' || strlen(target) > 512)
        target = "/";
    begin_over(false, hub, a, &w, 308, NULL, false);
    so_write_format(&w, "Location: %s%s\r\nContent-Length: 0\r\n\r\n", hub->public_origin, target);
    end(a, &w);
}

void so_gate_refuse_clear(so_hub *hub, unsigned status, so_answer *a)
{
    so_writer w;

    begin_over(false, hub, a, &w, status, NULL, false);
    say_sentence(hub, a, &w, false);
}
