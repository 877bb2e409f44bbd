/*
 * The state folder: this host's own CA and the server certificate that it signs. ca.pem, ca.key, server.pem (the whole
 * chain) and server.key. `sotto serve` asks for a certificate here when it is given none; `sotto ca` manages it.
 */
#ifndef SOTTO_SERVER_AUTHORITY_H
#define SOTTO_SERVER_AUTHORITY_H

#include "crypto/x509.h"
#include "server/folder.h"

#include <stdio.h>

/* From then on a certificate that can't be renewed is a warning: a month, and the last third of 90 days, too. */
#define SO_AUTHORITY_WARN_DAYS 30

typedef struct so_authority {
    so_folder folder;
} so_authority;

/*
 * dir NULL: $XDG_STATE_HOME/sotto, else ~/.local/state/sotto. SO_NOT_FOUND when it is not there and create is false.
 * The caller ends it with so_authority_close.
 */
so_status so_authority_open(so_authority *authority, const char *dir, bool create, so_error *err) SO_MUST_CHECK;
void so_authority_close(so_authority *authority);

/* What is wanted of the authority. All strings are the caller's. */
typedef struct so_authority_wish {
    /*
     * The server's names; with count 0: localhost, 127.0.0.1, ::1, this host and what the CA permits by one name, so
     * far as the CA permits them, and what the certificate had so far.
     */
    const so_name *names;
    size_t name_count;
    /* What a new CA may issue for; with count 0: this host, its .local name, loopback and private networks. */
    const so_permit *permits;
    size_t permit_count;
    const char *hostname; /* NULL: gethostname() */
    unsigned days;        /* 0: SO_LEAF_DAYS */
    so_slice passphrase;  /* of the CA's key; empty: none */
    so_unix now;
    const so_random *random;
} so_authority_wish;

typedef enum so_authority_act {
    SO_AUTHORITY_KEPT,    /* nothing was written */
    SO_AUTHORITY_CREATED, /* there was no CA, or no certificate */
    SO_AUTHORITY_RENEWED, /* the same names, a later end */
    SO_AUTHORITY_CHANGED, /* other names, or another CA */
} so_authority_act;

typedef struct so_authority_outcome {
    so_authority_act act;
    bool ca_created;
    so_unix leaf_ends;
    char ca_sha256[SO_FINGERPRINT_LEN];
    char said[200];    /* one line for people: "created a CA and a certificate for ... until ..." */
    char warning[400]; /* empty, or what will fail later, and the remedy */
} so_authority_outcome;

/*
 * After SO_OK server.pem and server.key are there, in date and for the wanted names: made where they were missing,
 * expired, in the last third of their time, for other names, or of another CA. Where the CA's key can't be used
 * (encrypted without passphrase, or taken away) a certificate that still holds is kept, with a warning in time.
 */
so_status so_authority_ensure(so_authority *authority, const so_authority_wish *wish, so_authority_outcome *outcome,
                              so_error *err) SO_MUST_CHECK;

/* A new CA alone. SO_STATE when there is one and force is false. */
so_status so_authority_init(so_authority *authority, const so_authority_wish *wish, bool force,
                            so_authority_outcome *outcome, so_error *err) SO_MUST_CHECK;

/* A new certificate for wish->names, into the state folder or, with out, into server.pem and server.key there. */
so_status so_authority_issue(so_authority *authority, const so_authority_wish *wish, const char *out,
                             so_authority_outcome *outcome, so_error *err) SO_MUST_CHECK;

/* The chain and its key, read together under the lock. */
so_status so_authority_load(so_authority *authority, so_issued *server, so_error *err) SO_MUST_CHECK;

typedef enum so_ca_key_state { SO_CA_KEY_PLAIN, SO_CA_KEY_ENCRYPTED, SO_CA_KEY_ABSENT } so_ca_key_state;

/* All that `sotto ca show` tells. The caller ends it with so_authority_view_end. */
typedef struct so_authority_view {
    char ca_path[PATH_MAX];
    char server_path[PATH_MAX];
    so_certs *ca;
    so_certs *server; /* NULL: none yet */
    so_ca_key_state key;
} so_authority_view;

so_status so_authority_look(so_authority *authority, so_authority_view *view, so_error *err) SO_MUST_CHECK;
void so_authority_view_end(so_authority_view *view);

/* How to make Chromium, Firefox and a whole system trust the CA: commands to copy. */
void so_authority_print_trust(FILE *out, const so_authority_view *view);

/* The names that a CA and a certificate have unless the operator says otherwise; hostname NULL: gethostname(). */
size_t so_authority_default_permits(so_permit permits[SO_CA_PERMITS_MAX], const char *hostname);
size_t so_authority_default_names(so_name names[SO_LEAF_NAMES_MAX], const char *hostname);

#endif
