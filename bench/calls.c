/*
 * Whole peers of libsotto, two by two in one process: how long a call takes from "answer applied" to the first sound at
 * both ends, over loopback or over a path with a delay, and how much memory a connected audio call holds. One JSON
 * object a line.
 *
 *   bench_calls setup COUNT     bench_calls delayed COUNT     bench_calls memory PAIRS
 *   bench_calls burst PAIRS (over loopback, all begun at once and alive at once)
 *   bench_calls data MEGABYTES (over loopback, in messages of 64 KiB)     bench_calls data-memory PAIRS
 */
#include "peer/peer.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DATAGRAM 2048
/* Of a delayed path, one way, in ms; what is on its way at a time fits. */
#define ONE_WAY 50
#define ON_THE_WAY 256

typedef struct end {
    so_peer *peer;
    so_address base;
    size_t track;
    int number;
    int fd; /* -1: datagrams go straight over */
    double heard_at;
    bool sent, ready;  /* ready: data channels are there */
    uint64_t received; /* bytes of their messages */
} end;

typedef struct pair {
    end ends[2];
} pair;

/* A datagram on a path with a delay. */
typedef struct flight {
    double at; /* when it arrives; 0: free */
    int to;
    size_t len;
    uint8_t bytes[DATAGRAM];
} flight;

static so_engine engine;
static bool with_data;
static flight *flights; /* NULL: no delay */

static double seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static so_msec msec(void)
{
    return (so_msec)(seconds() * 1000);
}

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "bench_calls: %s\n", what);
    exit(1);
}

static int open_socket(so_address *base)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof name;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

    must(fd >= 0 && bind(fd, (struct sockaddr *)&name, sizeof name) == 0 &&
             getsockname(fd, (struct sockaddr *)&name, &len) == 0,
         "no socket");
    *base = so_address_of((const uint8_t *)&name.sin_addr, 4, ntohs(name.sin_port));
    return fd;
}

static void begin(pair *p, bool sockets, uint16_t port)
{
    for (int i = 0; i < 2; i++) {
        end *e = &p->ends[i];
        so_peer_config config = {.engine = &engine,
                                 .random = so_random_system,
                                 .now = msec(),
                                 .unix_ms = (uint64_t)time(NULL) * 1000,
                                 .polite = i == 1};

        *e = (end){.number = i, .fd = -1};
        if (sockets)
            e->fd = open_socket(&e->base);
        else
            must(so_address_parse(&e->base, i == 0 ? "10.0.0.1" : "10.0.0.2", port) == SO_OK, "no address");
        must(so_peer_new(&e->peer, &config, NULL) == SO_OK &&
                 so_peer_add_track(e->peer, SO_SDP_AUDIO, SO_SDP_SENDRECV, "s", "t", &e->track) == SO_OK &&
                 so_peer_add_base(e->peer, msec(), &e->base) == SO_OK,
             "no peer");
        must(!with_data || i == 1 || so_peer_add_data(e->peer) == SO_OK, "no data channels");
        so_peer_no_more_bases(e->peer, msec());
    }
}

static void send_out(const end *e, end *other, const so_datagram *out)
{
    if (e->fd >= 0) {
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(out->remote.port)};

        memcpy(&to.sin_addr, out->remote.ip, 4);
        (void)!sendto(e->fd, out->bytes, out->len, 0, (struct sockaddr *)&to, sizeof to);
    } else if (flights != NULL) {
        size_t i = 0;

        while (i < ON_THE_WAY && flights[i].at != 0)
            i++;
        must(i < ON_THE_WAY, "too much on the way");
        flights[i].at = seconds() + ONE_WAY / 1000.0;
        flights[i].to = other->number;
        flights[i].len = out->len;
        memcpy(flights[i].bytes, out->bytes, out->len);
    } else {
        uint8_t copy[DATAGRAM];

        memcpy(copy, out->bytes, out->len);
        so_peer_receive(other->peer, msec(), &other->base, &e->base, copy, out->len);
    }
}

/* Hands over what has come to the end of its way, in the order in which it left; and when the next one does. */
static double arrive(pair *p)
{
    for (;;) {
        flight *first = NULL;

        for (size_t i = 0; flights != NULL && i < ON_THE_WAY; i++)
            if (flights[i].at != 0 && (first == NULL || flights[i].at < first->at))
                first = &flights[i];
        if (first == NULL || first->at > seconds())
            return first == NULL ? 0 : first->at;
        first->at = 0;
        so_peer_receive(p->ends[first->to].peer, msec(), &p->ends[first->to].base, &p->ends[1 - first->to].base,
                        first->bytes, first->len);
    }
}

static bool drain(end *e, end *other)
{
    static const uint8_t frame[80] = {0xf8};
    so_peer_event event;
    so_datagram out;
    bool any = false;

    while (so_peer_event_next(e->peer, msec(), &event)) {
        any = true;
        if (event.kind == SO_PEER_CANDIDATE && so_peer_had_remote(other->peer))
            must(so_peer_add_candidate(other->peer, msec(), event.candidate, event.ufrag) == SO_OK, "a bad candidate");
        else if (event.kind == SO_PEER_FRAME && e->heard_at == 0)
            e->heard_at = seconds();
        else if (event.kind == SO_PEER_DATA && event.data->kind == SO_SCTP_CONNECTED)
            e->ready = true;
        else if (event.kind == SO_PEER_DATA && event.data->kind == SO_SCTP_MESSAGE)
            e->received += event.data->bytes.len;
        else if (event.kind == SO_PEER_STATE_CHANGED)
            must(so_peer_state_of(e->peer) != SO_PEER_FAILED, "a call failed");
    }
    if (!e->sent && so_peer_state_of(e->peer) == SO_PEER_OPEN) {
        so_peer_frame first = {.bytes = frame, .len = sizeof frame};

        e->sent = so_peer_send(e->peer, msec(), e->track, &first) == SO_OK;
        any = true;
    }
    while (so_peer_transmit(e->peer, msec(), &out)) {
        any = true;
        send_out(e, other, &out);
    }
    return any;
}

static void settle(pair *p)
{
    bool any;

    do {
        any = drain(&p->ends[0], &p->ends[1]);
        any |= drain(&p->ends[1], &p->ends[0]);
    } while (any);
}

/* Hands over what has come, and ticks where a tick is due. */
static void take_in(pair *p)
{
    for (int i = 0; i < 2; i++) {
        end *e = &p->ends[i];
        uint8_t bytes[DATAGRAM];
        struct sockaddr_in from;
        socklen_t from_len = sizeof from;
        ssize_t len;

        while (e->fd >= 0 && (len = recvfrom(e->fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &from_len)) > 0) {
            so_address remote = so_address_of((const uint8_t *)&from.sin_addr, 4, ntohs(from.sin_port));

            so_peer_receive(e->peer, msec(), &e->base, &remote, bytes, (size_t)len);
        }
        if (so_peer_deadline(e->peer, msec()) <= msec())
            so_peer_tick(e->peer, msec());
    }
    settle(p);
}

/* Waits for a datagram or the nearer deadline, and hands over what came. */
static void turn(pair *p)
{
    struct pollfd fds[2];
    so_msec now = msec(), at = now + 1000;
    double next = arrive(p);

    for (int i = 0; i < 2; i++) {
        so_msec due = so_peer_deadline(p->ends[i].peer, now);

        fds[i] = (struct pollfd){.fd = p->ends[i].fd, .events = POLLIN};
        at = due < at ? due : at;
    }
    if (next != 0 && (so_msec)(next * 1000) < at)
        at = (so_msec)(next * 1000);
    settle(p);
    (void)poll(fds, p->ends[0].fd < 0 ? 0 : 2, at > now ? (int)(at - now) : 0);
    take_in(p);
}

/* Offer and answer; *applied: when the offerer has the answer. */
static void negotiate(pair *p, double *applied)
{
    char sdp[SO_PEER_SDP_MAX];
    so_sdp_taken taken;

    must(so_peer_offer(p->ends[0].peer, msec(), sdp, sizeof sdp, NULL) == SO_OK &&
             so_peer_take(p->ends[1].peer, msec(), SO_SDP_OFFER, sdp, strlen(sdp), &taken, NULL) == SO_OK &&
             so_peer_answer(p->ends[1].peer, msec(), sdp, sizeof sdp, NULL) == SO_OK,
         "no offer or answer");
    if (flights != NULL) {
        /* The answer is on its way for as long as a datagram; what the answerer does meanwhile it does. */
        double there = seconds() + ONE_WAY / 1000.0;

        settle(p);
        while (seconds() < there)
            (void)poll(NULL, 0, 1);
    }
    *applied = seconds();
    must(so_peer_take(p->ends[0].peer, msec(), SO_SDP_ANSWER, sdp, strlen(sdp), &taken, NULL) == SO_OK, "no answer");
    settle(p);
}

static void finish(pair *p)
{
    for (int i = 0; i < 2; i++) {
        so_peer_free(p->ends[i].peer);
        if (p->ends[i].fd >= 0)
            (void)close(p->ends[i].fd);
    }
}

static void connect_pair(pair *p, double *applied)
{
    double limit = seconds() + 20;

    negotiate(p, applied);
    while (p->ends[0].heard_at == 0 || p->ends[1].heard_at == 0 ||
           (with_data && !(p->ends[0].ready && p->ends[1].ready))) {
        must(seconds() < limit, "a call did not connect in 20 s");
        turn(p);
    }
}

static void measure_setup(size_t count, bool sockets)
{
    for (size_t i = 0; i < count; i++) {
        pair p;
        double applied, last;

        begin(&p, sockets, 4000);
        connect_pair(&p, &applied);
        last = p.ends[0].heard_at > p.ends[1].heard_at ? p.ends[0].heard_at : p.ends[1].heard_at;
        (void)printf("{\"ms\":%.3f}\n", (last - applied) * 1000);
        for (size_t k = 0; flights != NULL && k < ON_THE_WAY; k++)
            flights[k].at = 0;
        finish(&p);
    }
}

static double resident(void)
{
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    char line[200];
    double kb = 0;

    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "Pss: %lf", &kb) == 1)
            break;
    if (file != NULL)
        (void)fclose(file);
    return kb * 1024;
}

static void measure_memory(size_t count)
{
    pair *pairs = calloc(count, sizeof *pairs), first;
    double before, applied;

    must(pairs != NULL, "no memory");
    /* What the first call makes the libraries take is not the second one's. */
    begin(&first, false, 4000);
    connect_pair(&first, &applied);
    before = resident();
    for (size_t i = 0; i < count; i++) {
        begin(&pairs[i], false, (uint16_t)(5000 + i));
        connect_pair(&pairs[i], &applied);
    }
    (void)printf("{\"peers\":%zu,\"bytes\":%.0f}\n", 2 * count, (resident() - before) / (double)(2 * count));
    for (size_t i = 0; i < count; i++)
        finish(&pairs[i]);
    finish(&first);
    free(pairs);
}

static double cpu(void)
{
    struct timespec used;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

/* One pair is connected before: what it makes the libraries take once is not the burst's. */
static void measure_burst(size_t count)
{
    pair *pairs = calloc(count, sizeof *pairs), first;
    double used, applied, limit = seconds() + 120;
    size_t left = count;

    must(pairs != NULL, "no memory");
    begin(&first, true, 0);
    connect_pair(&first, &applied);
    used = cpu();
    for (size_t i = 0; i < count; i++)
        begin(&pairs[i], true, 0);
    for (size_t i = 0; i < count; i++)
        negotiate(&pairs[i], &applied);
    while (left > 0) {
        must(seconds() < limit, "the calls did not connect in two minutes");
        left = 0;
        for (size_t i = 0; i < count; i++) {
            take_in(&pairs[i]);
            left += pairs[i].ends[0].heard_at == 0 || pairs[i].ends[1].heard_at == 0;
        }
    }
    (void)printf("{\"pairs\":%zu,\"cpu_ms\":%.4f}\n", count, (cpu() - used) * 1000 / (double)count);
    for (size_t i = 0; i < count; i++)
        finish(&pairs[i]);
    finish(&first);
    free(pairs);
}

static void measure_data(size_t megabytes)
{
    static const uint8_t message[65536];
    so_sctp_channel channel = {.label = {"bulk", 4}};
    uint64_t total = (uint64_t)megabytes * 1000000 / sizeof message * sizeof message, sent = 0;
    double applied, began, used, limit;
    uint16_t id;
    pair p;

    begin(&p, true, 0);
    connect_pair(&p, &applied);
    must(so_peer_open_channel(p.ends[0].peer, msec(), &channel, &id) == SO_OK, "no channel");
    began = seconds();
    used = cpu();
    limit = began + 120;
    while (p.ends[1].received < total) {
        must(seconds() < limit, "the data did not come in two minutes");
        while (sent < total && so_peer_buffered(p.ends[0].peer, id) < 1024 * 1024) {
            must(so_peer_send_message(p.ends[0].peer, msec(), id, false, (so_slice){message, sizeof message}) == SO_OK,
                 "a message was not sent");
            sent += sizeof message;
        }
        turn(&p);
    }
    (void)printf("{\"megabytes_per_second\":%.2f,\"cpu_ns_per_byte\":%.2f}\n",
                 (double)total / 1e6 / (seconds() - began), (cpu() - used) * 1e9 / (double)total);
    finish(&p);
}

int main(int argc, char **argv)
{
    size_t count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;

    must(count > 0, "say setup COUNT, delayed COUNT, memory PAIRS, burst PAIRS, data MEGABYTES or data-memory PAIRS");
    must(so_engine_open(&engine, NULL) == SO_OK, "no engine");
    if (strcmp(argv[1], "delayed") == 0)
        must((flights = calloc(ON_THE_WAY, sizeof *flights)) != NULL, "no memory");
    with_data = strncmp(argv[1], "data", 4) == 0;
    if (strcmp(argv[1], "memory") == 0 || strcmp(argv[1], "data-memory") == 0)
        measure_memory(count);
    else if (strcmp(argv[1], "burst") == 0)
        measure_burst(count);
    else if (with_data)
        measure_data(count);
    else
        measure_setup(count, flights == NULL);
    free(flights);
    so_engine_close(&engine);
    return 0;
}
