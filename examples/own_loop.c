/*
 * Two peers in an event loop of one's own: poll(2), a UDP socket for each, and signaling by function call, in whose
 * place a program has a channel of its own. Each sends ten frames and must hear ten.
 *
 *   cc own_loop.c $(pkg-config --cflags --libs libsotto) -o own_loop && ./own_loop
 *
 * The driving rule stands in drain() and main(): one input, then transmit and events until there are none, then wait
 * until the deadline.
 */
#include <sotto/sotto.h>

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FRAMES 10

typedef struct end {
    const char *name;
    sotto_peer *peer;
    sotto_address address;
    int fd;
    unsigned sent, heard;
} end;

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void must(bool ok, const char *what, const sotto_error *error)
{
    if (ok)
        return;
    fprintf(stderr, "%s%s%s\n", what, error == NULL ? "" : ": ", error == NULL ? "" : error->text);
    exit(1);
}

static void begin(end *e, sotto_engine *engine, bool polite)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof name;
    sotto_peer_options options = {.now = now(), .unix_ms = (uint64_t)time(NULL) * 1000, .polite = polite};
    sotto_error error;

    e->fd = socket(AF_INET, SOCK_DGRAM, 0);
    must(e->fd >= 0 && bind(e->fd, (struct sockaddr *)&name, sizeof name) == 0 &&
             getsockname(e->fd, (struct sockaddr *)&name, &len) == 0 &&
             sotto_address_parse(&e->address, "127.0.0.1", ntohs(name.sin_port)) == SOTTO_OK,
         "no socket", NULL);
    must(sotto_peer_new(&e->peer, engine, &options, &error) == SOTTO_OK, "no peer", &error);
    must(sotto_peer_add_audio(e->peer, true, true) == SOTTO_OK &&
             sotto_peer_add_socket(e->peer, now(), &e->address) == SOTTO_OK,
         "no memory", NULL);
    sotto_peer_no_more_sockets(e->peer, now());
}

/* Everything that an input has made due. */
static void drain(end *e, end *other)
{
    sotto_datagram datagram;
    sotto_event event;

    while (sotto_peer_transmit(e->peer, now(), &datagram)) {
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(datagram.remote.port)};

        memcpy(&to.sin_addr, datagram.remote.ip, 4);
        /* What the kernel does not take is lost, as on any network. */
        if (sendto(e->fd, datagram.bytes, datagram.len, 0, (struct sockaddr *)&to, sizeof to) < 0)
            continue;
    }
    while (sotto_peer_event(e->peer, now(), &event)) {
        if (event.kind == SOTTO_EVENT_CANDIDATE)
            must(sotto_peer_add_candidate(other->peer, now(), event.candidate, event.ufrag) == SOTTO_OK,
                 "a bad candidate", NULL);
        else if (event.kind == SOTTO_EVENT_FRAME)
            e->heard++;
        else if (event.kind == SOTTO_EVENT_STATE)
            must(sotto_peer_error(e->peer, NULL) == NULL, "the call failed", NULL);
    }
}

static void take_datagram(end *e)
{
    struct sockaddr_in from;
    socklen_t from_len = sizeof from;
    uint8_t bytes[2048];
    ssize_t len = recvfrom(e->fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &from_len);
    sotto_address remote;
    char ip[INET_ADDRSTRLEN];

    if (len > 0 && inet_ntop(AF_INET, &from.sin_addr, ip, sizeof ip) != NULL &&
        sotto_address_parse(&remote, ip, ntohs(from.sin_port)) == SOTTO_OK)
        sotto_peer_receive(e->peer, now(), &e->address, &remote, bytes, (size_t)len);
}

static void say(end *e)
{
    static const uint8_t silence[] = {0xf8, 0xff, 0xfe}; /* 20 ms of it, as Opus has it */
    sotto_frame frame = {.bytes = silence, .len = sizeof silence, .time = e->sent * 960};

    if (e->sent < FRAMES && sotto_peer_state_of(e->peer) == SOTTO_PEER_OPEN &&
        sotto_peer_send(e->peer, now(), &frame) == SOTTO_OK)
        e->sent++;
}

static void negotiate(end *a, end *b)
{
    static char sdp[SOTTO_SDP_MAX];
    sotto_error error;
    bool due;

    must(sotto_peer_offer(a->peer, now(), sdp, sizeof sdp, &error) == SOTTO_OK, "no offer", &error);
    must(sotto_peer_take_offer(b->peer, now(), sdp, &due, &error) == SOTTO_OK && due, "the offer", &error);
    must(sotto_peer_answer(b->peer, now(), sdp, sizeof sdp, &error) == SOTTO_OK, "no answer", &error);
    must(sotto_peer_take_answer(a->peer, now(), sdp, &error) == SOTTO_OK, "the answer", &error);
}

int main(void)
{
    end ends[2] = {{.name = "A"}, {.name = "B"}};
    uint64_t limit = now() + 10000;
    sotto_engine *engine;
    sotto_facts facts;
    sotto_error error;

    must(sotto_engine_new(&engine, NULL, &error) == SOTTO_OK, "no engine", &error);
    for (int i = 0; i < 2; i++)
        begin(&ends[i], engine, i == 1);
    negotiate(&ends[0], &ends[1]);
    while (ends[0].heard < FRAMES || ends[1].heard < FRAMES) {
        struct pollfd fds[2];
        uint64_t wait = 20; /* the next frame is due */

        must(now() < limit, "they do not hear each other", NULL);
        for (int i = 0; i < 2; i++) {
            uint64_t deadline;

            say(&ends[i]);
            drain(&ends[i], &ends[1 - i]);
            deadline = sotto_peer_deadline(ends[i].peer, now());
            if (deadline <= now())
                wait = 0;
            else if (deadline - now() < wait)
                wait = deadline - now();
            fds[i] = (struct pollfd){.fd = ends[i].fd, .events = POLLIN};
        }
        (void)poll(fds, 2, (int)wait);
        for (int i = 0; i < 2; i++) {
            if (fds[i].revents & POLLIN)
                take_datagram(&ends[i]);
            sotto_peer_tick(ends[i].peer, now());
            drain(&ends[i], &ends[1 - i]);
        }
    }
    sotto_peer_facts(ends[0].peer, &facts);
    printf("both heard %d frames; %s, DTLS %s, the certificate is the promised one: %s\n", FRAMES, facts.srtp_profile,
           facts.dtls_version, facts.equal ? "yes" : "no");
    for (int i = 0; i < 2; i++) {
        sotto_peer_close(ends[i].peer, now());
        drain(&ends[i], &ends[1 - i]);
    }
    for (int i = 0; i < 2; i++) {
        sotto_peer_free(ends[i].peer);
        close(ends[i].fd);
    }
    sotto_engine_free(engine);
    return facts.equal ? 0 : 1;
}
