#include "dtls/bio.h"

#include <stdlib.h>
#include <string.h>

/* Two flights with the largest certificates that anybody sends; more waits only if nobody fetches. */
#define OUT_MAX 65536
#define OUT_STEP 2048
#define HEAD 2

static bool make_room(so_dtls_pipe *pipe, size_t more)
{
    size_t cap = pipe->out_cap;
    uint8_t *grown;

    while (cap - pipe->out_len < more)
        cap += OUT_STEP;
    if (cap == pipe->out_cap)
        return true;
    if (cap > OUT_MAX || (grown = realloc(pipe->out, cap)) == NULL)
        return false;
    pipe->out = grown;
    pipe->out_cap = cap;
    return true;
}

static int bio_write(BIO *bio, const char *bytes, size_t len, size_t *written)
{
    so_dtls_pipe *pipe = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    *written = len;
    /* A datagram that finds no room is lost, as on any path: it is sent again. */
    if (len > 0xffff || !make_room(pipe, HEAD + len))
        return 1;
    pipe->out[pipe->out_len] = (uint8_t)(len >> 8);
    pipe->out[pipe->out_len + 1] = (uint8_t)len;
    memcpy(pipe->out + pipe->out_len + HEAD, bytes, len);
    pipe->out_len += HEAD + len;
    return 1;
}

static int bio_read(BIO *bio, char *out, size_t cap, size_t *len)
{
    so_dtls_pipe *pipe = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    *len = 0;
    if (pipe->in.len == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    *len = pipe->in.len < cap ? pipe->in.len : cap;
    memcpy(out, pipe->in.bytes, *len);
    pipe->in = (so_slice){NULL, 0};
    return 1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

BIO_METHOD *so_dtls_bio_method(void)
{
    int type = BIO_get_new_index();
    BIO_METHOD *method = type < 0 ? NULL : BIO_meth_new(type | BIO_TYPE_SOURCE_SINK, "sotto datagrams");

    if (method != NULL &&
        (BIO_meth_set_write_ex(method, bio_write) != 1 || BIO_meth_set_read_ex(method, bio_read) != 1 ||
         BIO_meth_set_ctrl(method, bio_ctrl) != 1 || BIO_meth_set_create(method, bio_create) != 1)) {
        BIO_meth_free(method);
        return NULL;
    }
    return method;
}

BIO *so_dtls_bio(const BIO_METHOD *method, so_dtls_pipe *pipe)
{
    BIO *bio = BIO_new(method);

    if (bio != NULL)
        BIO_set_data(bio, pipe);
    return bio;
}

bool so_dtls_pipe_take(so_dtls_pipe *pipe, uint8_t *out, size_t cap, size_t *len)
{
    while (pipe->out_at < pipe->out_len) {
        const uint8_t *head = pipe->out + pipe->out_at;

        *len = (size_t)(head[0] << 8 | head[1]);
        pipe->out_at += HEAD + *len;
        if (*len > cap)
            continue;
        memcpy(out, head + HEAD, *len);
        return true;
    }
    /* Handshakes are rare and short: between flights nothing is held. */
    so_dtls_pipe_free(pipe);
    return false;
}

void so_dtls_pipe_free(so_dtls_pipe *pipe)
{
    free(pipe->out);
    pipe->out = NULL;
    pipe->out_len = pipe->out_cap = pipe->out_at = 0;
}
