/* One certificate set of each kind with which somebody could pose as a server, and honest ones to compare with. */
#ifndef SOTTO_TESTS_IMPOSTORS_H
#define SOTTO_TESTS_IMPOSTORS_H

#include "base/clock.h"
#include "crypto/pkey.h"

#define IMPOSTORS_MAX 20

typedef struct impostor {
    const char *kind;    /* also the name of its files */
    int verify_error;    /* what OpenSSL says with ca as the only anchor; 0: it is honest */
    const char *because; /* words that so_chain_explain's sentence must hold; NULL: it is honest */
    so_pem chain;        /* as the server sends it */
    so_pem key;
} impostor;

typedef struct impostors {
    so_pem ca; /* the one CA that the client trusts */
    impostor list[IMPOSTORS_MAX];
    size_t count;
} impostors;

/* host: the name or address that the client calls. False when OpenSSL fails; impostors_free in either case. */
bool impostors_make(impostors *all, const char *host, so_unix now);
void impostors_free(impostors *all);
const impostor *impostors_find(const impostors *all, const char *kind);

#endif
