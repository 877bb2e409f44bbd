#include "trust/sas.h"

#include "base/bytes.h"
#include "base/secret.h"

#include <string.h>

#define KIND_COMMIT 0x01
#define KIND_NONCE 0x02
#define KIND_REVEAL 0x03
#define CTX_LEN (2 * SO_SHA256_LEN + 2 * SO_SID_LEN)
#define COMMIT_LABEL "sotto v1 sas commit"
#define STRING_LABEL "sotto v1 sas"

static void set_state(so_sas *sas, so_sas_state state)
{
    sas->state = state;
    if (state == SO_SAS_HAS_STRING || state == SO_SAS_BROKEN) {
        so_wipe(sas->own_nonce, sizeof sas->own_nonce);
        so_wipe(sas->commitment, sizeof sas->commitment);
    }
    if (state == SO_SAS_BROKEN)
        so_wipe(sas->string, sizeof sas->string);
}

static so_sas_result broken(so_sas *sas, so_sas_result why)
{
    set_state(sas, SO_SAS_BROKEN);
    return why;
}

/* ctx = fpC || fpS || sidC || sidS: what makes commitment and string those of this association. */
static void write_ctx(const so_association *association, so_writer *w)
{
    so_write_bytes(w, association->client_fingerprint, SO_SHA256_LEN);
    so_write_bytes(w, association->server_fingerprint, SO_SHA256_LEN);
    so_write_bytes(w, association->client_sid, SO_SID_LEN);
    so_write_bytes(w, association->server_sid, SO_SID_LEN);
}

static so_status commit_to(const so_sas *sas, const uint8_t *nonce, uint8_t commitment[SO_SHA256_LEN])
{
    uint8_t ctx[CTX_LEN];
    so_writer w = so_writer_of(ctx, sizeof ctx);
    const so_slice parts[] = {{COMMIT_LABEL, sizeof COMMIT_LABEL - 1}, {nonce, SO_SAS_NONCE_LEN}, {ctx, sizeof ctx}};

    write_ctx(&sas->association, &w);
    return so_sha256(commitment, parts, 3);
}

static so_sas_result finish(so_sas *sas, const uint8_t *client_nonce, const uint8_t *server_nonce)
{
    uint8_t nonces[2 * SO_SAS_NONCE_LEN], info[sizeof STRING_LABEL - 1 + CTX_LEN];
    so_writer w = so_writer_of(info, sizeof info);
    so_status status;

    memcpy(nonces, client_nonce, SO_SAS_NONCE_LEN);
    memcpy(nonces + SO_SAS_NONCE_LEN, server_nonce, SO_SAS_NONCE_LEN);
    so_write_text(&w, STRING_LABEL);
    write_ctx(&sas->association, &w);
    status = so_hkdf_sha256(sas->string, SO_SAS_LEN, (so_slice){nonces, sizeof nonces}, (so_slice){NULL, 0},
                            (so_slice){info, so_writer_len(&w)});
    so_wipe(nonces, sizeof nonces);
    if (status != SO_OK)
        return broken(sas, SO_SAS_FAILED);
    set_state(sas, SO_SAS_HAS_STRING);
    return SO_SAS_DONE;
}

static size_t write_message(uint8_t out[SO_SAS_MESSAGE_LEN], uint8_t kind, const uint8_t *body)
{
    out[0] = kind;
    memcpy(out + 1, body, SO_SAS_NONCE_LEN);
    return SO_SAS_MESSAGE_LEN;
}

so_sas_result so_sas_begin(so_sas *sas, const so_association *association, const so_random *random,
                           uint8_t out[SO_SAS_MESSAGE_LEN], size_t *out_len)
{
    uint8_t commitment[SO_SHA256_LEN];

    *out_len = 0;
    memset(sas, 0, sizeof *sas);
    sas->association = *association;
    if (so_equal_secret(association->client_fingerprint, association->server_fingerprint, SO_SHA256_LEN))
        return broken(sas, SO_SAS_REFLECTED);
    if (so_random_fill(random, sas->own_nonce, SO_SAS_NONCE_LEN) != SO_OK)
        return broken(sas, SO_SAS_FAILED);
    if (!association->dtls_client) {
        set_state(sas, SO_SAS_AWAITS_COMMIT);
        return SO_SAS_GOES_ON;
    }
    if (commit_to(sas, sas->own_nonce, commitment) != SO_OK)
        return broken(sas, SO_SAS_FAILED);
    *out_len = write_message(out, KIND_COMMIT, commitment);
    set_state(sas, SO_SAS_AWAITS_NONCE);
    return SO_SAS_GOES_ON;
}

static so_sas_result take_commit(so_sas *sas, const uint8_t *commitment, uint8_t *out, size_t *out_len)
{
    memcpy(sas->commitment, commitment, sizeof sas->commitment);
    *out_len = write_message(out, KIND_NONCE, sas->own_nonce);
    set_state(sas, SO_SAS_AWAITS_REVEAL);
    return SO_SAS_GOES_ON;
}

static so_sas_result take_nonce(so_sas *sas, const uint8_t *nonce, uint8_t *out, size_t *out_len)
{
    if (so_equal_secret(nonce, sas->own_nonce, SO_SAS_NONCE_LEN))
        return broken(sas, SO_SAS_REFLECTED);
    *out_len = write_message(out, KIND_REVEAL, sas->own_nonce);
    return finish(sas, sas->own_nonce, nonce);
}

static so_sas_result take_reveal(so_sas *sas, const uint8_t *nonce)
{
    uint8_t commitment[SO_SHA256_LEN];

    if (so_equal_secret(nonce, sas->own_nonce, SO_SAS_NONCE_LEN))
        return broken(sas, SO_SAS_REFLECTED);
    if (commit_to(sas, nonce, commitment) != SO_OK)
        return broken(sas, SO_SAS_FAILED);
    if (!so_equal_secret(commitment, sas->commitment, sizeof commitment))
        return broken(sas, SO_SAS_COMMITMENT);
    return finish(sas, nonce, sas->own_nonce);
}

so_sas_result so_sas_take(so_sas *sas, const uint8_t *message, size_t len, uint8_t out[SO_SAS_MESSAGE_LEN],
                          size_t *out_len)
{
    so_reader r = so_reader_of(message, len);
    uint8_t kind = so_read_u8(&r);
    const uint8_t *body = so_read_bytes(&r, SO_SAS_NONCE_LEN);

    *out_len = 0;
    if (kind != KIND_COMMIT && kind != KIND_NONCE && kind != KIND_REVEAL) /* an empty message reads as 0 */
        return SO_SAS_IGNORED;
    if (body == NULL || so_reader_left(&r) != 0)
        return broken(sas, SO_SAS_ORDER);
    if (kind == KIND_COMMIT && sas->state == SO_SAS_AWAITS_COMMIT)
        return take_commit(sas, body, out, out_len);
    if (kind == KIND_NONCE && sas->state == SO_SAS_AWAITS_NONCE)
        return take_nonce(sas, body, out, out_len);
    if (kind == KIND_REVEAL && sas->state == SO_SAS_AWAITS_REVEAL)
        return take_reveal(sas, body);
    return broken(sas, SO_SAS_ORDER);
}

so_status so_sas_string(const so_sas *sas, uint8_t string[SO_SAS_LEN])
{
    if (sas->state != SO_SAS_HAS_STRING)
        return SO_STATE;
    memcpy(string, sas->string, SO_SAS_LEN);
    return SO_OK;
}

void so_sas_end(so_sas *sas)
{
    so_wipe(sas, sizeof *sas);
    sas->state = SO_SAS_BROKEN;
}

const char *so_sas_code(so_sas_result result)
{
    static const char *const codes[] = {
        [SO_SAS_ORDER] = "sas-order",
        [SO_SAS_COMMITMENT] = "sas-commitment",
        [SO_SAS_REFLECTED] = "sas-reflected",
        [SO_SAS_FAILED] = "no-memory",
    };
    return codes[result];
}
