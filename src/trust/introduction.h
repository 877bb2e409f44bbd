/*
 * Who is at the other end: a signature of a long-term key over this very association. docs/protocol.md, section 7.
 * Pure: messages of channel 0 in and out; the time is an argument.
 */
#ifndef SOTTO_TRUST_INTRODUCTION_H
#define SOTTO_TRUST_INTRODUCTION_H

#include "base/clock.h"
#include "trust/association.h"
#include "trust/jws.h"

#define SO_INTRODUCTION_KIND 0x10
/* Its kind, and the JWS. */
#define SO_INTRODUCTION_MAX (1 + 2048)
/* This end's own, to be sent when every door holds. */
so_status so_introduction_write(uint8_t out[SO_INTRODUCTION_MAX], size_t *out_len, so_pkey *key,
                                const so_association *association, so_unix now, so_error *err) SO_MUST_CHECK;

/* What one association hears of the other end. Nothing in it is secret. */
typedef struct so_introduction {
    so_association association;
    bool came;                              /* one is taken for each association, good or bad */
    char thumbprint[SO_THUMBPRINT_LEN + 1]; /* of the other end's key; "": it did not, or not well, introduce itself */
} so_introduction;

void so_introduction_begin(so_introduction *introduction, const so_association *association);

/*
 * Takes a binary message of channel 0. SO_NOT_FOUND: it is no introduction, and nothing changed. SO_OK: thumbprint is
 * there. SO_REFUSED: the call ends with identity-refused, and err says what is wrong with it; any other status: this
 * end could not check it, and the call must not go on either.
 */
so_status so_introduction_take(so_introduction *introduction, const uint8_t *message, size_t len, so_unix now,
                               so_error *err) SO_MUST_CHECK;

#endif
