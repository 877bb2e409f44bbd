#include "trust/chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LAYER "certificate"
#define RSA_BITS_MIN 2048
#define EC_BITS_MIN 256
#define ANCHORS_MAX 8

/* One check at work: the chain as read, and the anchors. */
typedef struct check {
    so_certs *chain;
    so_certs *anchors[ANCHORS_MAX];
    size_t anchor_count;
    so_unix now;
} check;

static size_t chain_len(const check *c)
{
    return so_certs_count(c->chain);
}

static so_status read_input(check *c, const so_chain_request *request, so_error *err)
{
    so_status status = so_certs_read(&c->chain, request->cert, "the certificate file", err);

    if (status == SO_OK && chain_len(c) > SO_CHAIN_MAX)
        status = so_fail(err, SO_TOO_LONG, LAYER,
                         "the certificate file holds %zu certificates, and a chain has at most %d; give the server's "
                         "own and its intermediates alone",
                         chain_len(c), SO_CHAIN_MAX);
    if (request->anchor_count > ANCHORS_MAX)
        return so_fail(err, SO_TOO_LONG, LAYER, "more than %d files of trusted CAs were given; join some of them",
                       ANCHORS_MAX);
    for (size_t i = 0; status == SO_OK && i < request->anchor_count; i++) {
        status = so_certs_read(&c->anchors[i], request->anchors[i], "a file of trusted CAs", err);
        if (status == SO_OK)
            c->anchor_count++;
    }
    return status;
}

static so_status check_key(const check *c, const so_chain_request *request, so_error *err)
{
    so_pkey *key = NULL;
    so_status status = so_pkey_read(&key, request->key, request->passphrase, "the server's key", err);
    size_t match = 0;

    if (status != SO_OK)
        return status;
    while (match < chain_len(c) && !so_certs_key_matches(c->chain, match, key))
        match++;
    so_pkey_free(key);
    if (match == 0)
        return SO_OK;
    if (match < chain_len(c))
        return so_fail(err, SO_REFUSED, LAYER,
                       "the key belongs to certificate %zu of the file, not to the first; put the server's own "
                       "certificate first and its issuers after it",
                       match + 1);
    return so_fail(err, SO_REFUSED, LAYER,
                   "key and certificate don't belong together: the certificate (%.80s) has another public key; give "
                   "the key that it was requested with",
                   so_certs_at(c->chain, 0)->subject);
}

static so_status check_leaf(const check *c, so_error *err)
{
    const so_cert *leaf = so_certs_at(c->chain, 0);

    if (leaf->is_ca)
        return so_fail(err, SO_REFUSED, LAYER,
                       "the first certificate (%.80s) is a CA's, which no server may use as its own; put the server's "
                       "certificate first, or have one issued (sotto ca issue NAME)",
                       leaf->subject);
    if ((leaf->key_kind == SO_KEY_RSA && leaf->key_bits < RSA_BITS_MIN) ||
        (leaf->key_kind == SO_KEY_EC && leaf->key_bits < EC_BITS_MIN))
        return so_fail(
            err, SO_REFUSED, LAYER,
            "the certificate's key is too weak (%s, %u bits); have it issued again with P-256, or with RSA of "
            "2048 bits or more",
            leaf->key_kind == SO_KEY_RSA ? "RSA" : "EC", leaf->key_bits);
    if (leaf->key_kind == SO_KEY_OTHER)
        return so_fail(err, SO_REFUSED, LAYER,
                       "the certificate's key is neither EC nor RSA, and browsers take no other; have it issued again "
                       "with P-256");
    if (leaf->name_count == 0)
        return so_fail(err, SO_REFUSED, LAYER,
                       "the certificate (%.80s) has no host name or address in its subjectAltName, and browsers look "
                       "nowhere else; have it issued again with one",
                       leaf->subject);
    if (!leaf->server_auth)
        return so_fail(err, SO_REFUSED, LAYER,
                       "the certificate (%.80s) is not for servers: its extended key usage lacks serverAuth; have it "
                       "issued again with it",
                       leaf->subject);
    return SO_OK;
}

static so_status check_dates(const check *c, so_error *err)
{
    char day[SO_DATE_LEN], today[SO_DATE_LEN];

    so_date_text(today, c->now);
    for (size_t i = 0; i < chain_len(c); i++) {
        const so_cert *cert = so_certs_at(c->chain, i);
        if (c->now > cert->not_after) {
            so_date_text(day, cert->not_after);
            return so_fail(err, SO_REFUSED, LAYER,
                           "certificate %zu (%.80s) expired on %s; renew it with its whole chain, or set this "
                           "machine's clock, which says %s",
                           i + 1, cert->subject, day, today);
        }
        if (c->now < cert->not_before) {
            so_date_text(day, cert->not_before);
            return so_fail(
                err, SO_REFUSED, LAYER,
                "certificate %zu (%.80s) is valid from %s only; wait, or set this machine's clock, which says "
                "%s",
                i + 1, cert->subject, day, today);
        }
    }
    return SO_OK;
}

static bool anchored(const check *c, size_t index)
{
    for (size_t i = 0; i < c->anchor_count; i++) {
        for (size_t j = 0; j < so_certs_count(c->anchors[i]); j++) {
            if (so_certs_signed_by(c->chain, index, c->anchors[i], j))
                return true;
        }
    }
    return false;
}

/* Certificate i is not signed by the one after it: is its issuer somewhere else in the file, or nowhere? */
static so_status name_gap(const check *c, size_t i, so_error *err)
{
    const so_cert *cert = so_certs_at(c->chain, i);

    for (size_t j = 0; j < chain_len(c); j++) {
        if (j != i && so_certs_signed_by(c->chain, i, c->chain, j))
            return so_fail(err, SO_REFUSED, LAYER,
                           "the certificates are out of order: number %zu is signed by number %zu; put each issuer "
                           "right after what it signed",
                           i + 1, j + 1);
    }
    if (cert->self_signed)
        return so_fail(err, SO_REFUSED, LAYER,
                       "certificate %zu (%.80s) is self-signed, so those after it don't belong to the chain; remove "
                       "them",
                       i + 1, cert->subject);
    return so_fail(err, SO_REFUSED, LAYER,
                   "the chain has a gap: certificate %zu (%.64s) is signed by '%.64s', which is not in the file; send "
                   "the whole chain (the CA's fullchain.pem: the server's certificate, then every intermediate)%s",
                   i + 1, cert->subject, cert->issuer,
                   i + 1 == chain_len(c) ? ", or pass a private CA with --ca FILE" : "");
}

static so_status check_whole(const check *c, so_error *err)
{
    size_t last = chain_len(c) - 1;

    for (size_t i = 0; i < last; i++) {
        if (!so_certs_signed_by(c->chain, i, c->chain, i + 1))
            return name_gap(c, i, err);
    }
    if (so_certs_at(c->chain, last)->self_signed || anchored(c, last))
        return SO_OK;
    return name_gap(c, last, err);
}

/* What the steps above leave: constraints, path lengths, weak keys and digests of the CAs. */
static so_status check_path(const check *c, so_error *err)
{
    const so_cert *last = so_certs_at(c->chain, chain_len(c) - 1);
    const so_certs *anchors[ANCHORS_MAX];
    so_verify_request request = {.chain = c->chain, .now = c->now, .trust_last = last->self_signed};
    int verify_error = 0;
    so_status status;

    for (size_t i = 0; i < c->anchor_count; i++)
        anchors[i] = c->anchors[i];
    request.anchors = anchors;
    request.anchor_count = c->anchor_count;
    status = so_certs_verify(&request, &verify_error);
    if (status == SO_REFUSED)
        return so_chain_explain(verify_error, chain_len(c), so_certs_at(c->chain, 0)->names[0].text, err);
    if (status != SO_OK)
        return so_fail(err, status, LAYER, "the chain could not be checked; free memory and try again");
    return SO_OK;
}

static void warn(const check *c, so_chain_report *report)
{
    const so_cert *leaf = so_certs_at(c->chain, 0);
    const so_cert *first = leaf;
    char day[SO_DATE_LEN];

    for (size_t i = 1; i < chain_len(c); i++) {
        if (so_certs_at(c->chain, i)->not_after < first->not_after)
            first = so_certs_at(c->chain, i);
    }
    report->days_left = (int)((first->not_after - c->now) / SO_DAY);
    so_date_text(day, first->not_after);
    if (first->not_after - c->now < SO_CHAIN_WARN_DAYS * SO_DAY)
        (void)snprintf(report->warning, sizeof report->warning,
                       "the certificate %.80s ends on %s, in %d days; renew it before", first->subject, day,
                       report->days_left);
    else if (leaf->self_signed)
        (void)snprintf(report->warning, sizeof report->warning,
                       "the certificate is self-signed: only machines that hold this very certificate will connect; "
                       "one from a CA (sotto ca issue NAME) can be renewed without telling them");
}

static so_status fill_report(const check *c, so_chain_report *report, so_error *err)
{
    const so_cert *leaf = so_certs_at(c->chain, 0);

    report->names = calloc(leaf->name_count, sizeof *report->names);
    if (report->names == NULL)
        return so_fail(err, SO_NO_MEMORY, LAYER, "no memory left to check the certificate; free some and try again");
    memcpy(report->names, leaf->names, leaf->name_count * sizeof *report->names);
    report->name_count = leaf->name_count;
    report->sent = chain_len(c);
    report->not_before = leaf->not_before;
    report->not_after = leaf->not_after;
    memcpy(report->subject, leaf->subject, sizeof report->subject);
    memcpy(report->issuer, leaf->issuer, sizeof report->issuer);
    memcpy(report->sha256, leaf->sha256, sizeof report->sha256);
    warn(c, report);
    return SO_OK;
}

so_status so_chain_check(const so_chain_request *request, so_chain_report *report, so_error *err)
{
    check c = {.now = request->now};
    so_status status = read_input(&c, request, err);

    memset(report, 0, sizeof *report);
    if (status == SO_OK)
        status = check_key(&c, request, err);
    if (status == SO_OK)
        status = check_leaf(&c, err);
    if (status == SO_OK)
        status = check_dates(&c, err);
    if (status == SO_OK)
        status = check_whole(&c, err);
    if (status == SO_OK)
        status = check_path(&c, err);
    if (status == SO_OK)
        status = fill_report(&c, report, err);
    so_certs_free(c.chain);
    for (size_t i = 0; i < c.anchor_count; i++)
        so_certs_free(c.anchors[i]);
    return status;
}

void so_chain_report_free(so_chain_report *report)
{
    free(report->names);
    memset(report, 0, sizeof *report);
}
