/*
 * What a handshake of DTLS costs, both ends together: instructions, bytes, datagrams and flights; what a call's
 * certificate costs; and what an association holds once it is open. In simulated time and with seeded randomness.
 */
#include "count.h"

#include "clock.h"
#include "dtls/dtls.h"

#include <string.h>

#define TIMES 20

typedef struct wire {
    size_t bytes, datagrams, flights;
} wire;

static so_dtls_context *context;
static so_dtls_certificate *certs[2];
static so_dtls *ends[2]; /* client, server */

static void begin(void)
{
    for (int i = 0; i < 2; i++) {
        so_dtls_config config = {.context = context,
                                 .certificate = certs[i],
                                 .role = i == 0 ? SO_DTLS_CLIENT : SO_DTLS_SERVER,
                                 .expected = *so_dtls_certificate_fingerprint(certs[1 - i])};

        count_must(so_dtls_new(&ends[i], &config, NULL) == SO_OK, "no association");
    }
    so_dtls_start(ends[1]);
    so_dtls_start(ends[0]);
}

static bool carry(int from, wire *w)
{
    uint8_t datagram[SO_DTLS_MTU];
    size_t len, before = w->datagrams;

    while (so_dtls_transmit(ends[from], datagram, &len)) {
        w->datagrams++;
        w->bytes += len;
        so_dtls_receive(ends[1 - from], (so_slice){datagram, len});
    }
    w->flights += w->datagrams > before;
    return w->datagrams > before;
}

static void shake(wire *w)
{
    so_dtls_keys keys[2];

    while (carry(0, w) || carry(1, w))
        ;
    for (int i = 0; i < 2; i++)
        count_must(so_dtls_export(ends[i], &keys[i]) == SO_OK, "no keys");
    count_must(memcmp(keys[0].local_key, keys[1].remote_key, keys[0].key_len) == 0, "the ends have different keys");
}

static void end(void)
{
    for (int i = 0; i < 2; i++)
        so_dtls_free(ends[i]);
}

static void count_handshakes(void)
{
    wire w = {0};

    begin(); /* lazy binding, and what OpenSSL fetches once */
    shake(&w);
    end();
    w = (wire){0};
    count_start();
    for (int i = 0; i < TIMES; i++) {
        begin();
        shake(&w);
        end();
    }
    count_stop("a handshake", TIMES);
    count_say("a handshake", "bytes", (double)w.bytes / TIMES);
    count_say("a handshake", "datagrams", (double)w.datagrams / TIMES);
    count_say("a handshake", "flights", (double)w.flights / TIMES);
}

static void count_certificates(void)
{
    const so_random random = sim_random();
    so_dtls_certificate *made[TIMES];

    count_start();
    for (int i = 0; i < TIMES; i++)
        count_must(so_dtls_certificate_make(&made[i], SIM_EPOCH, &random, NULL) == SO_OK, "no certificate");
    count_stop("a call's certificate", TIMES);
    for (int i = 0; i < TIMES; i++)
        so_dtls_certificate_free(made[i]);
}

/* What OpenSSL keeps for all of them is there already. */
static void count_memory(void)
{
    size_t before = count_held();
    wire w = {0};

    begin();
    shake(&w);
    for (int i = 0; i < 2; i++) {
        size_t both = count_held();

        so_dtls_free(ends[i]);
        count_say(i == 0 ? "an open client" : "an open server", "bytes", (double)(both - count_held()));
    }
    count_must(count_held() <= before, "an association leaves memory behind");
}

int main(void)
{
    so_random random;

    sim_begin(1);
    random = sim_random();
    count_must(so_dtls_context_make(&context, NULL) == SO_OK, "no context");
    for (int i = 0; i < 2; i++)
        count_must(so_dtls_certificate_make(&certs[i], SIM_EPOCH, &random, NULL) == SO_OK, "no certificate");
    count_handshakes();
    count_certificates();
    count_memory();
    for (int i = 0; i < 2; i++)
        so_dtls_certificate_free(certs[i]);
    so_dtls_context_free(context);
    sim_end();
    return 0;
}
