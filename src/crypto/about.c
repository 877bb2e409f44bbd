#include "crypto/about.h"

#include "crypto/srtp_cipher.h"

#include <openssl/crypto.h>

#ifdef __x86_64__
#include <cpuid.h>
#endif

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
    unsigned a, b, c, d;

    about->cpu_known = __get_cpuid(1, &a, &b, &c, &d) != 0;
    about->aes = about->cpu_known && (c & bit_AES) != 0;
    about->pclmul = about->cpu_known && (c & bit_PCLMUL) != 0;
    about->vaes = __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (c & bit_VAES) != 0;
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
