#include "cli/keyring.h"

#include "base/bytes.h"
#include "base/secret.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define LAYER "identity"
#define IDENTITY_FILE "identity.pem"
#define PEERS_FILE "peers.json"
#define MODE 0600u
#define MADE "made "
/* The line above it, and a P-256 key, encrypted or not, which takes 500 bytes. */
#define IDENTITY_MAX 2048

static void path_of(char out[PATH_MAX], const so_folder *folder, const char *name)
{
    (void)snprintf(out, PATH_MAX, "%.*s/%s", PATH_MAX - 64, folder->path, name);
}

/* ---- the identity key ---- */

/* The line before the PEM says when it was made; a key from elsewhere does not. */
static void read_since(char since[SO_KNOWN_TIME_LEN + 1], const so_pem *text)
{
    const char *pem = strstr(text->text, "-----BEGIN"), *made = strstr(text->text, MADE);

    since[0] = '\0';
    if (made == NULL || pem == NULL || made > pem)
        return;
    (void)snprintf(since, SO_KNOWN_TIME_LEN + 1, "%.*s", SO_KNOWN_TIME_LEN, made + strlen(MADE));
    if (!so_known_time_is(since))
        since[0] = '\0';
}

static so_status read_identity(const so_folder *folder, so_slice passphrase, so_pkey **key, so_identity_view *view,
                               so_error *err)
{
    char what[PATH_MAX + 32];
    so_pem text;
    so_status status = so_folder_read(folder, IDENTITY_FILE, true, &text, err);

    memset(view, 0, sizeof *view);
    *key = NULL;
    path_of(view->path, folder, IDENTITY_FILE);
    if (status != SO_OK)
        return status;
    (void)snprintf(what, sizeof what, "the identity key %.200s", view->path);
    status = so_pkey_read(key, so_pem_slice(&text), passphrase, what, err);
    if (status == SO_OK) {
        read_since(view->since, &text);
        view->encrypted = so_pkey_is_encrypted(so_pem_slice(&text));
        if (so_thumbprint(view->key, *key) != SO_OK)
            status = so_fail(err, SO_BAD_INPUT, LAYER,
                             "%s is not a P-256 key, and others could not check it; run sotto identity new", what);
    }
    if (status != SO_OK) {
        so_pkey_free(*key);
        *key = NULL;
    }
    so_pem_free(&text);
    return status;
}

static so_status write_identity(const so_folder *folder, so_slice passphrase, so_error *err)
{
    char since[SO_KNOWN_TIME_LEN + 1];
    uint8_t text[IDENTITY_MAX];
    so_writer w = so_writer_of(text, sizeof text);
    so_pem pem = {NULL, 0};
    so_pkey *key;
    so_status status = so_pkey_make(&key, err);

    if (status == SO_OK)
        status = so_pkey_write(&pem, key, passphrase, &so_random_system, err);
    so_pkey_free(key);
    if (status != SO_OK)
        return status;
    so_known_time(since, (so_unix)time(NULL));
    so_write_format(&w, "Your identity key for sotto, " MADE "%s. Who has it can pass for you.\n", since);
    so_write_bytes(&w, pem.text, pem.len);
    so_pem_free(&pem);
    status = so_writer_len(&w) == 0
                 ? so_fail(err, SO_TOO_LONG, LAYER, "the new key's text is too long; update OpenSSL")
                 : so_folder_write(folder, IDENTITY_FILE, (so_slice){text, so_writer_len(&w)}, MODE, err);
    so_wipe(text, sizeof text);
    return status;
}

/* What was made is read again: what a call will do is what was tried here. */
static so_status make_identity(const so_folder *folder, so_slice passphrase, so_pkey **key, so_identity_view *view,
                               so_error *err)
{
    so_status status = write_identity(folder, passphrase, err);

    return status == SO_OK ? read_identity(folder, passphrase, key, view, err) : status;
}

so_status so_identity_open(const char *state, so_slice passphrase, so_pkey **key, so_error *err)
{
    so_identity_view view;
    so_folder folder;
    so_status status = so_folder_open_state(&folder, state, true, err);

    *key = NULL;
    if (status != SO_OK)
        return status;
    status = read_identity(&folder, passphrase, key, &view, err);
    if (status == SO_NOT_FOUND) {
        status = so_folder_lock(&folder, err);
        if (status == SO_OK) /* another call may have made it meanwhile */
            status = read_identity(&folder, passphrase, key, &view, err);
        if (status == SO_NOT_FOUND)
            status = make_identity(&folder, passphrase, key, &view, err);
    }
    so_folder_close(&folder);
    return status;
}

so_status so_identity_look(const char *state, so_slice passphrase, so_identity_view *view, so_error *err)
{
    so_folder folder;
    so_pkey *key = NULL;
    so_status status = so_folder_open_state(&folder, state, false, err);

    if (status == SO_OK)
        status = read_identity(&folder, passphrase, &key, view, err);
    if (status == SO_NOT_FOUND)
        status = so_fail(err, status, LAYER,
                         "there is no identity in %.200s yet; the first call makes one, and so does sotto identity new",
                         folder.path);
    so_pkey_free(key);
    so_folder_close(&folder);
    return status;
}

so_status so_identity_make(const char *state, so_slice passphrase, bool replace, so_identity_view *view, so_error *err)
{
    so_folder folder;
    so_pem old = {NULL, 0};
    so_pkey *key = NULL;
    bool there = false;
    so_status status = so_folder_open_state(&folder, state, true, err);

    if (status == SO_OK)
        status = so_folder_lock(&folder, err);
    if (status == SO_OK) {
        status = so_folder_read(&folder, IDENTITY_FILE, false, &old, err);
        there = status != SO_NOT_FOUND; /* whatever it is */
        so_pem_free(&old);
        if (!there || replace)
            status = SO_OK;
        else if (status == SO_OK)
            status = so_fail(err, SO_STATE, LAYER,
                             "there is an identity in %.200s already, and who has remembered you would be warned of a "
                             "new one; pass --force to replace it all the same",
                             folder.path);
    }
    if (status == SO_OK)
        status = make_identity(&folder, passphrase, &key, view, err);
    if (status == SO_OK)
        view->replaced = there;
    so_pkey_free(key);
    so_folder_close(&folder);
    return status;
}

/* ---- known peers ---- */

static so_status read_peers(const so_folder *folder, so_known *known, so_error *err)
{
    char what[PATH_MAX], path[PATH_MAX];
    so_pem text;
    so_status status = so_folder_read(folder, PEERS_FILE, true, &text, err);

    memset(known, 0, sizeof *known);
    if (status == SO_NOT_FOUND)
        return SO_OK;
    path_of(path, folder, PEERS_FILE);
    (void)snprintf(what, sizeof what, "the file %.200s", path);
    if (status == SO_OK)
        status = so_known_parse(known, so_pem_slice(&text), what, err);
    so_pem_free(&text);
    return status;
}

so_status so_peers_load(const char *state, so_known *known, so_error *err)
{
    so_folder folder;
    so_status status = so_folder_open_state(&folder, state, false, err);

    memset(known, 0, sizeof *known);
    if (status == SO_NOT_FOUND)
        return SO_OK;
    if (status == SO_OK)
        status = read_peers(&folder, known, err);
    so_folder_close(&folder);
    return status;
}

so_status so_peers_change(const char *state, so_peers_edit edit, void *user, so_error *err)
{
    so_known known = {NULL, 0, 0};
    so_pem text = {NULL, 0};
    so_folder folder;
    so_status status = so_folder_open_state(&folder, state, true, err);

    if (status == SO_OK)
        status = so_folder_lock(&folder, err);
    if (status == SO_OK)
        status = read_peers(&folder, &known, err);
    if (status == SO_OK)
        status = edit(&known, user, err);
    if (status == SO_OK)
        status = so_known_write(&known, &text, err);
    if (status == SO_OK)
        status = so_folder_write(&folder, PEERS_FILE, so_pem_slice(&text), MODE, err);
    so_pem_free(&text);
    so_known_free(&known);
    so_folder_close(&folder);
    return status;
}
