#include "crypto/about.h"

#include "crypto/srtp_cipher.h"

#include <openssl/crypto.h>

#ifdef SO_HAVE_IPSEC_MB
#include <intel-ipsec-mb.h>

static void look_at_ipsec_mb(so_crypto_about *about)
{
    static const char *const names[] = {[IMB_ARCH_NOAESNI] = "no AES-NI",
                                        [IMB_ARCH_SSE] = "SSE",
                                        [IMB_ARCH_AVX] = "AVX",
                                        [IMB_ARCH_AVX2] = "AVX2",
                                        [IMB_ARCH_AVX512] = "AVX-512"};
    IMB_MGR *manager = alloc_mb_mgr(0);
    IMB_ARCH arch = IMB_ARCH_NONE;

    about->ipsec_mb = imb_get_version_str();
    if (manager == NULL)
        return;
    init_mb_mgr_auto(manager, &arch);
    if ((size_t)arch < sizeof names / sizeof names[0])
        about->arch = names[arch];
    free_mb_mgr(manager);
}
#endif

static void look_at_cpu(so_crypto_about *about)
{
#ifdef __x86_64__
    __builtin_cpu_init();
    about->cpu_known = true;
    about->aes = __builtin_cpu_supports("aes");
    about->vaes = __builtin_cpu_supports("vaes");
    about->pclmul = __builtin_cpu_supports("pclmul");
#else
    about->cpu_known = false;
#endif
}

void so_crypto_about_this(so_crypto_about *about)
{
    so_srtp_engine *engine;

    *about = (so_crypto_about){.openssl = OpenSSL_version(OPENSSL_VERSION)};
#ifdef SO_HAVE_IPSEC_MB
    look_at_ipsec_mb(about);
#endif
    look_at_cpu(about);
    if (so_srtp_engine_new(&engine, SO_SRTP_ENGINE_BEST) == SO_OK) {
        about->srtp = so_srtp_engine_name(engine);
        so_srtp_engine_free(engine);
    }
}
