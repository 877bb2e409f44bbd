/*
 * trust/sas: messages from somebody between two ends, in any order. The first byte of each piece says what it is: bytes
 * to an end, or what the other end said last. A string is there after "done" and at no other time; where nobody meddled
 * both have the same; and the server never takes a nonce that was not committed to.
 */
#include "trust/sas.h"

#include <stdlib.h>
#include <string.h>

typedef struct end {
    so_sas sas;
    so_sas_result result;
    uint8_t said[SO_SAS_MESSAGE_LEN];
    size_t said_len;
} end;

static void check(bool good)
{
    if (!good)
        abort();
}

static so_status count_up(void *user, uint8_t *out, size_t len)
{
    uint8_t *next = user;

    memset(out, ++*next, len);
    return SO_OK;
}

static void tell(end *e, const uint8_t *bytes, size_t len)
{
    bool over = e->result >= SO_SAS_ORDER;
    uint8_t string[SO_SAS_LEN], *copy = malloc(len + 1);
    so_sas_result result;

    check(copy != NULL);
    memcpy(copy, bytes, len);
    result = so_sas_take(&e->sas, copy, len, e->said, &e->said_len);
    free(copy);
    check(!over || result == SO_SAS_IGNORED || result == SO_SAS_ORDER);
    if (result != SO_SAS_IGNORED)
        e->result = result;
    check((so_sas_string(&e->sas, string) == SO_OK) == (e->result == SO_SAS_DONE));
    check(e->said_len == 0 || e->result == SO_SAS_GOES_ON || e->result == SO_SAS_DONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    uint8_t counter = 0, a[SO_SAS_LEN], b[SO_SAS_LEN], honest[SO_SAS_MESSAGE_LEN];
    so_random random = {count_up, &counter};
    so_association association = {.client_fingerprint = {1}, .server_fingerprint = {2}};
    end ends[2] = {{.result = SO_SAS_GOES_ON}, {.result = SO_SAS_GOES_ON}};
    size_t at = 0;
    bool forged = false;

    for (unsigned i = 0; i < 2; i++) {
        association.dtls_client = i == 0;
        check(so_sas_begin(&ends[i].sas, &association, &random, ends[i].said, &ends[i].said_len) == SO_SAS_GOES_ON);
    }
    while (at < len) {
        end *to = &ends[bytes[at] & 1], *from = &ends[1 - (bytes[at] & 1)];
        bool passed_on = bytes[at++] & 2;

        if (passed_on) {
            size_t honest_len = from->said_len;

            memcpy(honest, from->said, honest_len);
            tell(to, honest, honest_len);
        } else {
            size_t piece = len - at < SO_SAS_MESSAGE_LEN + 2 ? len - at : SO_SAS_MESSAGE_LEN + 2;

            if (at < len && bytes[at] % 8 != 0) /* most are of the length that counts */
                piece = piece < SO_SAS_MESSAGE_LEN ? piece : SO_SAS_MESSAGE_LEN;
            tell(to, bytes + at, piece);
            forged |= to == &ends[0] && to->result == SO_SAS_DONE;
            at += piece;
        }
    }
    /* The server takes no nonce but the client's. Where the client got another one, that is for the people to see. */
    if (!forged && so_sas_string(&ends[0].sas, a) == SO_OK && so_sas_string(&ends[1].sas, b) == SO_OK)
        check(memcmp(a, b, sizeof a) == 0);
    so_sas_end(&ends[0].sas);
    so_sas_end(&ends[1].sas);
    return 0;
}
