/*
 * The load generator: bench_load KIND --port PORT --pid PID [--count N] [--rate N]. Prints "ready" once its connections
 * stand; then takes lines "run SECONDS [DEPTH]" and answers each with one JSON object: what it did, and the CPU time
 * that the server (PID) took meanwhile. Its own CPU time counts for nothing.
 */
#include "client.h"
#include "samples.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define AT_ONCE 64    /* connections that are being set up at a time */
#define PATIENCE 20.0 /* seconds for what should come at once */
#define EVENTS 256
#define CHECK_EVERY 256 /* of the envelopes that come, one is compared in full */

typedef enum kind { HANDSHAKE, CONNECT, RELAY, IDLE, PACE } kind;

static const struct {
    const char *name;
    goal goal;
} kinds[] = {
    [HANDSHAKE] = {"handshake", SHAKE_HANDS}, /* TCP, TLS, close_notify, the server's end; again and again */
    [CONNECT] = {"connect", UPGRADE},         /* the same with a WebSocket upgrade in between */
    [RELAY] = {"relay", JOIN},                /* each pair keeps DEPTH envelopes going to and fro */
    [IDLE] = {"idle", JOIN},                  /* joined, and answering pings */
    [PACE] = {"pace", JOIN},                  /* --rate envelopes a second in all, evenly spaced, timed */
};

typedef struct load {
    kind kind;
    unsigned count, started, ready, active;
    double rate;
    clockid_t server_clock;
    crowd crowd;
    client *clients;
    int timer;
    unsigned next_sender;
    /* of the run under way */
    bool running;
    double until;
    uint64_t done;
    unsigned under_way;
    samples latencies;
} load;

static double server_cpu(const load *l)
{
    struct timespec t;

    if (clock_gettime(l->server_clock, &t) != 0)
        give_up("the server has gone");
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static load *load_of(const client *c)
{
    return c->crowd->user;
}

/* ---- what happens on a connection ---- */

static void start_next(load *l)
{
    if (l->started == l->count)
        return;
    client_start(&l->clients[l->started], &l->crowd, l->started);
    l->started++;
}

static void on_reached(client *c)
{
    load *l = load_of(c);

    if (l->kind == HANDSHAKE || l->kind == CONNECT) {
        client_leave(c);
        return;
    }
    start_next(l);
}

static void on_paired(client *c)
{
    load_of(c)->ready++;
}

static void on_left(client *c)
{
    load *l = load_of(c);

    l->done++;
    if (seconds_now() < l->until)
        client_start(c, &l->crowd, c->index);
    else
        l->active--;
}

static client *other_end(const client *c)
{
    return &load_of(c)->clients[c->index ^ 1];
}

/* from and to are of this pair, and the payload is the one that went in. */
static void check_text(const client *c, const char *text, size_t len)
{
    char want[64];

    (void)snprintf(want, sizeof want, "\"from\":\"%s\"", c->to);
    if (memmem(text, len, want, strlen(want)) == NULL)
        give_up("an envelope came that does not name its sender: %.*s", (int)len, text);
    (void)snprintf(want, sizeof want, "\"to\":\"%s\"", other_end(c)->to);
    if (memmem(text, len, want, strlen(want)) == NULL || memmem(text, len, "\"payload\":\"", 11) == NULL || len < 250)
        give_up("an envelope came that is not the one sent: %.*s", (int)len, text);
}

static void send_timed(client *c)
{
    if (c->sent_count == SENT_MAX)
        give_up("%d envelopes are under way on one connection: the server can't keep up", SENT_MAX);
    c->sent[(c->sent_first + c->sent_count++) % SENT_MAX] = seconds_now();
    client_queue_envelope(c);
    client_flush(c);
}

static void take_time(load *l, client *sender)
{
    if (sender->sent_count == 0)
        give_up("an envelope came twice");
    samples_add(&l->latencies, seconds_now() - sender->sent[sender->sent_first]);
    sender->sent_first = (sender->sent_first + 1) % SENT_MAX;
    sender->sent_count--;
}

static void on_text(client *c, const char *text, size_t len)
{
    load *l = load_of(c);

    if (c->received++ % CHECK_EVERY == 0)
        check_text(c, text, len);
    l->done++;
    if (l->kind == PACE)
        take_time(l, other_end(c));
    if (l->kind == RELAY && l->running)
        client_queue_envelope(c); /* leaves with all others of this turn, in one record */
    else
        l->under_way--;
}

/* ---- the loop ---- */

/* One turn; false when standard input has a line, or its end. */
static bool turn(load *l, int patience_ms)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(l->crowd.epoll, events, EVENTS, patience_ms);
    bool command = false;
    uint64_t ticks;

    for (int i = 0; i < n; i++) {
        if (events[i].data.ptr == NULL)
            command = true;
        else if (events[i].data.ptr == l)
            (void)!read(l->timer, &ticks, sizeof ticks); /* else it beats no more */
        else
            client_step(events[i].data.ptr);
    }
    return !command;
}

static void set_up(load *l)
{
    double by = seconds_now() + PATIENCE + (double)l->count / 100;
    unsigned first = l->count < AT_ONCE ? l->count : AT_ONCE;

    if (kinds[l->kind].goal != JOIN)
        return;
    for (unsigned i = 0; i < first; i++)
        start_next(l);
    while (l->ready < l->count) {
        (void)turn(l, 100);
        if (seconds_now() > by)
            give_up("only %u of %u connections found the other end in time", l->ready, l->count);
    }
}

static void report(load *l, double seconds, double cpu)
{
    (void)printf("{\"seconds\":%.6f,\"cpu\":%.6f,\"count\":%llu,\"pings\":%llu,\"median_us\":%.2f,\"p99_us\":%.2f}\n",
                 seconds, cpu, (unsigned long long)l->done, (unsigned long long)l->crowd.pings,
                 samples_quantile(&l->latencies, 0.5) * 1e6, samples_quantile(&l->latencies, 0.99) * 1e6);
    (void)fflush(stdout);
}

static void begin(load *l, unsigned depth)
{
    for (unsigned i = 0; (l->kind == HANDSHAKE || l->kind == CONNECT) && i < l->count; i++) {
        client_start(&l->clients[i], &l->crowd, i);
        l->active++;
    }
    for (unsigned i = 0; l->kind == RELAY && i < l->count; i += 2) {
        for (unsigned n = 0; n < depth; n++)
            client_queue_envelope(&l->clients[i]);
        client_flush(&l->clients[i]);
        l->under_way += depth;
    }
}

/* Sends what the clock says is due. Alternates between the ends of a pair from one round to the next. */
static void pace(load *l, double started)
{
    double due = (seconds_now() - started) * l->rate;

    while (l->running && (double)l->next_sender < due) {
        unsigned round = l->next_sender / (l->count / 2), pair = l->next_sender % (l->count / 2);

        send_timed(&l->clients[2 * pair + round % 2]);
        l->under_way++;
        l->next_sender++;
    }
}

static void set_timer(const load *l, double seconds)
{
    struct timespec every = {.tv_sec = (time_t)seconds, .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    struct itimerspec spec = {.it_interval = every, .it_value = every};

    if (timerfd_settime(l->timer, 0, &spec, NULL) != 0)
        give_up("timerfd_settime: %s", strerror(errno));
}

/* Until the time is over, and then until nothing is under way: what is counted is what was answered. */
static void run(load *l, double seconds, unsigned depth)
{
    double started = seconds_now(), cpu = server_cpu(l);

    l->running = true;
    l->until = started + seconds;
    l->done = l->crowd.pings = l->next_sender = 0;
    l->latencies.count = 0;
    begin(l, depth);
    if (l->kind == PACE)
        set_timer(l, 1 / l->rate);
    while (l->running || l->active > 0 || l->under_way > 0) {
        double left = l->until - seconds_now();

        if (left < -PATIENCE)
            give_up("%u connections and %u envelopes got no answer", l->active, l->under_way);
        if (left <= 0)
            l->running = false;
        if (l->kind == PACE)
            pace(l, started);
        (void)turn(l, left < 0 ? 10 : left > 1 ? 1000 : (int)(left * 1000) + 1);
    }
    if (l->kind == PACE)
        set_timer(l, 0);
    report(l, seconds_now() - started, server_cpu(l) - cpu);
}

static void take_commands(load *l)
{
    char line[128];

    for (;;) {
        double seconds = 0;
        unsigned depth = 1;

        while (turn(l, -1))
            ;
        if (fgets(line, sizeof line, stdin) == NULL)
            return;
        if (sscanf(line, "run %lf %u", &seconds, &depth) < 1 || depth < 1 || depth > SENT_MAX)
            give_up("not a command: %s", line);
        run(l, seconds, depth);
    }
}

static void watch(load *l, int fd, void *as)
{
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = as}};

    if (epoll_ctl(l->crowd.epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        give_up("epoll_ctl: %s", strerror(errno));
}

static void open_load(load *l, uint16_t port)
{
    static const crowd_events events = {.reached = on_reached, .paired = on_paired, .text = on_text, .left = on_left};
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    crowd_open(&l->crowd, port, kinds[l->kind].goal, &events, l);
    l->clients = calloc(l->count, sizeof *l->clients);
    l->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (l->clients == NULL || l->timer < 0)
        give_up("no memory, or no timer");
    (void)setvbuf(stdin, NULL, _IONBF, 0); /* a line read ahead would be seen by no epoll */
    watch(l, STDIN_FILENO, NULL);
    watch(l, l->timer, l);
}

static void read_arguments(load *l, int argc, char **argv, unsigned *port)
{
    static const struct option options[] = {{"port", required_argument, NULL, 'p'},
                                            {"pid", required_argument, NULL, 'i'},
                                            {"count", required_argument, NULL, 'n'},
                                            {"rate", required_argument, NULL, 'r'},
                                            {NULL, 0, NULL, 0}};
    unsigned pid = 0, i = 0;
    int c;

    while (argc > 1 && i < sizeof kinds / sizeof kinds[0] && strcmp(argv[1], kinds[i].name) != 0)
        i++;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        unsigned value = optarg == NULL ? 0 : (unsigned)strtoul(optarg, NULL, 10);
        *(c == 'p' ? port : c == 'i' ? &pid : &l->count) = c == 'r' ? l->count : value;
        l->rate = c == 'r' ? (double)value : l->rate;
    }
    l->kind = (kind)i;
    if (argc < 2 || i == sizeof kinds / sizeof kinds[0] || *port == 0 || *port > 65535 || pid == 0 || l->count < 2 ||
        l->count % 2 != 0 || l->rate <= 0 || clock_getcpuclockid((pid_t)pid, &l->server_clock) != 0)
        give_up("usage: bench_load handshake|connect|relay|idle|pace --port PORT --pid PID [--count N] [--rate N]");
}

int main(int argc, char **argv)
{
    static load l = {.count = 32, .rate = 1000};
    unsigned port = 0;

    read_arguments(&l, argc, argv, &port);
    open_load(&l, (uint16_t)port);
    set_up(&l);
    (void)puts("ready");
    (void)fflush(stdout);
    take_commands(&l);
    return 0;
}
