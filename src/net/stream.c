#include "net/stream_inside.h"

#include "crypto/verify.h"
#include "net/sockaddr.h"

#include <netinet/in.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#define LINGER_MS 3000
#define CIPHER_KEPT ((size_t)1 << 20)

void so_stream_set_state(so_stream *s, stream_state state, const char *why)
{
    (void)why;
    s->state = state;
}

void so_stream_fail(so_stream *s, so_status status, const char *layer, const char *text)
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

void so_stream_on_closed(uv_handle_t *handle)
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

void so_stream_close(so_stream *s, const char *why)
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
    so_stream_set_state(s, CLOSED, why);
    if (!uv_is_closing((uv_handle_t *)&s->tcp)) /* else it closes to be opened anew, and on_retry sees CLOSED */
        uv_close((uv_handle_t *)&s->tcp, so_stream_on_closed);
}

void so_stream_abort(so_stream *s)
{
    so_stream_close(s, "aborted by its owner");
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
        so_stream_close(s, "finished before it was connected");
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
        so_stream_fail(s, SO_IO, "connection", "the connection broke while sending; connect again");
        so_stream_close(s, "write failed");
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
        so_stream_fail(s, SO_IO, "connection", "the connection broke while sending; connect again");
        so_stream_close(s, "write failed");
        return;
    }
    buf.base += taken;
    buf.len -= (size_t)taken;
    if (buf.len == 0)
        return;
    q = malloc(sizeof *q + buf.len);
    if (q == NULL) {
        so_stream_close(s, "no memory");
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
        so_stream_close(s, "write refused");
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
            so_stream_close(s, "no memory");
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
        so_stream_close(s, "both ends are done");
}

static void begin_linger(so_stream *s)
{
    uv_shutdown_t *req = malloc(sizeof *req);

    (void)SSL_shutdown(s->ssl);
    ERR_clear_error();
    push(s);
    /* What comes from now on is not read, so TLS and the 16 kB buffer that close_notify took need not wait as well. */
    SSL_free(s->ssl);
    s->ssl = NULL;
    if (s->state == CLOSED || req == NULL || uv_shutdown(req, (uv_stream_t *)&s->tcp, on_fin_sent) != 0) {
        free(req);
        so_stream_close(s, "no goodbye possible");
        return;
    }
    so_stream_set_state(s, AWAITS_PEER_END, "finished by its owner");
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
            so_stream_fail(s, SO_CRYPTO, "TLS", "the connection can't be written to any more; connect again");
            s->plain_len = 0;
            push(s);
            so_stream_close(s, "SSL_write failed");
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

static void flush_all(so_loop *loop)
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

static void end_lingering(so_loop *loop)
{
    so_msec now = so_loop_now(loop);
    so_stream *s = loop->lingering;

    while (s != NULL) {
        so_stream *next = s->next_lingering;
        if (now >= s->linger_until)
            so_stream_close(s, "lingered long enough");
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
        so_stream_close(s, why);
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
        so_stream_fail(s, err.status, err.layer, err.text);
        return;
    }
    (void)so_fail(&err, SO_REFUSED, "TLS",
                  "the TLS handshake failed (%s); both ends need TLS 1.2 or 1.3 with ECDHE and an AEAD cipher",
                  reason == NULL ? "the peer ended it" : reason);
    so_stream_fail(s, err.status, err.layer, err.text);
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
        so_stream_set_state(s, OPEN, "handshake done");
        s->events->open(s, s->user);
        if (s->plain_len > 0)
            mark_dirty(s);
        return s->state == OPEN;
    }
    if (SSL_get_error(s->ssl, done) != SSL_ERROR_WANT_READ) {
        explain_failed_handshake(s);
        ERR_clear_error();
        push(s); /* the alert that names the fault */
        so_stream_close(s, "handshake failed");
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
            so_stream_fail(s, SO_REFUSED, "TLS", "bytes came that are not of this TLS connection; connect again");
        ERR_clear_error();
        if (error == SSL_ERROR_ZERO_RETURN) {
            take_peer_end(s, "close_notify came");
            break;
        }
        push(s);
        so_stream_close(s, "TLS fault");
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
            so_stream_fail(s, SO_IO, "connection", "the other end hung up before the TLS handshake was done");
        take_peer_end(s, "the peer's end came");
        return;
    }
    if (n < 0) {
        so_stream_fail(s, SO_IO, "connection", "the connection broke; connect again");
        so_stream_close(s, "read failed");
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

so_stream *so_stream_new(so_loop *loop, SSL_CTX *ctx, const so_stream_events *events, void *user)
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
    loop->flush = flush_all;
    loop->end_lingering = end_lingering;
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

bool so_stream_begin(so_stream *s)
{
    (void)uv_tcp_nodelay(&s->tcp, 1);
    so_stream_set_state(s, AWAITS_HANDSHAKE, "TCP is there");
    if (uv_read_start((uv_stream_t *)&s->tcp, on_alloc, on_read) != 0)
        return false;
    if (!SSL_is_server(s->ssl)) {
        (void)shake_hands(s);
        push(s);
    }
    return true;
}

void so_stream_on_refused(uv_handle_t *handle)
{
    so_stream *s = handle->data;

    SSL_free(s->ssl);
    free(s);
}

so_stream *so_stream_accept(so_loop *loop, uv_stream_t *listener, SSL_CTX *ctx, const so_stream_events *events,
                            void *user)
{
    so_stream *s = so_stream_new(loop, ctx, events, user);

    if (s == NULL)
        return NULL;
    SSL_set_accept_state(s->ssl);
    if (uv_accept(listener, (uv_stream_t *)&s->tcp) != 0 || !so_stream_begin(s)) {
        uv_close((uv_handle_t *)&s->tcp, so_stream_on_refused);
        return NULL;
    }
    return s;
}

so_tls_facts so_stream_facts(const so_stream *s)
{
    return so_tls_facts_of(s->ssl);
}

so_status so_stream_chain(const so_stream *s, so_certs **chain)
{
    return so_tls_chain(s->ssl, chain);
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

bool so_stream_is_from(const so_stream *s, const so_address *address)
{
    return so_sockaddr_is_of(&s->tcp, address);
}
