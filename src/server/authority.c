#include "server/authority.h"

#include <stdlib.h>
#include <string.h>

#define LAYER "authority"
#define CA_CERT "ca.pem"
#define CA_KEY "ca.key"
#define SERVER_CERT "server.pem"
#define SERVER_KEY "server.key"
#define CERT_MODE 0644u
#define KEY_MODE 0600u

static const so_slice none = {NULL, 0};

so_status so_authority_open(so_authority *authority, const char *dir, bool create, so_error *err)
{
    so_status status;

    memset(authority, 0, sizeof *authority);
    status = so_folder_open_state(&authority->folder, dir, create, err);
    if (status == SO_NOT_FOUND && !create)
        status = so_fail(err, status, LAYER,
                         "there is no CA yet, since the folder %.200s does not exist; run sotto ca "
                         "init or sotto serve",
                         authority->folder.path);
    return status;
}

void so_authority_close(so_authority *authority)
{
    so_folder_close(&authority->folder);
}

/* What the folder holds. A member that is not there stays empty. */
typedef struct state {
    so_pem ca_cert, ca_key, server_cert, server_key;
    so_certs *ca;
    so_certs *server;
    bool server_ours; /* signed by ca, and server_key belongs to it */
} state;

static void state_end(state *s)
{
    so_pem_free(&s->ca_cert);
    so_pem_free(&s->ca_key);
    so_pem_free(&s->server_cert);
    so_pem_free(&s->server_key);
    so_certs_free(s->ca);
    so_certs_free(s->server);
    memset(s, 0, sizeof *s);
}

static so_status read_optional(const so_folder *folder, const char *name, bool secret, so_pem *out, so_error *err)
{
    so_status status = so_folder_read(folder, name, secret, out, err);

    return status == SO_NOT_FOUND ? SO_OK : status;
}

/* A damaged server certificate, or a key of another one, is no fault: both are made again. */
static void look_at_server(state *s)
{
    so_pkey *key = NULL;

    if (s->server_cert.len == 0 || so_certs_read(&s->server, so_pem_slice(&s->server_cert), SERVER_CERT, NULL) != SO_OK)
        return;
    if (so_pkey_read(&key, so_pem_slice(&s->server_key), none, SERVER_KEY, NULL) == SO_OK)
        s->server_ours =
            so_certs_key_matches(s->server, 0, key) && s->ca != NULL && so_certs_signed_by(s->server, 0, s->ca, 0);
    so_pkey_free(key);
}

static so_status state_read(state *s, const so_folder *folder, so_error *err)
{
    so_status status;

    memset(s, 0, sizeof *s);
    status = read_optional(folder, CA_CERT, false, &s->ca_cert, err);
    if (status == SO_OK)
        status = read_optional(folder, CA_KEY, true, &s->ca_key, err);
    if (status == SO_OK)
        status = read_optional(folder, SERVER_CERT, false, &s->server_cert, err);
    if (status == SO_OK)
        status = read_optional(folder, SERVER_KEY, true, &s->server_key, err);
    if (status == SO_OK && s->ca_cert.len > 0)
        status = so_certs_read(&s->ca, so_pem_slice(&s->ca_cert), CA_CERT " of the state folder", err);
    if (status == SO_OK)
        look_at_server(s);
    return status;
}

/* The certificate last: a crash in between leaves a key without one, which check_whole names. */
static so_status create_ca(so_authority *authority, const so_authority_wish *wish, so_authority_outcome *outcome,
                           so_error *err)
{
    so_permit *permits = calloc(SO_CA_PERMITS_MAX, sizeof *permits);
    so_ca_request request = {.permits = wish->permits,
                             .permit_count = wish->permit_count,
                             .passphrase = wish->passphrase,
                             .now = wish->now,
                             .random = wish->random};
    so_issued ca = {0};
    so_status status;

    if (permits == NULL)
        return so_fail(err, SO_NO_MEMORY, LAYER, "no memory left to make a CA; free some and try again");
    if (request.permit_count == 0) {
        request.permits = permits;
        request.permit_count = so_authority_default_permits(permits, wish->hostname);
    }
    status = so_ca_make(&request, &ca, err);
    if (status == SO_OK)
        status = so_folder_write(&authority->folder, CA_KEY, so_pem_slice(&ca.key), KEY_MODE, err);
    if (status == SO_OK)
        status = so_folder_write(&authority->folder, CA_CERT, so_pem_slice(&ca.cert), CERT_MODE, err);
    so_issued_free(&ca);
    free(permits);
    outcome->ca_created = status == SO_OK;
    return status;
}

static so_status check_whole(const state *s, const so_authority *authority, so_error *err)
{
    if (s->ca != NULL || s->ca_key.len == 0)
        return SO_OK;
    return so_fail(err, SO_STATE, LAYER,
                   "%.200s holds " CA_KEY " without " CA_CERT ": it was removed, or making the CA was interrupted; put "
                   "it back, or make a new CA with sotto ca init --force",
                   authority->folder.path);
}

static void add_name(so_name *names, size_t *count, const so_cert *ca, const so_name *name)
{
    if (*count == SO_LEAF_NAMES_MAX || !so_permits_allow(ca->permits, ca->permit_count, name))
        return;
    for (size_t i = 0; i < *count; i++) {
        if (so_name_equal(&names[i], name))
            return;
    }
    names[(*count)++] = *name;
}

/* See so_authority_wish.names. */
static size_t wanted_names(so_name names[SO_LEAF_NAMES_MAX], const state *s, const so_authority_wish *wish)
{
    const so_cert *ca = so_certs_at(s->ca, 0), *server = s->server == NULL ? NULL : so_certs_at(s->server, 0);
    so_name own[SO_LEAF_NAMES_MAX], name;
    size_t own_count, count = 0;

    if (wish->name_count > 0) {
        memcpy(names, wish->names, wish->name_count * sizeof *names);
        return wish->name_count;
    }
    own_count = so_authority_default_names(own, wish->hostname);
    for (size_t i = 0; i < own_count; i++)
        add_name(names, &count, ca, &own[i]);
    for (size_t i = 0; i < ca->permit_count; i++) {
        if (!ca->permits[i].excluded && strchr(ca->permits[i].text, '/') == NULL &&
            so_name_parse(&name, ca->permits[i].text, NULL) == SO_OK)
            add_name(names, &count, ca, &name);
    }
    for (size_t i = 0; server != NULL && i < server->name_count; i++)
        add_name(names, &count, ca, &server->names[i]);
    return count;
}

static bool has_all(const so_name *names, size_t count, const so_name *wanted, size_t wanted_count)
{
    for (size_t i = 0; i < wanted_count; i++) {
        size_t j = 0;
        while (j < count && !so_name_equal(&names[j], &wanted[i]))
            j++;
        if (j == count)
            return false;
    }
    return true;
}

static bool in_date(const so_cert *cert, so_unix now)
{
    return now >= cert->not_before && now <= cert->not_after;
}

/* What must be done with the server's certificate. */
static so_authority_act judge(const state *s, const so_name *names, size_t count, so_unix now)
{
    const so_cert *cert;

    if (s->server == NULL || s->server_key.len == 0)
        return SO_AUTHORITY_CREATED;
    cert = so_certs_at(s->server, 0);
    if (!s->server_ours || !has_all(cert->names, cert->name_count, names, count) ||
        !has_all(names, count, cert->names, cert->name_count))
        return SO_AUTHORITY_CHANGED;
    if (!in_date(cert, now) || cert->not_after - now <= (cert->not_after - cert->not_before) / 3)
        return SO_AUTHORITY_RENEWED;
    return SO_AUTHORITY_KEPT;
}

static so_status write_server(so_folder *folder, const so_issued *leaf, so_error *err)
{
    so_status status = so_folder_write(folder, SERVER_KEY, so_pem_slice(&leaf->key), KEY_MODE, err);

    if (status == SO_OK)
        status = so_folder_write(folder, SERVER_CERT, so_pem_slice(&leaf->cert), CERT_MODE, err);
    return status;
}

static so_status make_leaf(const state *s, const so_authority_wish *wish, const so_name *names, size_t count,
                           so_issued *leaf, so_error *err)
{
    const so_leaf_request request = {.ca_cert = so_pem_slice(&s->ca_cert),
                                     .ca_key = so_pem_slice(&s->ca_key),
                                     .passphrase = wish->passphrase,
                                     .names = names,
                                     .name_count = count,
                                     .days = wish->days == 0 ? SO_LEAF_DAYS : wish->days,
                                     .now = wish->now,
                                     .random = wish->random};

    memset(leaf, 0, sizeof *leaf);
    if (count == 0)
        return so_fail(err, SO_BAD_INPUT, LAYER,
                       "the CA permits none of this host's names; name the server's with sotto ca issue NAME");
    if (s->ca_key.len == 0)
        return so_fail(err, SO_STATE, LAYER,
                       "the CA's key (" CA_KEY ") is not in the state folder, so it can't issue; put it back for a "
                       "moment, or make a new CA with sotto ca init --force");
    return so_leaf_make(&request, leaf, err);
}

/* Is there a certificate that can be served while the CA's key is out of reach? */
static bool still_good(const state *s, so_unix now)
{
    return s->server != NULL && s->server_ours && in_date(so_certs_at(s->server, 0), now);
}

static void warn_unrenewed(so_authority_outcome *outcome, const state *s, so_authority_act act, so_unix now)
{
    const so_cert *cert = so_certs_at(s->server, 0);
    const char *why = s->ca_key.len == 0 ? "the CA's key is not in the state folder"
                                         : "the CA's key is encrypted and no --passphrase-file was given";
    const char *remedy = s->ca_key.len == 0 ? "put " CA_KEY " back for a moment and start again"
                                            : "start again with --passphrase-file FILE";

    outcome->act = SO_AUTHORITY_KEPT;
    if (act == SO_AUTHORITY_CHANGED)
        (void)snprintf(outcome->warning, sizeof outcome->warning,
                       "cannot issue a certificate for all of this host's names: %s; it stays for the names that it "
                       "has and ends in %lld days; %s",
                       why, (long long)((cert->not_after - now) / SO_DAY), remedy);
    else
        (void)snprintf(outcome->warning, sizeof outcome->warning,
                       "cannot renew the server's certificate: %s; it ends in %lld days; %s", why,
                       (long long)((cert->not_after - now) / SO_DAY), remedy);
}

/* As many as fit. */
static void list_names(char *out, size_t cap, const so_cert *cert)
{
    size_t at = 0;

    out[0] = '\0';
    for (size_t i = 0; i < cert->name_count; i++) {
        int len = snprintf(out + at, cap - at, "%s%s", i == 0 ? "" : ", ", cert->names[i].text);
        if (len < 0 || (size_t)len >= cap - at) {
            out[at] = '\0';
            return;
        }
        at += (size_t)len;
    }
}

static void tell(so_authority_outcome *outcome, const state *s, so_unix now)
{
    static const char *const verbs[] = {"kept the certificate for", "created a certificate for",
                                        "renewed the certificate for", "issued a new certificate for"};
    const so_cert *ca = so_certs_at(s->ca, 0), *server = so_certs_at(s->server, 0);
    char names[120], until[SO_DATE_LEN];

    outcome->leaf_ends = server->not_after;
    memcpy(outcome->ca_sha256, ca->sha256, sizeof outcome->ca_sha256);
    list_names(names, sizeof names, server);
    so_date_text(until, server->not_after);
    (void)snprintf(
        outcome->said, sizeof outcome->said, "%s%s %s, valid to %s", outcome->ca_created ? "created a CA and " : "",
        outcome->ca_created && outcome->act == SO_AUTHORITY_CREATED ? "a certificate for" : verbs[outcome->act], names,
        until);
    so_date_text(until, ca->not_after);
    if (outcome->warning[0] == '\0' && ca->not_after - now < SO_LEAF_DAYS * SO_DAY)
        (void)snprintf(outcome->warning, sizeof outcome->warning,
                       "the CA itself ends on %s; make a new one with sotto ca init --force before, and have every "
                       "machine trust that",
                       until);
}

/* Reads what was written, so that what is told is what stands on the disk. */
static so_status reread(state *s, const so_authority *authority, so_error *err)
{
    state_end(s);
    so_status status = state_read(s, &authority->folder, err);
    if (status == SO_OK && (s->ca == NULL || !s->server_ours))
        status = so_fail(err, SO_IO, LAYER, "%.200s does not hold what was just written to it; check the disk",
                         authority->folder.path);
    return status;
}

static so_status renew(so_authority *authority, state *s, const so_authority_wish *wish, const so_name *names,
                       size_t count, so_authority_outcome *outcome, so_error *err)
{
    so_authority_act act = judge(s, names, count, wish->now);
    bool out_of_reach =
        s->ca_key.len == 0 || (wish->passphrase.len == 0 && so_pkey_is_encrypted(so_pem_slice(&s->ca_key)));
    so_issued leaf;
    so_status status;

    outcome->act = act;
    if (act == SO_AUTHORITY_KEPT)
        return SO_OK;
    if (out_of_reach && still_good(s, wish->now)) {
        warn_unrenewed(outcome, s, act, wish->now);
        return SO_OK;
    }
    status = make_leaf(s, wish, names, count, &leaf, err);
    if (status == SO_OK)
        status = write_server(&authority->folder, &leaf, err);
    so_issued_free(&leaf);
    return status == SO_OK ? reread(s, authority, err) : status;
}

/* Under the lock. */
static so_status ensure(so_authority *authority, state *s, const so_authority_wish *wish, so_authority_outcome *outcome,
                        so_error *err)
{
    so_name *names;
    size_t count;
    so_status status = state_read(s, &authority->folder, err);

    if (status == SO_OK)
        status = check_whole(s, authority, err);
    if (status == SO_OK && s->ca == NULL) {
        status = create_ca(authority, wish, outcome, err);
        if (status == SO_OK) {
            state_end(s);
            status = state_read(s, &authority->folder, err);
        }
    }
    if (status == SO_OK && wish->name_count > SO_LEAF_NAMES_MAX)
        status = so_fail(err, SO_TOO_LONG, LAYER, "%zu names were given, and a certificate may have %d; leave some out",
                         wish->name_count, SO_LEAF_NAMES_MAX);
    if (status != SO_OK)
        return status;
    names = calloc(SO_LEAF_NAMES_MAX, sizeof *names);
    if (names == NULL)
        return so_fail(err, SO_NO_MEMORY, LAYER, "no memory left for the server's names; free some and try again");
    count = wanted_names(names, s, wish);
    status = renew(authority, s, wish, names, count, outcome, err);
    free(names);
    if (status == SO_OK)
        tell(outcome, s, wish->now);
    return status;
}

so_status so_authority_ensure(so_authority *authority, const so_authority_wish *wish, so_authority_outcome *outcome,
                              so_error *err)
{
    state s = {0};
    so_status status = so_folder_lock(&authority->folder, err);

    memset(outcome, 0, sizeof *outcome);
    if (status != SO_OK)
        return status;
    status = ensure(authority, &s, wish, outcome, err);
    state_end(&s);
    so_folder_unlock(&authority->folder);
    return status;
}

static so_status init(so_authority *authority, state *s, const so_authority_wish *wish, bool force,
                      so_authority_outcome *outcome, so_error *err)
{
    char until[SO_DATE_LEN];
    /* With force what is there does not count, damaged or not: it is about to go. */
    so_status status = force ? SO_OK : state_read(s, &authority->folder, err);

    if (status == SO_OK && !force && (s->ca_cert.len > 0 || s->ca_key.len > 0))
        status = so_fail(err, SO_STATE, LAYER,
                         "%.200s has a CA already; keep it, or pass --force to replace it: then every machine must "
                         "trust the new one",
                         authority->folder.path);
    if (status == SO_OK)
        status = create_ca(authority, wish, outcome, err);
    state_end(s);
    if (status == SO_OK)
        status = state_read(s, &authority->folder, err);
    if (status != SO_OK)
        return status;
    outcome->act = SO_AUTHORITY_CREATED;
    memcpy(outcome->ca_sha256, so_certs_at(s->ca, 0)->sha256, sizeof outcome->ca_sha256);
    so_date_text(until, so_certs_at(s->ca, 0)->not_after);
    (void)snprintf(outcome->said, sizeof outcome->said, "created a CA, valid to %s", until);
    return SO_OK;
}

so_status so_authority_init(so_authority *authority, const so_authority_wish *wish, bool force,
                            so_authority_outcome *outcome, so_error *err)
{
    state s = {0};
    so_status status = so_folder_lock(&authority->folder, err);

    memset(outcome, 0, sizeof *outcome);
    if (status != SO_OK)
        return status;
    status = init(authority, &s, wish, force, outcome, err);
    state_end(&s);
    so_folder_unlock(&authority->folder);
    return status;
}

static so_status write_out(const char *out, const so_issued *leaf, so_error *err)
{
    so_folder folder;
    so_status status = so_folder_open(&folder, out, SO_FOLDER_SHARED, true, err);

    if (status != SO_OK)
        return status;
    status = so_folder_lock(&folder, err);
    if (status == SO_OK)
        status = write_server(&folder, leaf, err);
    so_folder_close(&folder);
    return status;
}

static so_status tell_issued(const so_issued *leaf, const state *s, so_unix now, so_authority_outcome *outcome,
                             so_error *err)
{
    state seen = {.ca = s->ca};
    so_status status = so_certs_read(&seen.server, so_pem_slice(&leaf->cert), "the new certificate", err);

    if (status == SO_OK) {
        outcome->act = SO_AUTHORITY_CREATED;
        tell(outcome, &seen, now);
    }
    so_certs_free(seen.server);
    return status;
}

so_status so_authority_issue(so_authority *authority, const so_authority_wish *wish, const char *out,
                             so_authority_outcome *outcome, so_error *err)
{
    state s = {0};
    so_issued leaf = {0};
    so_status status = so_folder_lock(&authority->folder, err);

    memset(outcome, 0, sizeof *outcome);
    if (status != SO_OK)
        return status;
    status = state_read(&s, &authority->folder, err);
    if (status == SO_OK)
        status = check_whole(&s, authority, err);
    if (status == SO_OK && s.ca == NULL)
        status = so_fail(err, SO_NOT_FOUND, LAYER, "there is no CA in %.200s yet; run sotto ca init",
                         authority->folder.path);
    if (status == SO_OK)
        status = make_leaf(&s, wish, wish->names, wish->name_count, &leaf, err);
    if (status == SO_OK)
        status = out != NULL ? write_out(out, &leaf, err) : write_server(&authority->folder, &leaf, err);
    if (status == SO_OK)
        status = tell_issued(&leaf, &s, wish->now, outcome, err);
    so_issued_free(&leaf);
    state_end(&s);
    so_folder_unlock(&authority->folder);
    return status;
}

so_status so_authority_load(so_authority *authority, so_issued *server, so_error *err)
{
    so_status status = so_folder_lock(&authority->folder, err);

    memset(server, 0, sizeof *server);
    if (status != SO_OK)
        return status;
    status = so_folder_read(&authority->folder, SERVER_CERT, false, &server->cert, err);
    if (status == SO_OK)
        status = so_folder_read(&authority->folder, SERVER_KEY, true, &server->key, err);
    if (status != SO_OK)
        so_issued_free(server);
    so_folder_unlock(&authority->folder);
    return status;
}

static so_status look(so_authority *authority, state *s, so_authority_view *view, so_error *err)
{
    so_status status = state_read(s, &authority->folder, err);
    const char *dir = authority->folder.path;

    if (status == SO_OK)
        status = check_whole(s, authority, err);
    if (status == SO_OK && s->ca == NULL)
        status =
            so_fail(err, SO_NOT_FOUND, LAYER, "there is no CA in %.200s yet; run sotto ca init or sotto serve", dir);
    if (status != SO_OK)
        return status;
    (void)snprintf(view->ca_path, sizeof view->ca_path, "%.*s/" CA_CERT, PATH_MAX - 64, dir);
    (void)snprintf(view->server_path, sizeof view->server_path, "%.*s/" SERVER_CERT, PATH_MAX - 64, dir);
    view->key = s->ca_key.len == 0                               ? SO_CA_KEY_ABSENT
                : so_pkey_is_encrypted(so_pem_slice(&s->ca_key)) ? SO_CA_KEY_ENCRYPTED
                                                                 : SO_CA_KEY_PLAIN;
    view->ca = s->ca;
    view->server = s->server;
    s->ca = s->server = NULL;
    return SO_OK;
}

so_status so_authority_look(so_authority *authority, so_authority_view *view, so_error *err)
{
    state s = {0};
    so_status status = so_folder_lock(&authority->folder, err);

    memset(view, 0, sizeof *view);
    if (status != SO_OK)
        return status;
    status = look(authority, &s, view, err);
    state_end(&s);
    so_folder_unlock(&authority->folder);
    return status;
}

void so_authority_view_end(so_authority_view *view)
{
    so_certs_free(view->ca);
    so_certs_free(view->server);
    memset(view, 0, sizeof *view);
}
