/*
 * What a person's end keeps in the state folder: the key by which others recognise it, identity.pem, and whom it knows,
 * peers.json. Both are for their owner's eyes alone, replaced whole or not at all, and refused when others could have
 * changed them. state: --state, or NULL for $XDG_STATE_HOME/sotto.
 */
#ifndef SOTTO_CLI_KEYRING_H
#define SOTTO_CLI_KEYRING_H

#include "server/folder.h"
#include "trust/known.h"

/* The identity key, made when there is none yet; ended with so_pkey_free. */
so_status so_identity_open(const char *state, so_slice passphrase, so_pkey **key, so_error *err) SO_MUST_CHECK;

typedef struct so_identity_view {
    char path[PATH_MAX];
    char key[SO_THUMBPRINT_LEN + 1];
    char since[SO_KNOWN_TIME_LEN + 1]; /* "": the file does not say */
    bool encrypted;
    bool replaced; /* made in the place of another */
} so_identity_view;

/* SO_NOT_FOUND: there is none yet. */
so_status so_identity_look(const char *state, so_slice passphrase, so_identity_view *view, so_error *err) SO_MUST_CHECK;

/* A new one. SO_STATE when there is one and replace is false. */
so_status so_identity_make(const char *state, so_slice passphrase, bool replace, so_identity_view *view,
                           so_error *err) SO_MUST_CHECK;

/* Whom this end knows; nobody when there is no file yet. Ended with so_known_free. */
so_status so_peers_load(const char *state, so_known *known, so_error *err) SO_MUST_CHECK;

/*
 * Changes the list that is in the file now, whoever wrote it last: read, changed by edit and written while no other
 * process can do the same. What edit refuses is not written.
 */
typedef so_status (*so_peers_edit)(so_known *known, void *user, so_error *err);
so_status so_peers_change(const char *state, so_peers_edit edit, void *user, so_error *err) SO_MUST_CHECK;

#endif
