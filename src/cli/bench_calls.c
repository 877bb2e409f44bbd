/*
 * Many calls in one process, for `sotto bench`: peers behind one hub (net/hub.h) that send every frame of sound back,
 * and another process with as many callers, each with a socket of its own, that send 50 frames a second. Only the first
 * one is measured. Over loopback; nothing else reaches them.
 */
#include "cli/bench.h"

#include "cli/commands.h"
#include "net/hub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FRAME 80 /* bytes: 32 kbit/s */
#define EVERY 20 /* ms */
#define IDLE 5   /* seconds */

typedef struct line {
    so_hub_member *member;
    so_peer *peer;
    size_t track;
    so_hub *hub; /* a caller's own */
    uint64_t sent, heard;
} line;

typedef struct end {
    bool echo;
    so_loop loop;
    so_engine engine;
    line *lines;
    size_t count, open;
    int pipe; /* to the other process */
    bench_progress *progress;
    so_msec began;
    uint32_t clock; /* ms since then */
} end;

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "sotto bench: the calls did not work: %s; end other programs, or say --calls with less\n",
                  what);
    exit(SO_EXIT_FAILED);
}

static void put(int fd, const void *bytes, size_t len)
{
    must(write(fd, bytes, len) == (ssize_t)len, "the other process is gone");
}

static void get(int fd, void *bytes, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = read(fd, (char *)bytes + at, len - at);

        must(n > 0, "the other process is gone");
        at += (size_t)n;
    }
}

static void put_text(int fd, const char *text)
{
    size_t len = strlen(text) + 1;

    put(fd, &len, sizeof len);
    put(fd, text, len);
}

static void get_text(int fd, char text[SO_PEER_SDP_MAX])
{
    size_t len;

    get(fd, &len, sizeof len);
    must(len <= SO_PEER_SDP_MAX, "too long a description");
    get(fd, text, len);
}

static void on_event(void *user, so_hub_member *member, const so_peer_event *event)
{
    end *e = user;
    line *l = so_hub_user(member);

    if (event->kind == SO_PEER_FRAME) {
        l->heard++;
        if (e->echo)
            l->sent += so_peer_send(l->peer, so_loop_now(&e->loop), l->track, &event->frame) == SO_OK;
    } else if (event->kind == SO_PEER_STATE_CHANGED) {
        must(so_peer_state_of(l->peer) != SO_PEER_FAILED, "a call failed");
        e->open += so_peer_state_of(l->peer) == SO_PEER_OPEN;
    }
}

static so_hub *open_hub(end *e)
{
    so_address here;
    so_hub_config config = {.loop = &e->loop, .addresses = &here, .address_count = 1, .event = on_event, .user = e};
    so_hub *hub = NULL;
    so_error err;

    must(so_address_parse(&here, "127.0.0.1", 0) == SO_OK && so_hub_open(&hub, &config, &err) == SO_OK, "no socket");
    return hub;
}

static void begin(end *e, line *l, so_hub *hub)
{
    so_peer_config config = {.engine = &e->engine,
                             .random = so_random_system,
                             .now = so_hub_now(hub),
                             .unix_ms = (uint64_t)time(NULL) * 1000,
                             .polite = e->echo};

    l->hub = hub;
    must(so_peer_new(&l->peer, &config, NULL) == SO_OK &&
             so_peer_add_track(l->peer, SO_SDP_AUDIO, SO_SDP_SENDRECV, "s", "t", &l->track) == SO_OK &&
             so_hub_add(hub, l->peer, l, &l->member) == SO_OK,
         "no peer");
}

/* One offer and one answer through the pipe; and the loop has a turn. */
static void connect_line(end *e, line *l)
{
    char sdp[SO_PEER_SDP_MAX];
    so_sdp_taken taken;
    so_msec now = so_loop_now(&e->loop);

    if (e->echo) {
        get_text(e->pipe, sdp);
        must(so_peer_take(l->peer, now, SO_SDP_OFFER, sdp, strlen(sdp), &taken, NULL) == SO_OK &&
                 so_peer_answer(l->peer, now, sdp, sizeof sdp, NULL) == SO_OK,
             "no answer");
        put_text(e->pipe, sdp);
    } else {
        must(so_peer_offer(l->peer, now, sdp, sizeof sdp, NULL) == SO_OK, "no offer");
        put_text(e->pipe, sdp);
        get_text(e->pipe, sdp);
        must(so_peer_take(l->peer, now, SO_SDP_ANSWER, sdp, strlen(sdp), &taken, NULL) == SO_OK, "a bad answer");
    }
    so_hub_drain(l->member);
    (void)uv_run(&e->loop.uv, UV_RUN_NOWAIT);
}

static double cpu(void)
{
    struct timespec used;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static double resident(void)
{
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    char text[200];
    double kb = 0;

    while (file != NULL && fgets(text, sizeof text, file) != NULL)
        if (sscanf(text, "Rss: %lf", &kb) == 1)
            break;
    if (file != NULL)
        (void)fclose(file);
    return kb * 1024;
}

/* Each line at its own moment of the 20 ms, as calls are. */
static void on_tick(uv_timer_t *timer)
{
    static const uint8_t sound[FRAME] = {0xf8};
    end *e = timer->data;

    for (; e->clock < so_loop_now(&e->loop) - e->began; e->clock++)
        for (size_t i = e->clock % EVERY; i < e->count; i += EVERY) {
            so_peer_frame frame = {.bytes = sound, .len = sizeof sound, .time = e->clock * 48};
            line *l = &e->lines[i];

            l->sent += so_peer_send(l->peer, so_loop_now(&e->loop), l->track, &frame) == SO_OK;
            so_hub_drain(l->member);
        }
}

static void on_stop(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

static void run_for(end *e, uint64_t ms)
{
    uv_timer_t stop;

    uv_update_time(&e->loop.uv);
    (void)uv_timer_init(&e->loop.uv, &stop);
    (void)uv_timer_start(&stop, on_stop, ms, 0);
    (void)uv_run(&e->loop.uv, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&stop, NULL);
    (void)uv_run(&e->loop.uv, UV_RUN_NOWAIT);
}

/* Calls go on meanwhile. */
static void wait_for_word(end *e)
{
    char said;

    while (recv(e->pipe, &said, 1, MSG_DONTWAIT) != 1)
        run_for(e, 20);
}

static void open_all(end *e)
{
    so_hub *shared = e->echo ? open_hub(e) : NULL;

    for (size_t i = 0; i < e->count; i++) {
        e->progress("calls are set up", 0.3 + 0.3 * (double)i / (double)e->count);
        begin(e, &e->lines[i], e->echo ? shared : open_hub(e));
        connect_line(e, &e->lines[i]);
    }
    for (unsigned tries = 0; e->open < e->count; tries++) {
        must(tries < 1000, "not every call opened");
        run_for(e, 20);
    }
}

static uint64_t total(const end *e, bool sent)
{
    uint64_t n = 0;

    for (size_t i = 0; i < e->count; i++)
        n += sent ? e->lines[i].sent : e->lines[i].heard;
    return n;
}

static void call(end *e, unsigned seconds)
{
    uint64_t counts[2];
    uv_timer_t tick;

    open_all(e);
    put(e->pipe, "o", 1);
    wait_for_word(e); /* the other process was idle */
    (void)uv_timer_init(&e->loop.uv, &tick);
    tick.data = e;
    uv_update_time(&e->loop.uv);
    e->began = so_loop_now(&e->loop);
    (void)uv_timer_start(&tick, on_tick, 1, 1);
    run_for(e, seconds * 1000);
    (void)uv_timer_stop(&tick);
    run_for(e, 300);
    counts[0] = total(e, true);
    counts[1] = total(e, false);
    put(e->pipe, "d", 1);
    put(e->pipe, counts, sizeof counts);
}

static void echo(end *e, unsigned seconds, bench_result *out)
{
    double before = resident(), began = cpu(), used;
    so_hub_counts a, b;
    uint64_t counts[2];

    open_all(e);
    out->setup_ms = 1000 * (cpu() - began) / (double)e->count;
    wait_for_word(e);
    e->progress("calls are silent", 0.65);
    run_for(e, 500);
    out->bytes = (resident() - before) / (double)e->count;
    began = cpu();
    run_for(e, IDLE * 1000);
    out->idle_percent = 100 * (cpu() - began) / IDLE;
    e->progress("calls talk", 0.8);
    so_hub_stats(e->lines[0].hub, &a);
    put(e->pipe, "i", 1);
    began = cpu();
    run_for(e, seconds * 1000 + 200);
    used = cpu() - began;
    so_hub_stats(e->lines[0].hub, &b);
    out->busy_percent = 100 * used / seconds;
    out->calls_per_core = 100 / out->busy_percent * (double)e->count;
    began = (double)(b.udp.received - a.udp.received + b.udp.sent - a.udp.sent);
    out->packet_us = used * 1e6 / began;
    out->system_calls =
        (double)(b.udp.receive_calls - a.udp.receive_calls + b.udp.send_calls - a.udp.send_calls) / began;
    wait_for_word(e);
    get(e->pipe, counts, sizeof counts);
    out->sent = counts[0];
    out->echoed = counts[1];
}

static void end_all(end *e)
{
    for (size_t i = 0; i < e->count; i++) {
        line *l = &e->lines[i];

        so_hub_remove(l->member);
        so_peer_free(l->peer);
        if (!e->echo || i == e->count - 1)
            so_hub_close(l->hub);
    }
    so_loop_close(&e->loop);
    so_engine_close(&e->engine);
    free(e->lines);
    (void)close(e->pipe);
}

/* A socket for each caller, and some more files. */
static void raise_limit(size_t count)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= count + 100)
        return;
    limit.rlim_cur = limit.rlim_max < count + 100 ? limit.rlim_max : count + 100;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void no_progress(const char *what, double done)
{
    (void)what;
    (void)done;
}

void bench_calls(bench_result *out, unsigned seconds, bench_progress *progress)
{
    int pipes[2], status = 0;
    end e = {.count = out->calls};
    pid_t child = -1;

    raise_limit(e.count);
    (void)fflush(NULL);
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, pipes) == 0 && (child = fork()) >= 0, "there is no second process");
    e.echo = child != 0;
    e.progress = e.echo ? progress : no_progress;
    e.pipe = pipes[e.echo ? 0 : 1];
    (void)close(pipes[e.echo ? 1 : 0]);
    e.lines = calloc(e.count, sizeof *e.lines);
    must(e.lines != NULL && so_loop_open(&e.loop) == SO_OK && so_engine_open(&e.engine, NULL) == SO_OK,
         "there is no memory");
    if (!e.echo) {
        call(&e, seconds);
        end_all(&e);
        _exit(SO_EXIT_OK);
    }
    echo(&e, seconds, out);
    end_all(&e);
    must(waitpid(child, &status, 0) == child && status == 0, "the callers failed");
}
