#include "interop/peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 131072

static char line[LINE_MAX_BYTES], chunk[65536];
static size_t line_len;

static void pump(end *e);

void must(so_status status, const so_error *err, const char *what)
{
    if (status == SO_OK)
        return;
    (void)fprintf(stderr, "peer: %s: %s\n", what, err != NULL ? err->text : so_status_name(status));
    exit(2);
}

void say(json_t *object)
{
    if (object == NULL || json_dumpf(object, stdout, JSON_COMPACT) != 0)
        must(SO_NO_MEMORY, NULL, "a line of JSON");
    (void)putchar('\n');
    (void)fflush(stdout);
    json_decref(object);
}

static const char *state_name(const end *e)
{
    static const char *const names[] = {"awaits-remote", "awaits-path", "awaits-handshake", "open", "closed", "failed"};

    return names[so_peer_state_of(e->peer)];
}

static json_t *failure(const end *e)
{
    const so_peer_failure *f = so_peer_failure_of(e->peer);

    return f == NULL ? json_null() : json_pack("{s:s*, s:s}", "code", f->code, "text", f->error.text);
}

/* ---- what a test asks for ---- */

static void say_description(const char *type, const char *sdp)
{
    say(json_pack("{s:s, s:s, s:s}", "event", "description", "type", type, "sdp", sdp));
}

static void do_offer(end *e)
{
    static char sdp[SO_PEER_SDP_MAX];
    so_error err;

    must(so_peer_offer(e->peer, so_loop_now(&e->loop), sdp, sizeof sdp, &err), &err, "an offer");
    say_description("offer", sdp);
}

/* An offer is answered at once. What is refused shows in the state. */
static void do_take(end *e, const json_t *command)
{
    static char answer[SO_PEER_SDP_MAX];
    const char *type = json_string_value(json_object_get(command, "type"));
    const char *sdp = json_string_value(json_object_get(command, "sdp"));
    bool offer = type != NULL && strcmp(type, "offer") == 0;
    so_sdp_taken taken;
    so_error err;
    so_status status;

    if (sdp == NULL)
        must(SO_BAD_INPUT, NULL, "a description");
    status = so_peer_take(e->peer, so_loop_now(&e->loop), offer ? SO_SDP_OFFER : SO_SDP_ANSWER, sdp, strlen(sdp),
                          &taken, &err);
    if (status != SO_OK)
        return;
    if (offer && !taken.ignored) {
        must(so_peer_answer(e->peer, so_loop_now(&e->loop), answer, sizeof answer, &err), &err, "an answer");
        say_description("answer", answer);
    }
}

static void do_candidate(end *e, const json_t *command)
{
    const char *candidate = json_string_value(json_object_get(command, "candidate"));
    const char *ufrag = json_string_value(json_object_get(command, "ufrag"));

    if (candidate == NULL)
        must(SO_BAD_INPUT, NULL, "a candidate");
    must(so_peer_add_candidate(e->peer, so_loop_now(&e->loop), candidate, ufrag), NULL, "a candidate");
}

static void do_facts(end *e)
{
    so_peer_facts f;

    so_peer_facts_of(e->peer, &f);
    say(json_pack(
        "{s:s, s:s, s:o, s:b, s:s*, s:s*, s:s*, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "event", "facts",
        "state", state_name(e), "failure", failure(e), "verified",
        f.seen.hash != SO_HASH_NONE && so_fingerprint_equal(&f.seen, &f.signaled), "dtls", f.dtls_version, "cipher",
        f.dtls_cipher, "srtp", f.srtp_profile, "dtls_client", f.dtls_client, "round_trip_known", f.round_trip_known,
        "sent_rtp", (json_int_t)f.sent.protected_rtp, "sent_rtcp", (json_int_t)f.sent.protected_rtcp, "received_rtp",
        (json_int_t)f.received.unprotected_rtp, "received_rtcp", (json_int_t)f.received.unprotected_rtcp, "refused",
        (json_int_t)(f.received.auth_failed + f.received.malformed + f.received.replayed), "rate", (json_int_t)e->rate,
        "audio", media_facts(e, SO_MEDIA_AUDIO), "video", media_facts(e, SO_MEDIA_VIDEO)));
}

static void finish(end *e)
{
    if (e->ending)
        return;
    e->ending = true;
    so_peer_close(e->peer, so_loop_now(&e->loop));
    e->ending = false;
    pump(e);
    e->ending = true;
    so_udp_close(e->udp);
    uv_close((uv_handle_t *)&e->due, NULL);
    uv_close((uv_handle_t *)&e->commands, NULL);
}

static void obey(end *e, const json_t *command)
{
    const char *what = json_string_value(json_object_get(command, "do"));

    if (what == NULL)
        must(SO_BAD_INPUT, NULL, "a command");
    else if (strcmp(what, "offer") == 0)
        do_offer(e);
    else if (strcmp(what, "take") == 0)
        do_take(e, command);
    else if (strcmp(what, "candidate") == 0)
        do_candidate(e, command);
    else if (strcmp(what, "add-video") == 0)
        media_add(e, SO_MEDIA_VIDEO);
    else if (data_obeys(e, what, command))
        return;
    else if (strcmp(what, "want-key") == 0)
        so_peer_want_key(e->peer, e->ways[SO_MEDIA_VIDEO].track);
    else if (strcmp(what, "mute") == 0)
        e->mute_until = so_loop_now(&e->loop) + (so_msec)json_integer_value(json_object_get(command, "ms"));
    else if (strcmp(what, "facts") == 0)
        do_facts(e);
    else if (strcmp(what, "close") == 0)
        finish(e);
    else
        must(SO_BAD_INPUT, NULL, what);
}

/* ---- the driving rule ---- */

static void on_due(uv_timer_t *timer)
{
    end *e = timer->data;

    so_peer_tick(e->peer, so_loop_now(&e->loop));
    pump(e);
}

static void take_event(end *e, const so_peer_event *event)
{
    switch (event->kind) {
    case SO_PEER_STATE_CHANGED:
        if (so_peer_state_of(e->peer) == SO_PEER_OPEN)
            media_record(e);
        say(json_pack("{s:s, s:s, s:o}", "event", "state", "state", state_name(e), "failure", failure(e)));
        break;
    case SO_PEER_CANDIDATE:
        say(json_pack("{s:s, s:s, s:s*, s:s*}", "event", "candidate", "candidate", event->candidate, "mid", event->mid,
                      "ufrag", event->ufrag));
        break;
    case SO_PEER_NEGOTIATE:
        say(json_pack("{s:s}", "event", "negotiate"));
        break;
    case SO_PEER_DATA:
        data_event(e, event->data);
        break;
    default:
        media_event(e, event);
        break;
    }
}

static void drain(end *e)
{
    so_datagram datagram;
    so_peer_event event;
    bool more = true;

    while (more) {
        more = false;
        while (so_peer_transmit(e->peer, so_loop_now(&e->loop), &datagram)) {
            if (!media_is_mute(e, datagram.bytes, datagram.len) &&
                !media_loses(e->lose_sent, &e->count_sent, datagram.bytes, datagram.len))
                so_udp_send(e->udp, &datagram.local, &datagram.remote, datagram.bytes, datagram.len);
            more = true;
        }
        while (so_peer_event_next(e->peer, so_loop_now(&e->loop), &event)) {
            take_event(e, &event);
            more = true;
        }
    }
}

static void pump(end *e)
{
    so_msec now, at, media;

    if (e->pumping || e->ending)
        return;
    e->pumping = true;
    drain(e);
    media = media_next(e);
    drain(e);
    now = so_loop_now(&e->loop);
    at = so_peer_deadline(e->peer, now);
    if (media < at)
        at = media;
    if (at == UINT64_MAX)
        (void)uv_timer_stop(&e->due);
    else
        (void)uv_timer_start(&e->due, on_due, at > now ? at - now : 0, 0);
    e->pumping = false;
}

static void on_datagram(void *user, const so_address *local, const so_address *remote, uint8_t *bytes, size_t len)
{
    end *e = user;

    if (media_loses(e->lose_received, &e->count_received, bytes, len))
        return;
    so_peer_receive(e->peer, so_loop_now(&e->loop), local, remote, bytes, len);
    pump(e);
}

static void on_base_came(void *user, const so_address *base)
{
    end *e = user;

    must(so_peer_add_base(e->peer, so_loop_now(&e->loop), base), NULL, "an address");
}

static void on_base_gone(void *user, const so_address *base)
{
    end *e = user;

    so_peer_remove_base(e->peer, so_loop_now(&e->loop), base);
}

/* ---- standard input ---- */

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buffer)
{
    (void)handle;
    (void)size;
    *buffer = uv_buf_init(chunk, sizeof chunk);
}

static void take_line(end *e)
{
    json_error_t error;
    json_t *command = json_loadb(line, line_len, 0, &error);

    line_len = 0;
    must(command == NULL ? SO_BAD_INPUT : SO_OK, NULL, "a command");
    obey(e, command);
    json_decref(command);
    pump(e);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    end *e = stream->data;

    if (n < 0) { /* whoever held the other end is gone */
        finish(e);
        return;
    }
    for (ssize_t i = 0; i < n && !e->ending; i++) {
        if (buffer->base[i] == '\n') {
            take_line(e);
            continue;
        }
        must(line_len == sizeof line ? SO_TOO_LONG : SO_OK, NULL, "a command");
        line[line_len++] = buffer->base[i];
    }
}

static void start(end *e)
{
    static const so_udp_events events = {.receive = on_datagram, .came = on_base_came, .gone = on_base_gone};
    so_peer_config config = {.engine = &e->engine, .random = so_random_system, .abilities = &e->choice.abilities};
    uv_timeval64_t wall = {0};
    so_error err;

    must(so_loop_open(&e->loop), NULL, "an event loop");
    must(so_engine_open(&e->engine, &err), &err, "an engine");
    (void)uv_gettimeofday(&wall);
    config.now = so_loop_now(&e->loop);
    config.unix_ms = (uint64_t)wall.tv_sec * 1000 + (uint64_t)wall.tv_usec / 1000;
    must(so_peer_new(&e->peer, &config, &err), &err, "a peer");
    (void)uv_timer_init(&e->loop.uv, &e->due);
    (void)uv_pipe_init(&e->loop.uv, &e->commands, 0);
    e->due.data = e->commands.data = e;
    if (uv_pipe_open(&e->commands, 0) != 0 || uv_read_start((uv_stream_t *)&e->commands, on_alloc, on_read) != 0)
        must(SO_IO, NULL, "standard input, which must be a pipe");
    must(so_udp_open(&e->udp, &e->loop, false, &events, e, &err), &err, "sockets");
    so_peer_no_more_bases(e->peer, so_loop_now(&e->loop));
}

int main(int argc, char **argv)
{
    static end e;
    const char *video = NULL;
    bool sound = true, picture = true;

    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--video") == 0) {
            video = argv[i + 1];
        } else if (strcmp(argv[i], "--begins-with") == 0) {
            sound = strcmp(argv[i + 1], "data") != 0;
            picture = sound && strcmp(argv[i + 1], "sound") != 0;
        } else if (strcmp(argv[i], "--in") == 0) {
            e.mute = strcmp(argv[i + 1], "none") == 0;
            e.in = argv[i + 1];
        } else if (strcmp(argv[i], "--tell") == 0) {
            e.tells = strcmp(argv[i + 1], "pictures") == 0;
        } else if (strcmp(argv[i], "--record") == 0) {
            e.file = argv[i + 1];
        } else if (strcmp(argv[i], "--lose-sent") == 0) {
            e.lose_sent = (unsigned)strtoul(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--lose-received") == 0) {
            e.lose_received = (unsigned)strtoul(argv[i + 1], NULL, 10);
        } else {
            must(SO_BAD_INPUT, NULL, argv[i]);
        }
    }
    media_choose(&e, video);
    start(&e);
    if (sound)
        media_add(&e, SO_MEDIA_AUDIO);
    if (picture)
        media_add(&e, SO_MEDIA_VIDEO);
    pump(&e);
    so_loop_run(&e.loop);
    media_close(&e);
    so_peer_free(e.peer);
    so_engine_close(&e.engine);
    so_loop_close(&e.loop);
    return 0;
}
