/*
 * dtls: an association in any state and either role, and a wire that says what it likes: bytes of its own, or what an
 * honest other end said, altered, doubled, dropped or much later. It opens only for the promised certificate, and then
 * both ends have the same keys.
 */
#include "base/bytes.h"
#include "clock.h"
#include "dtls/dtls.h"

#include <stdlib.h>
#include <string.h>

#define KEPT 32

typedef struct kept {
    uint8_t bytes[SO_DTLS_MTU];
    size_t len;
} kept;

typedef struct rig {
    so_dtls *ends[2]; /* target, and the honest one */
    kept said[2][KEPT];
    unsigned said_count[2], heard[2]; /* heard: how many of the other's were delivered */
    bool wrong;                       /* the target was promised another certificate */
    so_reader input;
} rig;

static so_dtls_context *context;
static so_dtls_certificate *certificates[2];

static void check(bool good)
{
    if (!good)
        abort();
}

static void collect(rig *r)
{
    for (int i = 0; i < 2; i++) {
        kept *k = &r->said[i][r->said_count[i] % KEPT];

        while (so_dtls_transmit(r->ends[i], k->bytes, &k->len)) {
            check(k->len > 0 && k->len <= SO_DTLS_MTU);
            k = &r->said[i][++r->said_count[i] % KEPT];
        }
    }
}

static void look(rig *r)
{
    so_dtls_keys keys[2];
    bool open = so_dtls_state_of(r->ends[0]) == SO_DTLS_OPEN;
    so_status status = so_dtls_export(r->ends[0], &keys[0]);

    check(open == (status == SO_OK));
    check(!open || !r->wrong);
    check((so_dtls_state_of(r->ends[0]) == SO_DTLS_FAILED) == (so_dtls_fault_of(r->ends[0]) != SO_DTLS_NO_FAULT));
    if (open) {
        so_dtls_facts facts = so_dtls_facts_of(r->ends[0]);

        check(so_fingerprint_equal(&facts.seen, so_dtls_certificate_fingerprint(certificates[1])));
        check(facts.profile == keys[0].profile && keys[0].key_len >= 16);
        if (so_dtls_export(r->ends[1], &keys[1]) == SO_OK)
            check(memcmp(keys[0].local_key, keys[1].remote_key, SO_DTLS_KEY_MAX) == 0 &&
                  memcmp(keys[0].remote_salt, keys[1].local_salt, SO_DTLS_SALT_MAX) == 0);
    }
    so_wipe(keys, sizeof keys);
}

static void hear(rig *r, int to, const uint8_t *bytes, size_t len)
{
    uint8_t copy[2048];

    len = len < sizeof copy ? len : sizeof copy;
    if (len > 0)
        memcpy(copy, bytes, len);
    so_dtls_receive(r->ends[to], (so_slice){copy, len});
}

/* What the other end said: the next one, or an old one again, whole or altered in some bytes, or cut. */
static void deliver(rig *r, int to, uint8_t how)
{
    unsigned from_count = r->said_count[1 - to];
    unsigned which = how & 1 ? r->heard[to] : so_read_u8(&r->input);
    kept d;

    if (from_count == 0)
        return;
    if ((how & 1) && which >= from_count)
        return;
    if (how & 1)
        r->heard[to]++;
    d = r->said[1 - to][which % (from_count < KEPT ? from_count : KEPT)];
    for (int i = how >> 1 & 3; i > 0; i--)
        d.bytes[so_read_u16(&r->input) % d.len] ^= so_read_u8(&r->input);
    if (how & 8)
        d.len = so_read_u16(&r->input) % d.len;
    hear(r, to, d.bytes, d.len);
}

static void act(rig *r)
{
    uint8_t what = so_read_u8(&r->input);
    size_t len, left;
    const uint8_t *bytes;

    switch (what % 8) {
    case 0:
    case 1:
    case 2:
        deliver(r, 0, what >> 3);
        break;
    case 3: /* in order and unaltered to the honest one */
        deliver(r, 1, 1);
        break;
    case 4:
        len = so_read_u8(&r->input);
        left = so_reader_left(&r->input);
        len = len < left ? len : left;
        bytes = so_read_bytes(&r->input, len);
        hear(r, 0, bytes, len);
        break;
    case 5:
        sim_set(sim_now() + (so_msec)(what >> 3) * 40);
        so_dtls_tick(r->ends[0]);
        so_dtls_tick(r->ends[1]);
        break;
    case 6:
        deliver(r, 0, 1);
        deliver(r, 1, 1);
        break;
    default:
        if (what >> 3 == 1)
            so_dtls_close(r->ends[0]);
        else if (what >> 3 == 2)
            so_dtls_close(r->ends[1]);
        else
            r->heard[what >> 3 & 1]++; /* one is lost */
    }
}

static void make(void)
{
    so_random random = sim_random();

    check(so_dtls_context_make(&context, NULL) == SO_OK);
    for (int i = 0; i < 2; i++)
        check(so_dtls_certificate_make(&certificates[i], SIM_EPOCH, &random, NULL) == SO_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static rig r;
    uint8_t how;

    sim_begin(1);
    if (context == NULL)
        make();
    memset(&r, 0, sizeof r);
    r.input = so_reader_of(bytes, len);
    how = so_read_u8(&r.input);
    r.wrong = how & 2;
    for (int i = 0; i < 2; i++) {
        so_dtls_config config = {.context = context,
                                 .certificate = certificates[i],
                                 .role = (how & 1) == i ? SO_DTLS_CLIENT : SO_DTLS_SERVER,
                                 .expected = *so_dtls_certificate_fingerprint(certificates[1 - i])};

        if (i == 0 && r.wrong)
            config.expected.bytes[how >> 3] ^= 1;
        check(so_dtls_new(&r.ends[i], &config, NULL) == SO_OK);
    }
    if (!(how & 4))
        so_dtls_start(r.ends[0]);
    so_dtls_start(r.ends[1]);
    collect(&r);
    while (so_reader_left(&r.input) > 0) {
        act(&r);
        collect(&r);
        look(&r);
    }
    so_dtls_start(r.ends[0]);
    so_dtls_free(r.ends[0]);
    so_dtls_free(r.ends[1]);
    return 0;
}
