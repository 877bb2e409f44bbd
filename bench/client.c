#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SCRATCH 131072
#define PAYLOAD 200 /* characters of base64url: a sealed state, candidate or bye */

/* RFC 6455 wants a fresh mask for each frame, against caches between browser and server. There are none here. */
static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};

double seconds_now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void give_up(const char *fmt, ...)
{
    va_list args;

    (void)fputs("bench_load: ", stderr);
    va_start(args, fmt);
    (void)vfprintf(stderr, fmt, args);
    va_end(args);
    (void)fputc('\n', stderr);
    exit(1);
}

/* As a browser offers it, but for one group only, so that all servers agree on X25519. Each picks its own suite. */
static SSL_CTX *make_context(void)
{
    static const uint8_t alpn[] = "\x08http/1.1";
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (ctx == NULL || !SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) ||
        !SSL_CTX_set1_groups_list(ctx, "X25519") ||
        !SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") ||
        SSL_CTX_set_alpn_protos(ctx, alpn, sizeof alpn - 1) != 0)
        give_up("OpenSSL makes no TLS 1.3 context");
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    return ctx;
}

void crowd_open(crowd *all, uint16_t port, goal until, const crowd_events *events, void *user)
{
    memset(all, 0, sizeof *all);
    all->epoll = epoll_create1(EPOLL_CLOEXEC);
    all->ctx = make_context();
    all->server.sin_family = AF_INET;
    all->server.sin_port = htons(port);
    all->server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    all->goal = until;
    all->events = *events;
    all->user = user;
    all->in = malloc(SCRATCH);
    all->out = malloc(SCRATCH);
    if (all->epoll < 0 || all->in == NULL || all->out == NULL)
        give_up("no memory, or no epoll");
}

/* ---- out ---- */

static void queue(crowd *all, const void *bytes, size_t len)
{
    if (all->out_len + len > SCRATCH)
        give_up("more to send in one turn than the scratch buffer holds");
    memcpy(all->out + all->out_len, bytes, len);
    all->out_len += len;
}

void client_flush(client *c)
{
    size_t len = c->crowd->out_len;

    if (len == 0)
        return;
    c->crowd->out_len = 0;
    if (SSL_write(c->ssl, c->crowd->out, (int)len) != (int)len)
        give_up("the server does not take what is sent (%s)", strerror(errno));
}

static size_t make_frame(uint8_t *to, uint8_t opcode, const char *payload, size_t len)
{
    size_t head = len < 126 ? 2 : 4;

    to[0] = (uint8_t)(0x80 | opcode);
    to[1] = (uint8_t)(0x80 | (len < 126 ? len : 126));
    if (len >= 126) {
        to[2] = (uint8_t)(len >> 8);
        to[3] = (uint8_t)len;
    }
    memcpy(to + head, mask, sizeof mask);
    for (size_t i = 0; i < len; i++)
        to[head + 4 + i] = (uint8_t)((uint8_t)payload[i] ^ mask[i & 3]);
    return head + 4 + len;
}

static void queue_frame(crowd *all, uint8_t opcode, const char *payload, size_t len)
{
    uint8_t frame[FRAME_MAX];

    if (len > FRAME_MAX - 8)
        give_up("a frame of %zu bytes was to be sent", len);
    queue(all, frame, make_frame(frame, opcode, payload, len));
}

void client_queue_envelope(client *c)
{
    queue(c->crowd, c->frame, c->frame_len);
}

/* Made once: what the generator saves here doesn't help the server, which has to unmask and read each copy. */
static void make_envelope(client *c)
{
    char payload[PAYLOAD + 1], text[FRAME_MAX];
    int len;

    for (size_t i = 0; i < PAYLOAD; i++)
        payload[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[(i * 7 + c->index) & 63];
    payload[PAYLOAD] = '\0';
    len = snprintf(text, sizeof text, "{\"kind\":\"envelope\",\"to\":\"%s\",\"payload\":\"%s\"}", c->to, payload);
    c->frame = malloc(FRAME_MAX);
    if (c->frame == NULL)
        give_up("no memory");
    c->frame_len = make_frame(c->frame, 1, text, (size_t)len);
}

/* ---- the way in: request, join ---- */

static void send_upgrade(client *c)
{
    char text[512];
    unsigned port = ntohs(c->crowd->server.sin_port);
    int len = snprintf(text, sizeof text,
                       "GET /signal HTTP/1.1\r\nHost: localhost:%u\r\nOrigin: https://localhost:%u\r\n"
                       "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sotto.v1\r\n\r\n",
                       port, port);

    queue(c->crowd, text, (size_t)len);
    client_flush(c);
}

static void send_join(client *c)
{
    uint8_t name[16] = {0};
    char room[32], text[64];
    unsigned number[2] = {c->index / 2, (unsigned)getpid()}; /* each generator has rooms of its own */
    int len;

    memcpy(name, number, sizeof number);
    (void)EVP_EncodeBlock((uint8_t *)room, name, sizeof name);
    for (char *at = room; *at != '\0'; at++)
        *at = *at == '+' ? '-' : *at == '/' ? '_' : *at;
    len = snprintf(text, sizeof text, "{\"kind\":\"join\",\"room\":\"%.22s\"}", room);
    queue_frame(c->crowd, 1, text, (size_t)len);
    client_flush(c);
}

static void pair_with(client *c, const char *id, size_t left)
{
    if (left < ID_LEN)
        give_up("an id was cut short");
    memcpy(c->to, id, ID_LEN);
    make_envelope(c);
    if (c->crowd->events.paired != NULL)
        c->crowd->events.paired(c);
}

static const char *find(const char *text, size_t len, const char *what)
{
    const char *at = memmem(text, len, what, strlen(what));

    return at == NULL ? NULL : at + strlen(what);
}

static void take_text(client *c, const char *text, size_t len)
{
    const char *end = text + len, *id;

    if (find(text, len, "\"kind\":\"envelope\"") != NULL) {
        c->crowd->events.text(c, text, len);
    } else if (find(text, len, "\"kind\":\"welcome\"") != NULL) {
        c->state = JOINED;
        id = find(text, len, "\"members\":[\"");
        if (id != NULL)
            pair_with(c, id, (size_t)(end - id));
        if (c->crowd->goal == JOIN)
            c->crowd->events.reached(c);
    } else if (find(text, len, "\"kind\":\"joined\"") != NULL) {
        id = find(text, len, "\"id\":\"");
        if (id != NULL)
            pair_with(c, id, (size_t)(end - id));
    } else {
        give_up("unexpected: %.*s", (int)len, text);
    }
}

/* ---- in ---- */

/* Takes one frame; 0 when its end has not come yet. */
static size_t take_frame(client *c, const uint8_t *at, size_t left)
{
    size_t head = 2, len;

    if (left < 2)
        return 0;
    len = at[1] & 127;
    if (len == 126) {
        head = 4;
        if (left < head)
            return 0;
        len = (size_t)at[2] << 8 | at[3];
    }
    if (left < head + len)
        return 0;
    if (at[0] == 0x81) {
        take_text(c, (const char *)at + head, len);
    } else if (at[0] == 0x89) {
        c->crowd->pings++;
        queue_frame(c->crowd, 10, (const char *)at + head, len);
    } else {
        give_up("the server sent a frame of kind %02x: %.*s", at[0], (int)len, (const char *)at + head);
    }
    return head + len;
}

/* Takes the answer to the upgrade; 0 when its end has not come yet. */
static size_t take_answer(client *c, const uint8_t *at, size_t left)
{
    const uint8_t *end = memmem(at, left, "\r\n\r\n", 4);

    if (end == NULL)
        return 0;
    if (left < 12 || memcmp(at, "HTTP/1.1 101", 12) != 0)
        give_up("no upgrade: %.*s", (int)left, (const char *)at);
    c->state = JOINING;
    if (c->crowd->goal == UPGRADE)
        c->crowd->events.reached(c);
    else
        send_join(c);
    return (size_t)(end + 4 - at);
}

static void keep_rest(client *c, const uint8_t *at, size_t left)
{
    uint8_t *kept = NULL;

    if (left > 0) {
        kept = malloc(left);
        if (kept == NULL)
            give_up("no memory");
        memcpy(kept, at, left);
    }
    free(c->rest);
    c->rest = kept;
    c->rest_len = left;
}

static void take_bytes(client *c, size_t len)
{
    const uint8_t *at = c->crowd->in, *end = at + len;

    while (at < end && c->state != LEAVING) {
        size_t taken =
            c->state == UPGRADING ? take_answer(c, at, (size_t)(end - at)) : take_frame(c, at, (size_t)(end - at));
        if (taken == 0)
            break;
        at += taken;
    }
    if (c->state != LEAVING)
        keep_rest(c, at, (size_t)(end - at));
}

/* ---- one connection's life ---- */

static void close_client(client *c)
{
    /* The server ended first: a reset now leaves no socket behind in TIME_WAIT, of which there would be thousands. */
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    (void)close(c->fd);
    SSL_free(c->ssl);
    keep_rest(c, NULL, 0);
    free(c->frame);
    c->frame = NULL;
    c->ssl = NULL;
    c->state = CLOSED;
}

void client_start(client *c, crowd *all, unsigned index)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.ptr = c}};
    int one = 1;

    memset(c, 0, sizeof *c);
    c->crowd = all;
    c->index = index;
    c->state = SHAKING;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    c->ssl = SSL_new(all->ctx);
    if (c->fd < 0 || c->ssl == NULL || !SSL_set_fd(c->ssl, c->fd) || !SSL_set_tlsext_host_name(c->ssl, "localhost"))
        give_up("can't make connection %u: %s", index, strerror(errno));
    SSL_set_connect_state(c->ssl);
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(c->fd, (struct sockaddr *)&all->server, sizeof all->server) != 0 && errno != EINPROGRESS)
        give_up("can't connect: %s", strerror(errno));
    if (epoll_ctl(all->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0)
        give_up("epoll_ctl: %s", strerror(errno));
}

static bool shake_hands(client *c)
{
    int done = SSL_do_handshake(c->ssl), error;

    if (done == 1) {
        if (SSL_session_reused(c->ssl) || SSL_version(c->ssl) != TLS1_3_VERSION)
            give_up("this was no full TLS 1.3 handshake");
        if (c->crowd->goal == SHAKE_HANDS) {
            c->crowd->events.reached(c);
        } else {
            c->state = UPGRADING;
            send_upgrade(c);
        }
        return true;
    }
    error = SSL_get_error(c->ssl, done);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE && errno != ENOTCONN)
        give_up("the handshake failed: %s", ERR_reason_error_string(ERR_peek_error()));
    ERR_clear_error();
    return false;
}

/* A server that has read our close_notify may close without one of its own: TCP's end is the end. */
static void await_end(client *c)
{
    char byte[4096];
    ssize_t n;

    do
        n = read(c->fd, byte, sizeof byte);
    while (n > 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    close_client(c);
    c->crowd->events.left(c);
}

void client_leave(client *c)
{
    c->state = LEAVING;
    (void)SSL_shutdown(c->ssl);
    ERR_clear_error();
}

static void read_all(client *c)
{
    crowd *all = c->crowd;

    while (c->state != LEAVING) {
        int n;

        if (c->rest_len > 0)
            memcpy(all->in, c->rest, c->rest_len);
        n = SSL_read(c->ssl, all->in + c->rest_len, (int)(SCRATCH - c->rest_len));
        if (n <= 0) {
            if (SSL_get_error(c->ssl, n) != SSL_ERROR_WANT_READ)
                give_up("the server hung up on connection %u", c->index);
            break;
        }
        take_bytes(c, c->rest_len + (size_t)n);
    }
    if (c->state != LEAVING)
        client_flush(c);
}

void client_step(client *c)
{
    if (c->state == SHAKING && !shake_hands(c))
        return;
    if (c->state == LEAVING)
        await_end(c);
    else if (c->state != CLOSED)
        read_all(c);
    if (c->state == LEAVING)
        await_end(c);
}
