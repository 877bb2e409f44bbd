/* Floods, and those who take their time (attack 19): what is too much is refused, and an honest room goes on meanwhile.
 */
#include "cli/rehearse_room.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define FLOOD_CONNECTIONS 600
#define FLOOD_JOINS 200
#define FLOOD_RATE_MAX 2000
#define HEAD_BYTES 70000
#define SPARE_FILES 64
#define SLOW 15000
/* The server that is started for it has shorter ones. */
#define SLOW_OWN 10000

/* The last word of each: was the room untouched? */
static rehearse_result and_the_room(rehearsal *r, rehearse_result result)
{
    char seen[sizeof r->seen];

    (void)snprintf(seen, sizeof seen, "%s", r->seen);
    if (result != REHEARSE_HELD)
        return result;
    if (!rehearse_room_still(r))
        return rehearse_weak(r, "%.200s, but two honest ends no longer reach each other", seen);
    return rehearse_held(r, "%.200s; an honest room went on meanwhile", seen);
}

static rehearse_result expect_close(rehearsal *r, wire *w, unsigned code)
{
    wire_heard heard;

    if (!wire_hear_kind(w, "closed", &heard, REHEARSE_PATIENCE) && strcmp(heard.kind, "closed") != 0)
        return rehearse_weak(r, "the connection went on; close code %u is due", code);
    if (heard.close != code)
        return rehearse_weak(r, "closed with code %u, where %u is due", heard.close, code);
    return rehearse_held(r, "closed with code %u", code);
}

/* ---- size ---- */

static rehearse_result long_message(rehearsal *r, int in_pieces)
{
    size_t limit = r->room->welcomes[0].message, len = in_pieces ? 2 * limit : limit + 1;
    size_t piece = in_pieces ? limit / 4 : len;
    char *text = malloc(len);
    wire *w = wire_signal(r);
    rehearse_result result = REHEARSE_NOT_TRIED;

    if (text != NULL && w != NULL) {
        memset(text, ' ', len);
        for (size_t at = 0; at < len; at += piece) {
            size_t count = len - at < piece ? len - at : piece;
            uint8_t first = at == 0 ? WIRE_TEXT : WIRE_CONTINUATION;

            wire_frame(w, in_pieces ? first : WIRE_FIN | WIRE_TEXT, true, text + at, count);
        }
        result = and_the_room(r, expect_close(r, w, 1009));
    }
    free(text);
    wire_free(w);
    return result;
}

static rehearse_result long_head(rehearsal *r, int variant)
{
    char *request = malloc(HEAD_BYTES);
    int len;
    wire *w = wire_tls(r);
    rehearse_result result = REHEARSE_NOT_TRIED;
    unsigned status;

    (void)variant;
    if (request != NULL && w != NULL && wire_opened(w)) {
        len = snprintf(request, HEAD_BYTES,
                       "GET / HTTP/1.1\r\nHost: %s\r\nX-Long: ", r->url->origin + strlen("https://"));
        memset(request + len, 'a', HEAD_BYTES - (size_t)len);
        memcpy(request + HEAD_BYTES - 4, "\r\n\r\n", 4);
        status = wire_request(w, request, HEAD_BYTES);
        if (status == 431)
            result = and_the_room(r, rehearse_held(r, "refused with HTTP 431"));
        else
            result = rehearse_weak(r, "a head of %d bytes was answered %u, not 431", HEAD_BYTES, status);
    }
    free(request);
    wire_free(w);
    return result;
}

/* ---- numbers ---- */

static rehearse_result many_messages(rehearsal *r, int variant)
{
    unsigned rate = r->room->welcomes[0].rate, count = 4 * rate + 50;
    wire_heard heard = {.close = 0};
    rehearse_result result;
    wire *w;

    (void)variant;
    if (rate == 0 || rate > FLOOD_RATE_MAX)
        return rehearse_not_tried(r, "the server allows %u messages a second, more than is flooded here", rate);
    w = wire_signal(r);
    if (w == NULL)
        return REHEARSE_NOT_TRIED;
    for (unsigned i = 0; i < count; i++)
        wire_say(w, "{\"kind\":\"flood\"}");
    while (wire_hear_kind(w, "error", &heard, REHEARSE_PATIENCE) && strcmp(heard.code, "unknown-kind") == 0)
        continue;
    if (strcmp(heard.code, "too-many-messages") == 0)
        result = and_the_room(r, expect_close(r, w, 4008));
    else
        result = rehearse_weak(r, "%u messages at once were taken, where the server says %u a second", count, rate);
    wire_free(w);
    return result;
}

static rehearse_result many_joins(rehearsal *r, int variant)
{
    rehearse_result result =
        rehearse_weak(r, "%u joins in a row were taken; lower --joins-per-minute at the server", FLOOD_JOINS);
    bool refused = false;

    (void)variant;
    for (unsigned i = 0; i < FLOOD_JOINS && !refused; i++) {
        char room[SO_ROOM_TEXT_LEN + 1], text[100];
        wire_heard heard;
        wire *w = wire_signal(r);

        if (w == NULL)
            return rehearse_weak(r, "after %u joins honest connections were refused", i);
        wire_room(room);
        (void)snprintf(text, sizeof text, "{\"kind\":\"join\",\"room\":\"%s\"}", room);
        wire_say(w, text);
        refused = wire_hear(w, &heard, REHEARSE_PATIENCE) && strcmp(heard.code, "too-many-joins") == 0;
        if (refused)
            result = expect_close(r, w, 4008);
        wire_free(w);
    }
    return and_the_room(r, result);
}

/* Open files that this process may have, less those that it needs. */
static unsigned files_left(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return 0;
    if (files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
        (void)getrlimit(RLIMIT_NOFILE, &files);
    }
    return files.rlim_cur < SPARE_FILES ? 0 : (unsigned)(files.rlim_cur - SPARE_FILES);
}

/* Once the flood is gone the server takes honest ends again, as soon as it has noticed. */
static rehearse_result and_then_others(rehearsal *r, rehearse_result result)
{
    char seen[sizeof r->seen];
    so_msec until;

    (void)snprintf(seen, sizeof seen, "%s", r->seen);
    uv_update_time(&r->loop.uv);
    until = so_loop_now(&r->loop) + REHEARSE_PATIENCE;
    while (so_loop_now(&r->loop) < until) {
        wire *w = wire_signal(r);

        wire_free(w);
        if (w != NULL) {
            (void)snprintf(r->seen, sizeof r->seen, "%s", seen);
            return result;
        }
    }
    return rehearse_weak(r, "%.150s, but honest ends were still refused when it was over", seen);
}

/* Without a word, as those come who want nothing but to take up room. */
static rehearse_result many_connections(rehearsal *r, int variant)
{
    static wire *wires[FLOOD_CONNECTIONS];
    unsigned opened = 0, closed = 0;
    rehearse_result result;

    (void)variant;
    if (files_left() < FLOOD_CONNECTIONS)
        return rehearse_not_tried(r, "this system allows fewer than %u connections; raise ulimit -n",
                                  FLOOD_CONNECTIONS);
    for (unsigned i = 0; i < FLOOD_CONNECTIONS; i++)
        if ((wires[i] = wire_bare(r)) != NULL)
            opened += wire_opened(wires[i]);
    if (wires[FLOOD_CONNECTIONS - 1] != NULL) /* the last one is closed at once, if any is */
        (void)wire_wait_end(wires[FLOOD_CONNECTIONS - 1], REHEARSE_SILENCE);
    for (unsigned i = 0; i < FLOOD_CONNECTIONS; i++)
        closed += wires[i] != NULL && wire_ended(wires[i]);
    if (closed == 0)
        result = rehearse_weak(
            r, "%u connections from one address stayed open; lower --connections-per-address at the server", opened);
    else
        result =
            and_the_room(r, rehearse_held(r, "%u of %u connections were closed at once", closed, FLOOD_CONNECTIONS));
    for (unsigned i = 0; i < FLOOD_CONNECTIONS; i++)
        wire_free(wires[i]);
    return and_then_others(r, result);
}

static const rehearse_attack floods[] = {
    {"limit-message", "a message one byte longer than the server takes", long_message, false},
    {"limit-fragments", "the same in pieces that never end", long_message, true},
    {"limit-head", "a request with a head of 70,000 bytes", long_head, 0},
    {"limit-rate", "messages as fast as they go", many_messages, 0},
    {"limit-connections", "600 connections from one address", many_connections, 0},
    {"limit-joins", "joins as fast as they go", many_joins, 0}, /* last: no more seats for a minute */
};

const rehearse_group rehearse_limits = {.name = "limits",
                                        .whom = REHEARSE_SERVER,
                                        .good = "what two honest ends say reaches the other",
                                        .control = rehearse_room_goes_on,
                                        .attacks = floods,
                                        .count = sizeof floods / sizeof floods[0]};

/* ---- time ---- */

enum { SLOW_TLS, SLOW_HEAD, SLOW_JOIN };

static bool signaling_opens(rehearsal *r)
{
    wire *w = wire_signal(r);

    wire_free(w);
    return w != NULL;
}

/* All three at once, since they only wait. */
static bool begin_slowly(rehearsal *r, wire *wires[3])
{
    static const char half[] = "GET / HTTP/1.1\r\nHost: ";
    bool opened = true;

    wires[SLOW_TLS] = wire_bare(r);
    wires[SLOW_HEAD] = wire_tls(r);
    wires[SLOW_JOIN] = wire_signal(r);
    for (int i = 0; i < 3; i++)
        opened = opened && wires[i] != NULL && wire_opened(wires[i]);
    if (opened)
        wire_send(wires[SLOW_HEAD], half, sizeof half - 1);
    return opened;
}

static rehearse_result judge_slow(rehearsal *r, wire *w, int variant)
{
    wire_heard heard;

    if (variant != SLOW_JOIN)
        return rehearse_held(r, "closed%s", wire_head_has(w, "HTTP/1.1 408 ") ? " with HTTP 408" : " by the server");
    if (!wire_hear(w, &heard, 0) || strcmp(heard.code, "join-timeout") != 0)
        return rehearse_weak(r, "closed, and not with the error join-timeout");
    return expect_close(r, w, 4008);
}

static void wait_for_all(rehearsal *r, unsigned patience)
{
    struct rehearse_slow_seen *slow = &r->slow_seen;
    wire *wires[3] = {NULL};
    so_msec until, now;
    bool opened = begin_slowly(r, wires);

    uv_update_time(&r->loop.uv);
    until = so_loop_now(&r->loop) + patience;
    for (int i = 0; i < 3; i++) {
        now = so_loop_now(&r->loop);
        if (!opened)
            slow->results[i] = rehearse_not_tried(r, "no connection");
        else if (wire_wait_end(wires[i], until > now ? (unsigned)(until - now) : 0))
            slow->results[i] = judge_slow(r, wires[i], i);
        else
            slow->results[i] = rehearse_weak(r, "after %u s it still waited", patience / 1000);
        (void)snprintf(slow->seen[i], sizeof slow->seen[i], "%s", r->seen);
    }
    for (int i = 0; i < 3; i++)
        wire_free(wires[i]);
    slow->there = true;
}

static rehearse_result take_time(rehearsal *r, int variant)
{
    if (r->own == NULL && !r->slow)
        return rehearse_not_tried(r, "it would take up to %u s; --slow tries it", SLOW / 1000);
    if (!r->slow_seen.there)
        wait_for_all(r, r->own != NULL ? SLOW_OWN : SLOW);
    (void)snprintf(r->seen, sizeof r->seen, "%s", r->slow_seen.seen[variant]);
    return r->slow_seen.results[variant];
}

static const rehearse_attack waits[] = {
    {"slow-tls", "a connection that never begins TLS", take_time, SLOW_TLS},
    {"slow-head", "a request that never ends", take_time, SLOW_HEAD},
    {"slow-join", "an end that opens the signaling and never joins", take_time, SLOW_JOIN},
};

const rehearse_group rehearse_slow = {.name = "slow",
                                      .whom = REHEARSE_SERVER,
                                      .good = "an honest end opens the signaling",
                                      .control = signaling_opens,
                                      .attacks = waits,
                                      .count = sizeof waits / sizeof waits[0]};
