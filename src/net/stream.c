#include "net/stream.h"

#include "crypto/verify.h"

#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#define LINGER_MS 3000
#define CIPHER_KEPT ((size_t)1 << 20)

typedef enum stream_state {
    AWAITS_CONNECTION, /* client: name look-up, then TCP */
    AWAITS_HANDSHAKE,
    OPEN,
    AWAITS_PEER_END, /* our side is finished; the peer may still read what was sent */
    CLOSED,          /* uv_close is under way */
} stream_state;

struct so_stream {
    uv_tcp_t tcp;
    so_loop *loop;
    SSL *ssl;
    const so_stream_events *events;
    void *user;
    so_error *why; /* NULL: an orderly end */
    char *host;    /* client: what the certificate must name */
    uint16_t port;
    uv_getaddrinfo_t *looking_up;
    struct addrinfo *addresses; /* client: all that host stands for, while one is being tried */
    struct addrinfo *next_address;
    stream_state state;
    bool dirty, finishing, peer_ended;
    const char *in; /* bytes of the kernel that TLS has not taken; only while reading */
    size_t in_len;
    uint8_t *plain; /* bytes for the next flush */
    size_t plain_len, plain_cap;
    size_t queued; /* ciphertext that waits for the kernel */
    so_msec linger_until;
    so_stream *next_dirty, *next_lingering;
};

/* The one place where a stream's state changes; why is for a reader with a debugger. */
static void set_state(so_stream *s, stream_state state, const char *why)
{
    (void)why;
    s->state = state;
}

static void fail(so_stream *s, so_status status, const char *layer, const char *text)
{
    if (s->why == NULL)
        s->why = calloc(1, sizeof *s->why);
    if (s->why != NULL && s->why->status == SO_OK)
        (void)so_fail(s->why, status, layer, "%s", text);
}

/* ---- OpenSSL's way out and in: the loop's scratch buffer, and what the kernel has just handed over ---- */

static int bio_read(BIO *bio, char *out, int len)
{
    so_stream *s = BIO_get_data(bio);
    size_t n = s->in_len < (size_t)len ? s->in_len : (size_t)len;

    BIO_clear_retry_flags(bio);
    if (n == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(out, s->in, n);
    s->in += n;
    s->in_len -= n;
    return (int)n;
}

static int bio_write(BIO *bio, const char *bytes, int len)
{
    so_stream *s = BIO_get_data(bio);
    so_loop *loop = s->loop;
    size_t need = loop->cipher_len + (size_t)len;

    if (need > loop->cipher_cap) {
        uint8_t *grown = realloc(loop->cipher, need * 2);
        if (grown == NULL)
            return -1;
        loop->cipher = grown;
        loop->cipher_cap = need * 2;
    }
    memcpy(loop->cipher + loop->cipher_len, bytes, (size_t)len);
    loop->cipher_len = need;
    return len;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *bio_method(void)
{
    /* Constant once made; OpenSSL offers no static initialiser for it. */
    static BIO_METHOD *method;

    if (method == NULL && (method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sotto stream")) != NULL) {
        BIO_meth_set_read(method, bio_read);
        BIO_meth_set_write(method, bio_write);
        BIO_meth_set_ctrl(method, bio_ctrl);
    }
    return method;
}

/* ---- closing ---- */

static void on_handle_closed(uv_handle_t *handle)
{
    so_stream *s = handle->data;
    static const so_error orderly;

    s->events->closed(s, s->user, s->why == NULL ? &orderly : s->why);
    uv_freeaddrinfo(s->addresses);
    SSL_free(s->ssl);
    free(s->plain);
    free(s->host);
    free(s->why);
    free(s);
}

static void unlink_from(so_stream **list, so_stream *s, size_t link)
{
    while (*list != NULL && *list != s)
        list = (so_stream **)((char *)*list + link);
    if (*list == s)
        *list = *(so_stream **)((char *)s + link);
}

static void close_now(so_stream *s, const char *why)
{
    if (s->state == CLOSED)
        return;
    if (s->dirty)
        unlink_from(&s->loop->dirty, s, offsetof(so_stream, next_dirty));
    if (s->state == AWAITS_PEER_END)
        unlink_from(&s->loop->lingering, s, offsetof(so_stream, next_lingering));
    s->dirty = false;
    if (s->looking_up != NULL)
        s->looking_up->data = NULL; /* its callback outlives the stream */
    set_state(s, CLOSED, why);
    if (!uv_is_closing((uv_handle_t *)&s->tcp)) /* else it closes to be opened anew, and on_retry sees CLOSED */
        uv_close((uv_handle_t *)&s->tcp, on_handle_closed);
}

void so_stream_abort(so_stream *s)
{
    close_now(s, "aborted by its owner");
}

static void mark_dirty(so_stream *s)
{
    if (s->dirty)
        return;
    s->dirty = true;
    s->next_dirty = s->loop->dirty;
    s->loop->dirty = s;
}

void so_stream_finish(so_stream *s)
{
    if (s->state == CLOSED || s->finishing)
        return;
    if (s->state == AWAITS_CONNECTION) {
        close_now(s, "finished before it was connected");
        return;
    }
    s->finishing = true;
    mark_dirty(s);
}

/* ---- sending ---- */

typedef struct queued_write {
    uv_write_t req;
    size_t len;
    uint8_t bytes[];
} queued_write;

static void on_written(uv_write_t *req, int status)
{
    queued_write *q = req->data;
    so_stream *s = req->handle->data;

    s->queued -= q->len;
    free(q);
    if (status < 0 && s->state != CLOSED) {
        fail(s, SO_IO, "connection", "the connection broke while sending; connect again");
        close_now(s, "write failed");
    }
}

/* Hands the loop's scratch buffer to the kernel; what it does not take at once is copied and waits. */
static void push(so_stream *s)
{
    so_loop *loop = s->loop;
    uv_buf_t buf = uv_buf_init((char *)loop->cipher, (unsigned)loop->cipher_len);
    int taken = 0;
    queued_write *q;

    if (loop->cipher_len == 0 || s->state == CLOSED) {
        loop->cipher_len = 0;
        return;
    }
    loop->cipher_len = 0;
    if (s->queued == 0)
        taken = uv_try_write((uv_stream_t *)&s->tcp, &buf, 1);
    if (taken == UV_EAGAIN)
        taken = 0;
    if (taken < 0) {
        fail(s, SO_IO, "connection", "the connection broke while sending; connect again");
        close_now(s, "write failed");
        return;
    }
    buf.base += taken;
    buf.len -= (size_t)taken;
    if (buf.len == 0)
        return;
    q = malloc(sizeof *q + buf.len);
    if (q == NULL) {
        close_now(s, "no memory");
        return;
    }
    memcpy(q->bytes, buf.base, buf.len);
    q->len = buf.len;
    q->req.data = q;
    buf.base = (char *)q->bytes;
    s->queued += q->len;
    if (uv_write(&q->req, (uv_stream_t *)&s->tcp, &buf, 1, on_written) != 0) {
        s->queued -= q->len;
        free(q);
        close_now(s, "write refused");
    }
}

void so_stream_write(so_stream *s, const void *bytes, size_t len)
{
    size_t need = s->plain_len + len;

    if (s->state == CLOSED || s->finishing || s->state == AWAITS_PEER_END)
        return;
    if (need > s->plain_cap) {
        size_t cap = need < 512 ? 512 : need * 2;
        uint8_t *grown = realloc(s->plain, cap);
        if (grown == NULL) {
            close_now(s, "no memory");
            return;
        }
        s->plain = grown;
        s->plain_cap = cap;
    }
    memcpy(s->plain + s->plain_len, bytes, len);
    s->plain_len = need;
    mark_dirty(s);
}

size_t so_stream_backlog(const so_stream *s)
{
    return s->plain_len + s->queued;
}

static void on_fin_sent(uv_shutdown_t *req, int status)
{
    so_stream *s = req->handle->data;

    (void)status;
    free(req);
    if (s->peer_ended)
        close_now(s, "both ends are done");
}

static void begin_linger(so_stream *s)
{
    uv_shutdown_t *req = malloc(sizeof *req);

    (void)SSL_shutdown(s->ssl);
    ERR_clear_error();
    push(s);
    if (s->state == CLOSED || req == NULL || uv_shutdown(req, (uv_stream_t *)&s->tcp, on_fin_sent) != 0) {
        free(req);
        close_now(s, "no goodbye possible");
        return;
    }
    set_state(s, AWAITS_PEER_END, "finished by its owner");
    s->linger_until = so_loop_now(s->loop) + LINGER_MS;
    s->next_lingering = s->loop->lingering;
    s->loop->lingering = s;
    so_loop_watch_lingering(s->loop);
}

static void flush(so_stream *s)
{
    if (s->state == OPEN && s->plain_len > 0) {
        int n = SSL_write(s->ssl, s->plain, (int)s->plain_len);
        if (n != (int)s->plain_len) {
            ERR_clear_error();
            fail(s, SO_CRYPTO, "TLS", "the connection can't be written to any more; connect again");
            s->plain_len = 0;
            push(s);
            close_now(s, "SSL_write failed");
            return;
        }
        free(s->plain);
        s->plain = NULL;
        s->plain_len = s->plain_cap = 0;
        push(s);
    }
    if (s->finishing && (s->state == OPEN || s->state == AWAITS_HANDSHAKE))
        begin_linger(s);
}

void so_stream_flush_all(so_loop *loop)
{
    while (loop->dirty != NULL) {
        so_stream *s = loop->dirty;
        loop->dirty = s->next_dirty;
        s->dirty = false;
        flush(s);
    }
    if (loop->cipher_cap > CIPHER_KEPT) { /* one long write must not cost its size for ever */
        free(loop->cipher);
        loop->cipher = NULL;
        loop->cipher_cap = 0;
    }
}

void so_stream_end_lingering(so_loop *loop)
{
    so_msec now = so_loop_now(loop);
    so_stream *s = loop->lingering;

    while (s != NULL) {
        so_stream *next = s->next_lingering;
        if (now >= s->linger_until)
            close_now(s, "lingered long enough");
        s = next;
    }
}

/* The peer will say nothing more; what it asked for is still sent. */
static void take_peer_end(so_stream *s, const char *why)
{
    s->peer_ended = true;
    if (s->state == OPEN)
        so_stream_finish(s); /* RFC 8446 §6.1: close_notify in any case */
    else if (s->state != AWAITS_PEER_END || s->queued == 0)
        close_now(s, why);
}

/* ---- receiving ---- */

static void explain_failed_handshake(so_stream *s)
{
    long verdict = SSL_get_verify_result(s->ssl);
    STACK_OF(X509) *sent = SSL_get_peer_cert_chain(s->ssl);
    unsigned long code = ERR_peek_error();
    const char *reason = ERR_reason_error_string(code);
    so_error err;

    if (s->host != NULL && verdict != X509_V_OK) {
        (void)so_chain_explain((int)verdict, sent == NULL ? 0 : (size_t)sk_X509_num(sent), s->host, &err);
        fail(s, err.status, err.layer, err.text);
        return;
    }
    (void)so_fail(&err, SO_REFUSED, "TLS",
                  "the TLS handshake failed (%s); both ends need TLS 1.2 or 1.3 with ECDHE and an AEAD cipher",
                  reason == NULL ? "the peer ended it" : reason);
    fail(s, err.status, err.layer, err.text);
}

static bool shake_hands(so_stream *s)
{
    int done;

    ERR_clear_error(); /* SSL_get_error reads the queue: what others left there would be taken for this stream's */
    done = SSL_do_handshake(s->ssl);

    if (done == 1) {
        push(s);
        if (s->state == CLOSED)
            return false;
        set_state(s, OPEN, "handshake done");
        s->events->open(s, s->user);
        if (s->plain_len > 0)
            mark_dirty(s);
        return s->state == OPEN;
    }
    if (SSL_get_error(s->ssl, done) != SSL_ERROR_WANT_READ) {
        explain_failed_handshake(s);
        ERR_clear_error();
        push(s); /* the alert that names the fault */
        close_now(s, "handshake failed");
    }
    return false;
}

static void read_open(so_stream *s)
{
    while (s->state == OPEN) {
        int n, error;

        ERR_clear_error();
        n = SSL_read(s->ssl, s->loop->plain, SO_PLAIN);
        if (n > 0) {
            if (!s->finishing)
                s->events->data(s, s->user, s->loop->plain, (size_t)n);
            continue;
        }
        error = SSL_get_error(s->ssl, n);
        if (error == SSL_ERROR_WANT_READ)
            break;
        if (error != SSL_ERROR_ZERO_RETURN)
            fail(s, SO_REFUSED, "TLS", "bytes came that are not of this TLS connection; connect again");
        ERR_clear_error();
        if (error == SSL_ERROR_ZERO_RETURN) {
            take_peer_end(s, "close_notify came");
            break;
        }
        push(s);
        close_now(s, "TLS fault");
    }
    push(s);
}

static void on_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *buf)
{
    so_stream *s = handle->data;

    (void)hint;
    *buf = uv_buf_init(s->loop->net_in, SO_NET_IN);
}

static void on_read(uv_stream_t *tcp, ssize_t n, const uv_buf_t *buf)
{
    so_stream *s = tcp->data;

    if (n == UV_EOF) {
        if (s->state == AWAITS_HANDSHAKE)
            fail(s, SO_IO, "connection", "the other end hung up before the TLS handshake was done");
        take_peer_end(s, "the peer's end came");
        return;
    }
    if (n < 0) {
        fail(s, SO_IO, "connection", "the connection broke; connect again");
        close_now(s, "read failed");
        return;
    }
    if (s->state == AWAITS_PEER_END || s->state == CLOSED)
        return; /* what comes now is thrown away, so that the kernel sends no reset over our last words */
    s->in = buf->base;
    s->in_len = (size_t)n;
    if (s->state == AWAITS_HANDSHAKE && !shake_hands(s)) {
        push(s);
        s->in_len = 0;
        return;
    }
    read_open(s);
    s->in_len = 0;
}

/* ---- making ---- */

static so_stream *stream_new(so_loop *loop, SSL_CTX *ctx, const so_stream_events *events, void *user)
{
    so_stream *s = calloc(1, sizeof *s);
    BIO_METHOD *method = bio_method();
    BIO *bio = method == NULL ? NULL : BIO_new(method);

    if (s != NULL)
        s->ssl = SSL_new(ctx);
    if (s == NULL || bio == NULL || s->ssl == NULL) {
        BIO_free(bio);
        if (s != NULL)
            SSL_free(s->ssl);
        free(s);
        return NULL;
    }
    BIO_set_data(bio, s);
    BIO_set_init(bio, 1);
    SSL_set_bio(s->ssl, bio, bio);
    s->loop = loop;
    s->events = events;
    s->user = user;
    (void)uv_tcp_init(&loop->uv, &s->tcp);
    s->tcp.data = s;
    return s;
}

void so_stream_bind(so_stream *s, const so_stream_events *events, void *user)
{
    s->events = events;
    s->user = user;
}

static bool begin_reading(so_stream *s)
{
    (void)uv_tcp_nodelay(&s->tcp, 1);
    set_state(s, AWAITS_HANDSHAKE, "TCP is there");
    return uv_read_start((uv_stream_t *)&s->tcp, on_alloc, on_read) == 0;
}

/* closed is not called for a stream that its owner never had. */
static void on_refused_closed(uv_handle_t *handle)
{
    so_stream *s = handle->data;

    SSL_free(s->ssl);
    free(s);
}

so_stream *so_stream_accept(so_loop *loop, uv_stream_t *listener, SSL_CTX *ctx, const so_stream_events *events,
                            void *user)
{
    so_stream *s = stream_new(loop, ctx, events, user);

    if (s == NULL)
        return NULL;
    SSL_set_accept_state(s->ssl);
    if (uv_accept(listener, (uv_stream_t *)&s->tcp) != 0 || !begin_reading(s)) {
        uv_close((uv_handle_t *)&s->tcp, on_refused_closed);
        return NULL;
    }
    return s;
}

static void try_next_address(so_stream *s);

/* A TCP handle whose connect failed can't be used again: it was closed, and is opened anew for the next address. */
static void on_retry(uv_handle_t *handle)
{
    so_stream *s = handle->data;

    if (s->state == CLOSED) {
        on_handle_closed(handle);
        return;
    }
    (void)uv_tcp_init(&s->loop->uv, &s->tcp);
    s->tcp.data = s;
    try_next_address(s);
}

static void connect_failed(so_stream *s, int status)
{
    so_error err;

    if (s->next_address != NULL) {
        uv_close((uv_handle_t *)&s->tcp, on_retry);
        return;
    }
    (void)so_fail(&err, SO_IO, "connection",
                  "can't connect to %s port %u: %s; is the server running, and the name right?", s->host, s->port,
                  uv_strerror(status));
    fail(s, err.status, err.layer, err.text);
    close_now(s, "connect failed");
}

static void on_connected(uv_connect_t *req, int status)
{
    so_stream *s = req->handle->data;

    free(req);
    if (s->state == CLOSED)
        return;
    if (status < 0) {
        connect_failed(s, status);
        return;
    }
    if (!begin_reading(s)) {
        close_now(s, "can't read");
        return;
    }
    (void)shake_hands(s);
    push(s);
}

static void try_next_address(so_stream *s)
{
    uv_connect_t *req = malloc(sizeof *req);
    struct addrinfo *address = s->next_address;
    int fault = UV_ENOMEM;

    s->next_address = address->ai_next;
    if (req != NULL)
        fault = uv_tcp_connect(req, &s->tcp, address->ai_addr, on_connected);
    if (fault != 0) {
        free(req);
        connect_failed(s, fault);
    }
}

static void on_looked_up(uv_getaddrinfo_t *req, int status, struct addrinfo *found)
{
    so_stream *s = req->data;
    so_error err;

    free(req);
    if (s == NULL) {
        uv_freeaddrinfo(found);
        return;
    }
    s->looking_up = NULL;
    s->addresses = s->next_address = found;
    if (status == 0 && found != NULL) {
        try_next_address(s);
        return;
    }
    (void)so_fail(&err, SO_NOT_FOUND, "connection", "the name %s can't be found (%s); check the link and the network",
                  s->host, uv_strerror(status));
    fail(s, err.status, err.layer, err.text);
    close_now(s, "name look-up failed");
}

/* The certificate must name host: by address where host is one, else by DNS name; no partial wildcards. */
static bool demand_host(so_stream *s)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(s->ssl);

    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    if (X509_VERIFY_PARAM_set1_ip_asc(param, s->host))
        return true;
    ERR_clear_error();
    return X509_VERIFY_PARAM_set1_host(param, s->host, 0) && SSL_set_tlsext_host_name(s->ssl, s->host);
}

so_status so_stream_connect(so_stream **out, so_loop *loop, SSL_CTX *ctx, const char *host, uint16_t port,
                            const char *as, const so_stream_events *events, void *user)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC};
    so_stream *s = stream_new(loop, ctx, events, user);
    uv_getaddrinfo_t *req;
    char service[8];

    if (s == NULL)
        return SO_NO_MEMORY;
    s->host = strdup(host);
    s->port = port;
    SSL_set_connect_state(s->ssl);
    set_state(s, AWAITS_CONNECTION, "made");
    (void)snprintf(service, sizeof service, "%u", port);
    req = malloc(sizeof *req);
    if (req != NULL)
        req->data = s;
    if (s->host == NULL || req == NULL || !demand_host(s) ||
        uv_getaddrinfo(&loop->uv, req, on_looked_up, as != NULL ? as : host, service, &hints) != 0) {
        free(req);
        free(s->host);
        uv_close((uv_handle_t *)&s->tcp, on_refused_closed);
        return SO_NO_MEMORY;
    }
    s->looking_up = req;
    *out = s;
    return SO_OK;
}

so_tls_facts so_stream_facts(const so_stream *s)
{
    return so_tls_facts_of(s->ssl);
}

so_status so_stream_peer(const so_stream *s, uint8_t address[16])
{
    struct sockaddr_storage peer;
    int len = sizeof peer;

    if (uv_tcp_getpeername(&s->tcp, (struct sockaddr *)&peer, &len) != 0)
        return SO_IO;
    memset(address, 0, 16);
    if (peer.ss_family == AF_INET6) {
        memcpy(address, &((struct sockaddr_in6 *)&peer)->sin6_addr, 16);
    } else {
        address[10] = address[11] = 0xff;
        memcpy(address + 12, &((struct sockaddr_in *)&peer)->sin_addr, 4);
    }
    return SO_OK;
}
