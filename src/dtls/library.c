#include "dtls/library.h"

#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <stdbool.h>
#include <string.h>

#define NAME "sotto"
#define PICKED_MAX 16
/* From this version on what was found for a kind of certificate is kept. */
#define QUICK 0x30200000

/*
 * All that an association uses, by the first of OpenSSL's names: what context.c lets it agree on, any group that a
 * policy may ask for (secp521r1 and X448 too), the keys that dtls.c accepts, and OpenSSL's random numbers.
 */
static const struct {
    int operation;
    const char *const names[9];
} wanted[] = {
    {OSSL_OP_DIGEST, {"SHA1", "SHA2-256", "SHA2-384", "SHA2-512"}},
    {OSSL_OP_CIPHER, {"AES-128-GCM", "AES-256-GCM", "ChaCha20-Poly1305"}},
    {OSSL_OP_MAC, {"HMAC"}},
    {OSSL_OP_KDF, {"TLS1-PRF"}},
    {OSSL_OP_RAND, {"CTR-DRBG", "SEED-SRC"}},
    {OSSL_OP_KEYMGMT, {"EC", "RSA", "X25519", "X448"}},
    {OSSL_OP_KEYEXCH, {"ECDH", "X25519", "X448"}},
    {OSSL_OP_SIGNATURE, {"ECDSA", "RSA"}},
    {OSSL_OP_DECODER, {"EC", "RSA"}},
    {OSSL_OP_ENCODER, {"EC", "RSA"}},
};
#define OPERATIONS (sizeof wanted / sizeof *wanted)

/* Made once and never changed: a provider's functions are handed nothing in which it could be kept. */
static struct {
    OSSL_LIB_CTX *few;       /* what so_dtls_library gives */
    OSSL_PROVIDER *provider; /* OpenSSL's own, in a context of its own */
    OSSL_ALGORITHM picked[OPERATIONS][PICKED_MAX];
} all;
static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;

/* Of all ways to write a key down, the one that certificates have. */
static bool is_in_certificates(const char *properties)
{
    return strstr(properties, "put=der,structure=SubjectPublicKeyInfo") != NULL;
}

static bool is_wanted(size_t operation, const OSSL_ALGORITHM *it)
{
    const char *const *names = wanted[operation].names;
    int kind = wanted[operation].operation;

    if ((kind == OSSL_OP_DECODER || kind == OSSL_OP_ENCODER) && !is_in_certificates(it->property_definition))
        return false;
    for (size_t i = 0; names[i] != NULL; i++) {
        size_t len = strlen(names[i]);

        if (strncmp(it->algorithm_names, names[i], len) == 0 && strchr(":", it->algorithm_names[len]) != NULL)
            return true;
    }
    return false;
}

static bool pick(size_t operation)
{
    int no_cache = 0;
    const OSSL_ALGORITHM *it = OSSL_PROVIDER_query_operation(all.provider, wanted[operation].operation, &no_cache);
    size_t count = 0;

    for (; it != NULL && it->algorithm_names != NULL; it++)
        if (is_wanted(operation, it)) {
            if (count == PICKED_MAX - 1)
                return false;
            all.picked[operation][count++] = *it;
        }
    return count > 0 && no_cache == 0;
}

static const OSSL_ALGORITHM *query(void *context, int operation, int *no_cache)
{
    (void)context;
    *no_cache = 0;
    for (size_t i = 0; i < OPERATIONS; i++)
        if (wanted[i].operation == operation)
            return all.picked[i];
    return NULL;
}

/* The groups that TLS asks for. */
static int get_capabilities(void *context, const char *capability, OSSL_CALLBACK *take, void *user)
{
    (void)context;
    return OSSL_PROVIDER_get_capabilities(all.provider, capability, take, user);
}

static const OSSL_PARAM *gettable_params(void *context)
{
    (void)context;
    return OSSL_PROVIDER_gettable_params(all.provider);
}

static int get_params(void *context, OSSL_PARAM params[])
{
    (void)context;
    return OSSL_PROVIDER_get_params(all.provider, params);
}

static int start(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out, void **context)
{
    static const OSSL_DISPATCH functions[] = {
        {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query},
        {OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (void (*)(void))get_capabilities},
        {OSSL_FUNC_PROVIDER_GETTABLE_PARAMS, (void (*)(void))gettable_params},
        {OSSL_FUNC_PROVIDER_GET_PARAMS, (void (*)(void))get_params},
        {0, NULL},
    };

    (void)handle;
    (void)in;
    *out = functions;
    *context = OSSL_PROVIDER_get0_provider_ctx(all.provider); /* what OpenSSL's algorithms expect */
    return 1;
}

static bool pick_all(OSSL_LIB_CTX *whole)
{
    all.provider = OSSL_PROVIDER_load(whole, "default");
    for (size_t i = 0; i < OPERATIONS; i++)
        if (all.provider == NULL || !pick(i))
            return false;
    return true;
}

/* Whoever has set up OpenSSL on this machine may have wanted other algorithms than its default ones. */
static bool is_usual(void)
{
    return OSSL_PROVIDER_available(NULL, "default") == 1 && EVP_default_properties_is_fips_enabled(NULL) == 0;
}

static void make(void)
{
    OSSL_LIB_CTX *whole = NULL, *few = NULL;

    if (OpenSSL_version_num() >= QUICK || !is_usual())
        return;
    whole = OSSL_LIB_CTX_new();
    few = OSSL_LIB_CTX_new();
    if (whole != NULL && few != NULL && pick_all(whole) && OSSL_PROVIDER_add_builtin(few, NAME, start) == 1 &&
        OSSL_PROVIDER_load(few, NAME) != NULL) {
        all.few = few;
        return;
    }
    OSSL_LIB_CTX_free(few);
    OSSL_LIB_CTX_free(whole);
}

OSSL_LIB_CTX *so_dtls_library(void)
{
    return CRYPTO_THREAD_run_once(&once, make) == 1 ? all.few : NULL;
}
