#include "attack/impostors.h"

#include "crypto/names.h"

#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* A certificate in the making, and its key. */
typedef struct made {
    X509 *cert;
    EVP_PKEY *key;
} made;

/* What differs from an honest server's certificate. Texts are OpenSSL's configuration syntax. */
typedef struct shape {
    const char *cn;
    const char *basic;       /* NULL: CA:FALSE */
    const char *san;         /* NULL: none */
    const char *eku;         /* NULL: serverAuth */
    const char *constraints; /* NULL: none */
    int from_days, to_days;  /* both 0: -1 to 60 */
    int rsa_bits;            /* 0: P-256 */
} shape;

/* Everything that the sets below are put together from. */
typedef struct world {
    so_unix now;
    char san[300]; /* the host's */
    const char *host;
    made root, other_root, sub, narrow, stolen;
} world;

static bool add_ext(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *ext;
    bool ok;

    if (value == NULL)
        return true;
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    ok = ext != NULL && X509_add_ext(cert, ext, -1) == 1;
    X509_EXTENSION_free(ext);
    return ok;
}

static bool fill(X509 *cert, X509 *issuer, const shape *s, so_unix now)
{
    bool ca = s->basic != NULL, own = issuer == cert;
    int from = s->to_days == 0 && s->from_days == 0 ? -1 : s->from_days;
    int to = s->to_days == 0 && s->from_days == 0 ? 60 : s->to_days;
    static long serial = 1000;

    return X509_set_version(cert, X509_VERSION_3) == 1 &&
           ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial) == 1 &&
           X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8, (const unsigned char *)s->cn,
                                      -1, -1, 0) == 1 &&
           X509_set_issuer_name(cert, X509_get_subject_name(issuer)) == 1 &&
           ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)(now + from * SO_DAY)) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)(now + to * SO_DAY)) != NULL &&
           add_ext(cert, issuer, NID_basic_constraints, ca ? s->basic : "critical,CA:FALSE") &&
           add_ext(cert, issuer, NID_key_usage, ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature") &&
           add_ext(cert, issuer, NID_ext_key_usage, s->eku != NULL ? s->eku : "serverAuth") &&
           add_ext(cert, issuer, NID_subject_key_identifier, "hash") &&
           (own || add_ext(cert, issuer, NID_authority_key_identifier, "keyid:always")) &&
           add_ext(cert, issuer, NID_subject_alt_name, s->san) &&
           add_ext(cert, issuer, NID_name_constraints, s->constraints);
}

/* by NULL: it signs itself. */
static bool make(made *out, const made *by, const shape *s, so_unix now)
{
    out->key = s->rsa_bits > 0 ? EVP_RSA_gen((unsigned)s->rsa_bits) : EVP_EC_gen("P-256");
    out->cert = X509_new();
    return out->key != NULL && out->cert != NULL && X509_set_pubkey(out->cert, out->key) == 1 &&
           fill(out->cert, by == NULL ? out->cert : by->cert, s, now) &&
           X509_sign(out->cert, by == NULL ? out->key : by->key, EVP_sha256()) > 0;
}

static void drop(made *m)
{
    X509_free(m->cert);
    EVP_PKEY_free(m->key);
    *m = (made){0};
}

static bool take(so_pem *pem, BIO *bio)
{
    char *text = NULL;
    long len = BIO_get_mem_data(bio, &text);

    return len > 0 && so_pem_copy(pem, text, (size_t)len) == SO_OK;
}

static bool write_certs(so_pem *pem, X509 *const *certs, size_t count)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool ok = bio != NULL;

    for (size_t i = 0; ok && i < count; i++)
        ok = certs[i] == NULL || PEM_write_bio_X509(bio, certs[i]) == 1;
    ok = ok && take(pem, bio);
    BIO_free(bio);
    return ok;
}

static bool write_key(so_pem *pem, EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool ok = bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1 && take(pem, bio);

    BIO_free(bio);
    return ok;
}

/* One set: a certificate of this shape, signed by by, sent with what follows it. */
static bool add(impostors *all, impostor kind, const world *w, const made *by, const made *after, shape s)
{
    made leaf = {0};
    impostor *next = &all->list[all->count];
    bool ok = all->count < IMPOSTORS_MAX && make(&leaf, by, &s, w->now);
    X509 *certs[2] = {leaf.cert, after == NULL ? NULL : after->cert};

    if (ok) {
        *next = kind;
        all->count++;
        ok = write_certs(&next->chain, certs, 2) && write_key(&next->key, leaf.key);
    }
    drop(&leaf);
    return ok;
}

static bool build_world(world *w)
{
    static const char any_ca[] = "critical,CA:TRUE,pathlen:2";

    return make(&w->root, NULL, &(shape){.cn = "Trusted test root", .basic = any_ca, .to_days = 900}, w->now) &&
           make(&w->other_root, NULL, &(shape){.cn = "Some other root", .basic = any_ca, .to_days = 900}, w->now) &&
           make(&w->sub, &w->root, &(shape){.cn = "Intermediate", .basic = any_ca, .to_days = 800}, w->now) &&
           make(&w->narrow, &w->root,
                &(shape){.cn = "Constrained CA",
                         .basic = any_ca,
                         .to_days = 800,
                         .constraints = "critical,permitted;DNS:elsewhere.example,excluded;IP:0.0.0.0/0.0.0.0,excluded;"
                                        "IP:0:0:0:0:0:0:0:0/0:0:0:0:0:0:0:0"},
                w->now) &&
           make(&w->stolen, &w->root, &(shape){.cn = "Another server", .san = "DNS:elsewhere.example"}, w->now);
}

static bool is_address(const world *w)
{
    return strncmp(w->san, "IP:", 3) == 0;
}

static int name_mismatch(const world *w)
{
    return is_address(w) ? X509_V_ERR_IP_ADDRESS_MISMATCH : X509_V_ERR_HOSTNAME_MISMATCH;
}

static bool add_row_25(impostors *all, const world *w)
{
    const shape honest = {.cn = "A server", .san = w->san};
    shape elsewhere = honest, past = honest, future = honest;

    elsewhere.san = "DNS:elsewhere.example";
    past.from_days = -90;
    past.to_days = -1;
    future.from_days = 1;
    future.to_days = 90;
    return add(all,
               (impostor){.kind = "self-signed",
                          .verify_error = X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
                          .because = "self-signed"},
               w, NULL, NULL, honest) &&
           add(all,
               (impostor){.kind = "other-ca",
                          .verify_error = X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
                          .because = "does not trust"},
               w, &w->other_root, &w->other_root, honest) &&
           add(all, (impostor){.kind = "wrong-name", .verify_error = name_mismatch(w), .because = "other names"}, w,
               &w->root, NULL, elsewhere) &&
           add(all, (impostor){.kind = "expired", .verify_error = X509_V_ERR_CERT_HAS_EXPIRED, .because = "expired"}, w,
               &w->root, NULL, past) &&
           add(all,
               (impostor){
                   .kind = "not-yet-valid", .verify_error = X509_V_ERR_CERT_NOT_YET_VALID, .because = "not yet valid"},
               w, &w->root, NULL, future) &&
           add(all, (impostor){.kind = "leaf-as-ca", .verify_error = X509_V_ERR_INVALID_CA, .because = "no CA's"}, w,
               &w->stolen, &w->stolen, honest) &&
           add(all,
               (impostor){.kind = "outside-constraints",
                          .verify_error =
                              is_address(w) ? X509_V_ERR_EXCLUDED_VIOLATION : X509_V_ERR_PERMITTED_VIOLATION,
                          .because = "name constraints"},
               w, &w->narrow, &w->narrow, honest) &&
           add(all,
               (impostor){.kind = "missing-intermediate",
                          .verify_error = X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
                          .because = "whole chain"},
               w, &w->sub, NULL, honest);
}

static bool add_more(impostors *all, const world *w)
{
    const shape honest = {.cn = "A server", .san = w->san};
    shape nameless = honest, client = honest, weak = honest;

    nameless.cn = w->host;
    nameless.san = NULL;
    client.eku = "clientAuth";
    weak.rsa_bits = 1024;
    return add(all, (impostor){.kind = "name-in-cn-only", .verify_error = name_mismatch(w), .because = "other names"},
               w, &w->root, NULL, nameless) &&
           add(all,
               (impostor){.kind = "for-clients", .verify_error = X509_V_ERR_INVALID_PURPOSE, .because = "serverAuth"},
               w, &w->root, NULL, client) &&
           add(all, (impostor){.kind = "weak-key", .verify_error = X509_V_ERR_EE_KEY_TOO_SMALL, .because = "too weak"},
               w, &w->root, NULL, weak) &&
           add(all, (impostor){.kind = "honest"}, w, &w->root, NULL, honest) &&
           add(all, (impostor){.kind = "honest-chain"}, w, &w->sub, &w->sub, honest);
}

bool impostors_make(impostors *all, const char *host, so_unix now)
{
    world w = {.now = now, .host = host};
    so_name name;
    bool ok;

    memset(all, 0, sizeof *all);
    if (so_name_parse(&name, host, NULL) != SO_OK)
        return false;
    (void)snprintf(w.san, sizeof w.san, "%s:%s", name.kind == SO_NAME_IP ? "IP" : "DNS", name.text);
    ok = build_world(&w) && write_certs(&all->ca, &w.root.cert, 1) && add_row_25(all, &w) && add_more(all, &w);
    drop(&w.root);
    drop(&w.other_root);
    drop(&w.sub);
    drop(&w.narrow);
    drop(&w.stolen);
    return ok;
}

void impostors_free(impostors *all)
{
    so_pem_free(&all->ca);
    for (size_t i = 0; i < all->count; i++) {
        so_pem_free(&all->list[i].chain);
        so_pem_free(&all->list[i].key);
    }
    all->count = 0;
}

const impostor *impostors_find(const impostors *all, const char *kind)
{
    for (size_t i = 0; i < all->count; i++) {
        if (strcmp(all->list[i].kind, kind) == 0)
            return &all->list[i];
    }
    return NULL;
}
