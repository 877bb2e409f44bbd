/*
 * The yardstick for handshakes: the least that a TLS server on epoll and OpenSSL can do. bench_bare CERT KEY prints its
 * port, then accepts, shakes hands, reads until the peer's end and closes. Nothing else: no timer, no limit, no log.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 256

/* The settings that decide what a handshake costs are those of `sotto serve`: no tickets, no cache, X25519 first. */
static SSL_CTX *make_context(const char *cert, const char *key)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    if (ctx == NULL || !SSL_CTX_use_certificate_chain_file(ctx, cert) ||
        !SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) || !SSL_CTX_set_num_tickets(ctx, 0) ||
        !SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384"))
        return NULL;
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_read_ahead(ctx, 1);
    return ctx;
}

static int listen_somewhere(unsigned *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 1024) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        return -1;
    *port = ntohs(address.sin_port);
    return fd;
}

static void accept_one(int epoll, SSL_CTX *ctx, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    SSL *ssl = SSL_new(ctx);
    int one = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    event.data.ptr = ssl;
    if (ssl == NULL || !SSL_set_fd(ssl, fd) || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        SSL_free(ssl);
        (void)close(fd);
        return;
    }
    SSL_set_accept_state(ssl);
}

static void accept_all(int epoll, SSL_CTX *ctx, int listener)
{
    int fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
        accept_one(epoll, ctx, fd);
}

/* SSL_read shakes hands first, if that is still to be done. */
static void step(SSL *ssl)
{
    char bytes[4096];
    int n, fd = SSL_get_fd(ssl);

    do
        n = SSL_read(ssl, bytes, sizeof bytes);
    while (n > 0);
    if (SSL_get_error(ssl, n) == SSL_ERROR_WANT_READ)
        return;
    ERR_clear_error();
    SSL_free(ssl);
    (void)close(fd);
}

static void serve(int epoll, SSL_CTX *ctx, int listener)
{
    struct epoll_event events[EVENTS];

    for (;;) {
        int n = epoll_wait(epoll, events, EVENTS, -1);

        if (n < 0 && errno != EINTR)
            return;
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == NULL)
                accept_all(epoll, ctx, listener);
            else
                step(events[i].data.ptr);
        }
    }
}

int main(int argc, char **argv)
{
    struct epoll_event event = {.events = EPOLLIN};
    SSL_CTX *ctx = argc == 3 ? make_context(argv[1], argv[2]) : NULL;
    unsigned port = 0;
    int listener = listen_somewhere(&port), epoll = epoll_create1(EPOLL_CLOEXEC);

    if (ctx == NULL || listener < 0 || epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) != 0) {
        (void)fputs("usage: bench_bare CERT KEY\n", stderr);
        return 1;
    }
    (void)printf("%u\n", port);
    (void)fflush(stdout);
    serve(epoll, ctx, listener);
    return 1;
}
