#include "dtls/dtls.h"

#include "base/bytes.h"
#include "crypto/groups.h"
#include "dtls/bio.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#define LAYER "media keys"
#define FINGERPRINTS "fingerprints"

/* RFC 8827 leaves the first retransmission to us: media paths answer in tens of milliseconds, not in RFC 6347's second.
 */
#define FIRST_TIMEOUT 50000u
#define LONGEST_TIMEOUT 4000000u

#define RSA_BITS_MIN 2048
#define EC_BITS_MIN 256
/* RFC 5764 §4.2: "EXTRACTOR-dtls_srtp" with no context. */
#define EXPORT_LABEL "EXTRACTOR-dtls_srtp"

struct so_dtls {
    SSL *ssl;
    so_dtls_pipe pipe; /* under the BIO that ssl owns */
    so_dtls_state state;
    so_dtls_role role;
    so_fingerprint expected, seen, seen_sha256;
    void (*take)(void *user, so_slice data);
    void *user;
    bool buffers;  /* OpenSSL has its buffers */
    bool busy;     /* data came or went since the last tick */
    bool verified; /* the certificate is the promised one: set in the handshake, by check_peer alone */
    so_dtls_fault fault;
    so_error error;
    unsigned retransmits;
    int alert; /* the last fatal one that came, or -1 */
    char version[8];
};

static void set_state(so_dtls *d, so_dtls_state state, const char *why)
{
    (void)why; /* for a reader with a debugger */
    d->state = state;
}

static void fail(so_dtls *d, so_dtls_fault fault, so_status status, const char *layer, const char *text)
{
    if (d->fault == SO_DTLS_NO_FAULT) {
        d->fault = fault;
        (void)so_fail(&d->error, status, layer, "%s", text);
    }
}

static bool is_strong(X509 *cert)
{
    EVP_PKEY *key = X509_get0_pubkey(cert);
    int kind = key == NULL ? EVP_PKEY_NONE : EVP_PKEY_get_base_id(key);

    return (kind == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) >= RSA_BITS_MIN) ||
           (kind == EVP_PKEY_EC && EVP_PKEY_get_bits(key) >= EC_BITS_MIN);
}

static bool measure(so_dtls *d, X509 *cert)
{
    uint8_t *der = NULL;
    int len = i2d_X509(cert, &der);
    bool ok = len > 0 && so_fingerprint_of(&d->seen, d->expected.hash, (so_slice){der, (size_t)len}) == SO_OK;

    if (d->seen.hash == SO_HASH_SHA256)
        d->seen_sha256 = d->seen;
    else
        ok = ok && so_fingerprint_of(&d->seen_sha256, SO_HASH_SHA256, (so_slice){der, (size_t)len}) == SO_OK;
    OPENSSL_free(der);
    return ok;
}

/*
 * In the middle of the handshake, in place of OpenSSL's own path check: self-signed certificates have no path. What is
 * refused here ends the handshake with an alert, before its last flight.
 */
static int check_peer(X509_STORE_CTX *store, void *user)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    so_dtls *d = SSL_get_app_data(ssl);
    X509 *cert = X509_STORE_CTX_get0_cert(store);

    (void)user;
    d->verified = false;
    if (cert == NULL || !measure(d, cert)) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_UNSPECIFIED);
        return 0;
    }
    if (!so_fingerprint_equal(&d->seen, &d->expected)) {
        fail(d, SO_DTLS_MISMATCH, SO_REFUSED, FINGERPRINTS,
             "the certificate in the media handshake is not the one that the other end announced: somebody may sit "
             "between the two ends; start a new call and send its link over a channel that you trust");
        X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED); /* RFC 8122 §6.2: a bad_certificate alert */
        return 0;
    }
    if (!is_strong(cert)) {
        fail(d, SO_DTLS_WEAK_KEY, SO_REFUSED, LAYER,
             "the other end's key is too weak (RSA under 2,048 bits, or no curve of 256 bits); update the program at "
             "the other end");
        X509_STORE_CTX_set_error(store, X509_V_ERR_EE_KEY_TOO_SMALL);
        return 0;
    }
    if (SSL_get_selected_srtp_profile(ssl) == NULL) {
        fail(d, SO_DTLS_NO_SRTP, SO_REFUSED, LAYER,
             "the other end has no SRTP profile that encrypts and that this end has too; update the program at the "
             "other end");
        X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION); /* a handshake_failure alert */
        return 0;
    }
    d->verified = true;
    return 1;
}

static unsigned next_timeout(SSL *ssl, unsigned last)
{
    (void)ssl;
    if (last == 0)
        return FIRST_TIMEOUT;
    return last >= LONGEST_TIMEOUT / 2 ? LONGEST_TIMEOUT : last * 2;
}

static void note_alert(const SSL *ssl, int where, int value)
{
    so_dtls *d = SSL_get_app_data(ssl);

    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && value >> 8 == SSL3_AL_FATAL)
        d->alert = value & 0xff;
}

static bool set_up(so_dtls *d, const so_dtls_config *config)
{
    BIO *bio = so_dtls_bio(so_dtls_context_bio(config->context), &d->pipe);

    if (bio == NULL)
        return false;
    SSL_set_bio(d->ssl, bio, bio);
    SSL_set_app_data(d->ssl, d);
    SSL_set_info_callback(d->ssl, note_alert);
    SSL_set_verify(d->ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    DTLS_set_timer_cb(d->ssl, next_timeout);
    if (config->role == SO_DTLS_CLIENT)
        SSL_set_connect_state(d->ssl);
    else
        SSL_set_accept_state(d->ssl);
    return SSL_set_mtu(d->ssl, SO_DTLS_MTU) > 0 &&
           SSL_use_certificate(d->ssl, so_dtls_certificate_x509(config->certificate)) == 1 &&
           SSL_use_PrivateKey(d->ssl, so_dtls_certificate_key(config->certificate)) == 1;
}

static bool set_groups(void *ssl, const char *list)
{
    return SSL_set1_groups_list(ssl, list) == 1;
}

static bool is_asked(const char *list)
{
    return list != NULL && list[0] != '\0';
}

/*
 * In DTLS 1.2 the list is of the curves of certificates too (RFC 8422 §5.1.1), and theirs is P-256: it comes last where
 * it is not allowed. Where the other end then takes it for the key exchange, that is for the caller to refuse.
 */
static so_status use_groups(so_dtls *d, const char *groups)
{
    char list[SO_GROUPS_MAX];
    int len = snprintf(list, sizeof list, "%s%s", groups, strstr(groups, "P-256") == NULL ? ":P-256" : "");

    return len < 0 || (size_t)len >= sizeof list ? SO_TOO_LONG : so_groups_use(list, set_groups, d->ssl);
}

/* SSL_set_tlsext_use_srtp returns 0 for success. */
static so_status obey(so_dtls *d, const so_dtls_config *config, so_error *err)
{
    if (is_asked(config->groups) && use_groups(d, config->groups) != SO_OK)
        return so_fail(err, SO_REFUSED, LAYER,
                       "OpenSSL on this machine has none of the groups that may be used (%.100s); update it, or allow "
                       "another group",
                       config->groups);
    if (is_asked(config->profiles) && SSL_set_tlsext_use_srtp(d->ssl, config->profiles) != 0)
        return so_fail(err, SO_REFUSED, LAYER,
                       "OpenSSL on this machine does not have the SRTP profiles that may be used (%.100s); update it, "
                       "or allow another profile",
                       config->profiles);
    return SO_OK;
}

so_status so_dtls_new(so_dtls **out, const so_dtls_config *config, so_error *err)
{
    so_dtls *d = NULL;
    so_status status;

    *out = NULL;
    if (config->expected.hash == SO_HASH_NONE)
        return so_fail(err, SO_BAD_INPUT, FINGERPRINTS,
                       "there is no fingerprint to hold the other end's certificate to; no call is made without one");
    d = calloc(1, sizeof *d);
    if (d == NULL)
        return so_fail(err, SO_NO_MEMORY, LAYER, "no memory for a DTLS association; end other programs or calls");
    d->role = config->role;
    d->expected = config->expected;
    d->take = config->take;
    d->user = config->user;
    d->alert = -1;
    ERR_clear_error();
    SSL_CTX_set_cert_verify_callback(so_dtls_context_ssl(config->context), check_peer, NULL);
    d->ssl = SSL_new(so_dtls_context_ssl(config->context));
    if (d->ssl == NULL || !set_up(d, config)) {
        so_dtls_free(d);
        ERR_clear_error();
        return so_fail(err, SO_CRYPTO, LAYER,
                       "OpenSSL can't begin a DTLS association; check that memory is free and OpenSSL is whole");
    }
    status = obey(d, config, err);
    if (status != SO_OK) {
        so_dtls_free(d);
        ERR_clear_error();
        return status;
    }
    *out = d;
    return SO_OK;
}

void so_dtls_free(so_dtls *d)
{
    if (d == NULL)
        return;
    SSL_free(d->ssl);
    so_dtls_pipe_free(&d->pipe);
    free(d);
}

/* The alerts that are about a certificate (RFC 8446 §6.2), and no others: who met another certificate than the promised
 * one says one of these. */
static bool is_about_certificate(int alert)
{
    return (alert >= SSL_AD_BAD_CERTIFICATE && alert <= SSL_AD_CERTIFICATE_UNKNOWN) || alert == SSL_AD_UNKNOWN_CA;
}

/* The other end ended the handshake with an alert. */
static void explain_alert(so_dtls *d)
{
    const char *words = SSL_alert_desc_string_long(d->alert);
    char text[300];

    if (is_about_certificate(d->alert)) {
        (void)snprintf(text, sizeof text,
                       "the other end refused this end's certificate (alert: %s), so somebody may sit between the two "
                       "ends; start a new call and send its link over a channel that you trust",
                       words);
        fail(d, SO_DTLS_CERTIFICATE_REFUSED, SO_REFUSED, FINGERPRINTS, text);
    } else {
        (void)snprintf(
            text, sizeof text,
            "the other end refused the handshake (alert: %s); try again, or update the programs at both ends", words);
        fail(d, SO_DTLS_REFUSED, SO_REFUSED, LAYER, text);
    }
}

/* What OpenSSL says went wrong, in words for a person. */
static void explain(so_dtls *d)
{
    unsigned long code = ERR_peek_error();
    int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
    char text[300];

    if (reason == SSL_R_READ_TIMEOUT_EXPIRED) {
        fail(d, SO_DTLS_TIMEOUT, SO_IO, LAYER,
             "the other end did not finish the handshake in time; check that the network lets UDP through and try "
             "again");
    } else if (reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_VERSION_TOO_LOW ||
               d->alert == SSL_AD_PROTOCOL_VERSION) {
        fail(d, SO_DTLS_TOO_OLD, SO_REFUSED, LAYER,
             "the other end speaks no DTLS from 1.2 on; update the program at the other end");
    } else if (d->alert >= 0) {
        explain_alert(d);
    } else {
        const char *words = code == 0 ? NULL : ERR_reason_error_string(code);

        (void)snprintf(text, sizeof text,
                       "the handshake can't go on (%s); try again, or update the program at the other end",
                       words == NULL ? "no reason given" : words);
        fail(d, SO_DTLS_BROKEN, SO_CRYPTO, LAYER, text);
    }
}

static void end_failed(so_dtls *d, const char *why)
{
    explain(d);
    ERR_clear_error();
    set_state(d, SO_DTLS_FAILED, why);
}

static void finish(so_dtls *d)
{
    /* Whatever the library's configuration may let through, nothing is open that check_peer has not seen. */
    if (d->verified && SSL_is_init_finished(d->ssl) && SSL_get_selected_srtp_profile(d->ssl) != NULL) {
        set_state(d, SO_DTLS_OPEN, "handshake finished, certificate checked");
        return;
    }
    fail(d, SO_DTLS_BROKEN, SO_REFUSED, FINGERPRINTS,
         "the handshake finished without a check of the other end's certificate; don't use this build of OpenSSL");
    end_failed(d, "finished unverified");
}

/*
 * OpenSSL keeps buffers of 18 kB for the next record. In a call of sound and pictures none may ever come: they are
 * given back, and made again by whoever needs them. To write without them would be a fault.
 */
static void give_buffers_back(so_dtls *d)
{
    if (d->state == SO_DTLS_OPEN && d->buffers && !d->busy && SSL_free_buffers(d->ssl) == 1)
        d->buffers = false;
}

static bool have_buffers(so_dtls *d)
{
    d->buffers = d->buffers || SSL_alloc_buffers(d->ssl) == 1;
    return d->buffers;
}

/* Lets OpenSSL take what waits in the pipe. */
static void step(so_dtls *d)
{
    uint8_t scratch[SO_DTLS_MTU * 2];
    int result = 1;

    ERR_clear_error();
    if (!have_buffers(d)) {
        end_failed(d, "no memory for buffers");
        return;
    }
    if (d->state == SO_DTLS_AWAITS_PEER) {
        result = SSL_do_handshake(d->ssl);
        if (result == 1)
            finish(d);
    }
    /* Records after the handshake are repeated flights, alerts, or data. */
    while (d->state == SO_DTLS_OPEN && result > 0) {
        result = SSL_read(d->ssl, scratch, sizeof scratch);
        d->busy = d->busy || result > 0;
        if (result > 0 && d->take != NULL)
            d->take(d->user, (so_slice){scratch, (size_t)result});
    }
    if (result > 0)
        return;
    switch (SSL_get_error(d->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        break;
    case SSL_ERROR_ZERO_RETURN:
        set_state(d, SO_DTLS_CLOSED, "close_notify came");
        break;
    default:
        end_failed(d, "OpenSSL gave up");
    }
    ERR_clear_error();
    give_buffers_back(d);
}

void so_dtls_start(so_dtls *d)
{
    if (d->state != SO_DTLS_AWAITS_START)
        return;
    set_state(d, SO_DTLS_AWAITS_PEER, "started");
    step(d);
}

/* The least an encrypted record has: a tag, and what of the nonce goes along (RFC 5288 §3, RFC 7905 §2). */
static size_t least_sealed(const SSL *ssl)
{
    const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);

    return cipher != NULL && SSL_CIPHER_get_cipher_nid(cipher) == NID_chacha20_poly1305 ? 16 : 24;
}

/*
 * RFC 6347 §4.1.2.7: "invalid records SHOULD be silently discarded". OpenSSL does so with records whose tag is wrong,
 * but ends the association at one that has no room for a tag, which anybody can write who knows two addresses.
 */
static bool is_fatal_to_openssl(const so_dtls *d, so_slice datagram)
{
    so_reader r = so_reader_of(datagram.bytes, datagram.len);

    while (so_reader_left(&r) > 0) {
        uint8_t type = so_read_u8(&r);
        uint16_t epoch, len;

        if (type >= 32) /* RFC 9147 §4: the header of DTLS 1.3, which has no epoch in the open */
            return false;
        (void)so_read_u16(&r);
        epoch = so_read_u16(&r);
        (void)so_read_bytes(&r, 6);
        len = so_read_u16(&r);
        if (!r.failed && epoch > 0 && len < least_sealed(d->ssl))
            return true;
        (void)so_read_bytes(&r, len);
    }
    return false;
}

void so_dtls_receive(so_dtls *d, so_slice datagram)
{
    if ((d->state != SO_DTLS_AWAITS_PEER && d->state != SO_DTLS_OPEN) || datagram.len == 0 ||
        is_fatal_to_openssl(d, datagram))
        return;
    d->pipe.in = datagram;
    step(d);
    d->pipe.in = (so_slice){NULL, 0};
}

void so_dtls_tick(so_dtls *d)
{
    long result;

    if (d->state != SO_DTLS_AWAITS_PEER && d->state != SO_DTLS_OPEN)
        return;
    if (so_dtls_wait(d) != UINT64_MAX) {
        ERR_clear_error();
        result = have_buffers(d) ? DTLSv1_handle_timeout(d->ssl) : -1;
        if (result > 0)
            d->retransmits++;
        else if (result < 0)
            end_failed(d, "too many timeouts");
        ERR_clear_error();
    }
    give_buffers_back(d);
    d->busy = false;
}

so_status so_dtls_send(so_dtls *d, so_slice data)
{
    bool ok;

    if (d->state != SO_DTLS_OPEN)
        return SO_STATE;
    if (data.len == 0 || data.len > SO_DTLS_DATA_MAX)
        return SO_BAD_INPUT;
    ERR_clear_error();
    d->busy = true;
    ok = have_buffers(d) && SSL_write(d->ssl, data.bytes, (int)data.len) == (int)data.len;
    ERR_clear_error();
    return ok ? SO_OK : SO_CRYPTO;
}

void so_dtls_close(so_dtls *d)
{
    if (d->state == SO_DTLS_OPEN) {
        ERR_clear_error();
        if (have_buffers(d))
            (void)SSL_shutdown(d->ssl);
        ERR_clear_error();
    }
    if (d->state != SO_DTLS_FAILED)
        set_state(d, SO_DTLS_CLOSED, "closed by this end");
}

bool so_dtls_transmit(so_dtls *d, uint8_t out[SO_DTLS_MTU], size_t *len)
{
    return so_dtls_pipe_take(&d->pipe, out, SO_DTLS_MTU, len);
}

so_msec so_dtls_wait(const so_dtls *d)
{
    struct timeval left;

    if ((d->state != SO_DTLS_AWAITS_PEER && d->state != SO_DTLS_OPEN) || DTLSv1_get_timeout(d->ssl, &left) != 1)
        return UINT64_MAX;
    return (so_msec)left.tv_sec * 1000 + ((so_msec)left.tv_usec + 999) / 1000;
}

so_dtls_state so_dtls_state_of(const so_dtls *d)
{
    return d->state;
}

so_dtls_fault so_dtls_fault_of(const so_dtls *d)
{
    return d->fault;
}

const so_error *so_dtls_error(const so_dtls *d)
{
    return &d->error;
}

const char *so_dtls_fault_name(so_dtls_fault fault)
{
    switch (fault) {
    case SO_DTLS_NO_FAULT:
        return NULL;
    case SO_DTLS_MISMATCH:
        return "fingerprint-mismatch";
    case SO_DTLS_WEAK_KEY:
        return "key-weak";
    case SO_DTLS_NO_SRTP:
        return "srtp-null";
    case SO_DTLS_TOO_OLD:
        return "dtls-old";
    case SO_DTLS_CERTIFICATE_REFUSED:
        return "peer-refused";
    case SO_DTLS_TIMEOUT:
    case SO_DTLS_REFUSED:
    case SO_DTLS_BROKEN:
        break;
    }
    return "dtls-failed";
}

so_dtls_facts so_dtls_facts_of(const so_dtls *d)
{
    const SSL_CIPHER *cipher = SSL_get_current_cipher(d->ssl);
    const SRTP_PROTECTION_PROFILE *profile = SSL_get_selected_srtp_profile(d->ssl);
    /* OpenSSL 3.0 looks it up in the session, which is not there before the first flight, and does not ask. */
    int group = SSL_get_session(d->ssl) == NULL ? 0 : (int)SSL_get_negotiated_group(d->ssl);
    const char *version = SSL_get_version(d->ssl);

    return (so_dtls_facts){
        .version = strncmp(version, "DTLSv", 5) == 0 ? version + 5 : version,
        .cipher = cipher == NULL ? NULL : SSL_CIPHER_standard_name(cipher),
        .group = group == 0 ? NULL : SSL_group_to_name(d->ssl, group),
        .role = d->role,
        .profile = profile == NULL ? 0 : (uint16_t)profile->id,
        .seen = d->seen,
        .seen_sha256 = d->seen_sha256,
        .retransmits = d->retransmits,
    };
}

static bool lengths(so_dtls_keys *keys)
{
    switch (keys->profile) {
    case SRTP_AES128_CM_SHA1_80:
        keys->key_len = 16;
        keys->salt_len = 14;
        return true;
    case SRTP_AEAD_AES_128_GCM:
        keys->key_len = 16;
        keys->salt_len = 12;
        return true;
    case SRTP_AEAD_AES_256_GCM:
        keys->key_len = 32;
        keys->salt_len = 12;
        return true;
    default:
        return false;
    }
}

so_status so_dtls_export(const so_dtls *d, so_dtls_keys *keys)
{
    uint8_t all[2 * (SO_DTLS_KEY_MAX + SO_DTLS_SALT_MAX)];
    bool client = d->role == SO_DTLS_CLIENT;
    so_reader r;
    bool ok;

    memset(keys, 0, sizeof *keys);
    if (d->state != SO_DTLS_OPEN || !d->verified || !SSL_is_init_finished(d->ssl))
        return SO_STATE;
    keys->profile = so_dtls_facts_of(d).profile;
    if (!lengths(keys))
        return SO_REFUSED;
    ok = SSL_export_keying_material(d->ssl, all, 2 * (keys->key_len + keys->salt_len), EXPORT_LABEL,
                                    strlen(EXPORT_LABEL), NULL, 0, 0) == 1;
    if (ok) {
        /* RFC 5764 §4.2: client key, server key, client salt, server salt */
        r = so_reader_of(all, sizeof all);
        memcpy(client ? keys->local_key : keys->remote_key, so_read_bytes(&r, keys->key_len), keys->key_len);
        memcpy(client ? keys->remote_key : keys->local_key, so_read_bytes(&r, keys->key_len), keys->key_len);
        memcpy(client ? keys->local_salt : keys->remote_salt, so_read_bytes(&r, keys->salt_len), keys->salt_len);
        memcpy(client ? keys->remote_salt : keys->local_salt, so_read_bytes(&r, keys->salt_len), keys->salt_len);
    }
    so_wipe(all, sizeof all);
    ERR_clear_error();
    return ok ? SO_OK : SO_CRYPTO;
}
