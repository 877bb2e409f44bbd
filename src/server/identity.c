#include "server/identity.h"

#include "server/authority.h"
#include "trust/chain.h"

#include <stdlib.h>
#include <string.h>

static void note(so_identity *identity, const char *text, bool warns)
{
    (void)snprintf(identity->note, sizeof identity->note, "%s", text);
    identity->note_warns = warns;
}

/* Checks chain and key as a client would, and makes the TLS context of them. */
static so_status take(so_identity *identity, const so_pem *chain, const so_pem *key, const so_slice *anchors,
                      size_t anchor_count, so_unix now, so_error *err)
{
    so_chain_request request = {.cert = so_pem_slice(chain),
                                .key = so_pem_slice(key),
                                .anchors = anchors,
                                .anchor_count = anchor_count,
                                .now = now};
    so_chain_report report;
    so_status status = so_chain_check(&request, &report, err);

    if (status != SO_OK)
        return status;
    status = so_tls_server(&identity->ctx, chain->text, chain->len, key->text, key->len, err);
    if (status == SO_OK) {
        identity->names = report.names;
        identity->name_count = report.name_count;
        report.names = NULL;
        report.name_count = 0;
        identity->not_after = report.not_after;
        (void)snprintf(identity->sha256, sizeof identity->sha256, "%s", report.sha256);
        if (report.warning[0] != '\0' && identity->note[0] == '\0')
            note(identity, report.warning, true);
    }
    so_chain_report_free(&report);
    return status;
}

static so_status load_files(so_identity *identity, const so_options *o, so_unix now, so_error *err)
{
    so_pem chain = {0}, key = {0}, system = {0};
    so_slice anchors;
    so_status status;

    if (o->cert == NULL || o->key == NULL)
        return so_fail(err, SO_BAD_INPUT, "options", "--cert and --key go together; %s is missing",
                       o->cert == NULL ? "--cert" : "--key");
    identity->cert_file = strdup(o->cert);
    identity->key_file = strdup(o->key);
    if (identity->cert_file == NULL || identity->key_file == NULL)
        return so_fail(err, SO_NO_MEMORY, "certificate", "not enough memory to load the certificate");
    status = so_folder_read_path(o->cert, false, &chain, err);
    if (status == SO_OK)
        status = so_folder_read_path(o->key, true, &key, err);
    if (status == SO_OK) {
        so_error ignored; /* a chain that ends in its own root needs no system store */
        size_t count = so_system_anchors_read(&system, &ignored) == SO_OK;
        anchors = so_pem_slice(&system);
        status = take(identity, &chain, &key, &anchors, count, now, err);
    }
    so_pem_free(&chain);
    so_pem_free(&key);
    so_pem_free(&system);
    return status;
}

static char *path_in(const so_authority *authority, const char *name)
{
    size_t len = strlen(authority->folder.path) + strlen(name) + 2;
    char *path = malloc(len);

    if (path != NULL)
        (void)snprintf(path, len, "%s/%s", authority->folder.path, name);
    return path;
}

static so_status ensure_leaf(so_identity *identity, so_authority *authority, const so_options *o, so_unix now,
                             so_error *err)
{
    so_name names[SO_LIST_MAX];
    so_pem passphrase = {0};
    so_authority_wish wish = {.names = names, .name_count = o->name.count, .now = now, .random = &so_random_system};
    so_authority_outcome outcome;
    so_status status = SO_OK;

    for (size_t i = 0; i < o->name.count && status == SO_OK; i++)
        status = so_name_parse(&names[i], o->name.items[i], err);
    if (status == SO_OK && o->passphrase_file != NULL)
        status = so_passphrase_read(o->passphrase_file, &passphrase, err);
    wish.passphrase = so_pem_slice(&passphrase);
    if (status == SO_OK)
        status = so_authority_ensure(authority, &wish, &outcome, err);
    so_pem_free(&passphrase);
    if (status != SO_OK)
        return status;
    (void)snprintf(identity->ca_sha256, sizeof identity->ca_sha256, "%s", outcome.ca_sha256);
    if (outcome.warning[0] != '\0')
        note(identity, outcome.warning, true);
    else if (outcome.act != SO_AUTHORITY_KEPT)
        note(identity, outcome.said, false);
    return SO_OK;
}

static so_status load_local(so_identity *identity, const so_options *o, so_unix now, so_error *err)
{
    so_authority authority;
    so_issued server = {0};
    so_status status = so_authority_open(&authority, o->state, true, err);

    if (status != SO_OK)
        return status;
    identity->local_ca = true;
    identity->cert_file = path_in(&authority, "server.pem");
    identity->key_file = path_in(&authority, "server.key");
    identity->ca_file = path_in(&authority, "ca.pem");
    if (identity->cert_file == NULL || identity->key_file == NULL || identity->ca_file == NULL)
        status = so_fail(err, SO_NO_MEMORY, "certificate", "not enough memory to load the certificate");
    if (status == SO_OK)
        status = ensure_leaf(identity, &authority, o, now, err);
    if (status == SO_OK)
        status = so_authority_load(&authority, &server, err);
    if (status == SO_OK)
        status = take(identity, &server.cert, &server.key, NULL, 0, now, err);
    so_issued_free(&server);
    so_authority_close(&authority);
    return status;
}

so_status so_identity_load(so_identity *identity, const so_options *o, so_unix now, so_error *err)
{
    so_status status;

    memset(identity, 0, sizeof *identity);
    status = o->cert != NULL || o->key != NULL ? load_files(identity, o, now, err) : load_local(identity, o, now, err);
    if (status != SO_OK)
        so_identity_free(identity);
    return status;
}

void so_identity_free(so_identity *identity)
{
    SSL_CTX_free(identity->ctx);
    free(identity->names);
    free(identity->cert_file);
    free(identity->key_file);
    free(identity->ca_file);
    memset(identity, 0, sizeof *identity);
}

bool so_identity_names(const so_identity *identity, const char *host, size_t len)
{
    char text[SO_NAME_MAX + 1];

    if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
        host++;
        len -= 2;
    }
    if (len == 0 || len >= sizeof text)
        return false;
    memcpy(text, host, len);
    text[len] = '\0';
    return so_names_cover(identity->names, identity->name_count, text);
}
