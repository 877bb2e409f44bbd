/* trust/invite and trust/seal against tests/vectors/seal.json, and every way in which an envelope is refused. */
#include "unit.h"

#include "base/text.h"
#include "trust/seal.h"

#include <jansson.h>
#include <stdlib.h>

#define BUF 4096

typedef struct ends {
    uint64_t seed;
    so_seal opener, answerer;
} ends;

static so_status fixed(void *user, uint8_t *out, size_t len)
{
    memcpy(out, user, len);
    return SO_OK;
}

static json_t *vectors(void)
{
    json_error_t err;
    json_t *root = json_load_file(TEST_VECTORS "/seal.json", 0, &err);

    assert_non_null(root);
    return root;
}

static const char *text_of(const json_t *root, const char *name)
{
    const char *s = json_string_value(json_object_get(root, name));

    assert_non_null(s);
    return s;
}

static size_t payload_of(uint8_t *out, const char *text)
{
    size_t n;

    assert_int_equal(so_base64url_decode(out, BUF, &n, text, strlen(text)), SO_OK);
    return n;
}

static void assert_payload(const uint8_t *bytes, size_t len, const char *want)
{
    char text[SO_BASE64URL_LEN(BUF) + 1];

    so_base64url(text, bytes, len);
    assert_string_equal(text, want);
}

static void links_meet_the_vectors(void **state)
{
    json_t *v = vectors(), *bad;
    so_invite invite;
    char text[SO_LINK_TEXT_LEN + 1], hex[2 * SO_ROOM_LEN + 1];
    const char *link = text_of(v, "link");
    so_error err;
    size_t i;

    (void)state;
    assert_int_equal(so_invite_parse(&invite, link, strlen(link), &err), SO_OK);
    so_hex(hex, invite.secret, sizeof invite.secret);
    assert_string_equal(hex, text_of(v, "secret"));
    so_hex(hex, invite.room, sizeof invite.room);
    assert_string_equal(hex, text_of(v, "room"));
    assert_int_equal(so_invite_text(&invite, text), SO_OK);
    assert_string_equal(text, link);
    json_array_foreach(json_object_get(v, "bad_links"), i, bad)
    {
        const char *b = json_string_value(bad);
        assert_int_equal(so_invite_parse(&invite, b, strlen(b), &err), SO_BAD_INPUT);
        assert_non_null(strstr(err.text, "damaged"));
    }
    json_decref(v);
}

static void two_links_differ(void **state)
{
    so_invite a, b;

    (void)state;
    assert_int_equal(so_invite_make(&a, &so_random_system), SO_OK);
    assert_int_equal(so_invite_make(&b, &so_random_system), SO_OK);
    assert_memory_not_equal(a.secret, b.secret, sizeof a.secret);
    assert_memory_not_equal(a.room, b.room, sizeof a.room);
    so_invite_wipe(&a);
    assert_memory_not_equal(a.secret, b.secret, sizeof a.secret);
}

/* Both ends run through the whole exchange of the vectors, byte for byte. */
static void the_seal_meets_the_vectors(void **state)
{
    json_t *v = vectors(), *m;
    so_invite invite;
    so_seal opener, answerer;
    uint8_t osid[16], asid[16], hello[SO_HELLO_LEN], reply[SO_HELLO_LEN], out[BUF], text[BUF], payload[BUF];
    const char *link = text_of(v, "link"), *offer = "";
    char call[12];
    bool wants_reply;
    so_seal_kind kind;
    size_t n, i;

    (void)state;
    assert_int_equal(so_hex_decode(osid, 16, text_of(v, "opener_sid")), SO_OK);
    assert_int_equal(so_hex_decode(asid, 16, text_of(v, "answerer_sid")), SO_OK);
    assert_int_equal(so_invite_parse(&invite, link, strlen(link), NULL), SO_OK);
    so_seal_start(&opener, &invite, (so_random){fixed, osid});
    so_seal_start(&answerer, &invite, (so_random){fixed, asid});
    assert_int_equal(so_seal_open_epoch(&opener, hello), SO_OK);
    assert_payload(hello, sizeof hello, text_of(v, "opener_hello"));
    assert_int_equal(so_seal_take(&answerer, hello, sizeof hello, &kind, text, &n, reply, &wants_reply), SO_SEAL_HELLO);
    assert_true(wants_reply);
    assert_payload(reply, sizeof reply, text_of(v, "answerer_hello"));
    assert_int_equal(so_seal_take(&opener, reply, sizeof reply, &kind, text, &n, hello, &wants_reply), SO_SEAL_HELLO);
    assert_false(wants_reply);
    assert_int_equal(so_seal_call_id(&opener, call), SO_OK);
    assert_string_equal(call, text_of(v, "call_id"));
    json_array_foreach(json_object_get(v, "messages"), i, m)
    {
        bool from_opener = strcmp(text_of(m, "from"), "opener") == 0;
        so_seal *from = from_opener ? &opener : &answerer, *to = from_opener ? &answerer : &opener;
        const char *plain = text_of(m, "text");
        so_seal_kind k = (so_seal_kind)json_integer_value(json_object_get(m, "kind"));

        if (k == SO_SEAL_OFFER)
            offer = plain;
        assert_int_equal(
            so_seal_make(from, k, (so_slice){plain, strlen(plain)}, (so_slice){offer, strlen(offer)}, out, &n), SO_OK);
        assert_payload(out, n, text_of(m, "payload"));
        n = payload_of(payload, text_of(m, "payload"));
        assert_int_equal(so_seal_take(to, payload, n, &kind, text, &n, reply, &wants_reply), SO_SEAL_OPENED);
        assert_int_equal(kind, k);
        assert_int_equal(n, strlen(plain));
        assert_memory_equal(text, plain, n);
    }
    so_seal_end(&opener);
    so_seal_end(&answerer);
    json_decref(v);
}

/* ---- refusals ---- */

static int set_up(void **state)
{
    ends *e = calloc(1, sizeof *e);
    so_invite invite;
    uint8_t hello[SO_HELLO_LEN], reply[SO_HELLO_LEN], text[BUF];
    so_seal_kind kind;
    size_t n;
    bool wants;

    e->seed = 42;
    if (so_invite_make(&invite, &UNIT_RANDOM(&e->seed)) != SO_OK)
        return 1;
    so_seal_start(&e->opener, &invite, UNIT_RANDOM(&e->seed));
    so_seal_start(&e->answerer, &invite, UNIT_RANDOM(&e->seed));
    if (so_seal_open_epoch(&e->opener, hello) != SO_OK ||
        so_seal_take(&e->answerer, hello, sizeof hello, &kind, text, &n, reply, &wants) != SO_SEAL_HELLO ||
        so_seal_take(&e->opener, reply, sizeof reply, &kind, text, &n, hello, &wants) != SO_SEAL_HELLO)
        return 1;
    *state = e;
    return 0;
}

static size_t make(so_seal *from, so_seal_kind kind, const char *plain, const char *offer, uint8_t *out);
static so_seal_result take(so_seal *to, const uint8_t *payload, size_t len);

/* An epoch begins with a state each. */
static int set_up_running(void **state)
{
    uint8_t out[BUF];
    ends *e;

    if (set_up(state) != 0)
        return 1;
    e = *state;
    assert_int_equal(take(&e->answerer, out, make(&e->opener, SO_SEAL_STATE, "{}", "", out)), SO_SEAL_OPENED);
    assert_int_equal(take(&e->opener, out, make(&e->answerer, SO_SEAL_STATE, "{}", "", out)), SO_SEAL_OPENED);
    return 0;
}

static int tear_down(void **state)
{
    ends *e = *state;

    so_seal_end(&e->opener);
    so_seal_end(&e->answerer);
    free(e);
    return 0;
}

static size_t make(so_seal *from, so_seal_kind kind, const char *plain, const char *offer, uint8_t *out)
{
    size_t n = 0;

    assert_int_equal(
        so_seal_make(from, kind, (so_slice){plain, strlen(plain)}, (so_slice){offer, strlen(offer)}, out, &n), SO_OK);
    return n;
}

static so_seal_result take(so_seal *to, const uint8_t *payload, size_t len)
{
    uint8_t text[BUF], hello[SO_HELLO_LEN];
    so_seal_kind kind;
    size_t n;
    bool wants;

    return so_seal_take(to, payload, len, &kind, text, &n, hello, &wants);
}

static void every_altered_bit_is_refused(void **state)
{
    ends *e = *state;
    uint8_t out[BUF];
    size_t n = make(&e->opener, SO_SEAL_OFFER, "{\"type\":\"offer\"}", "", out);

    for (size_t bit = 0; bit < n * 8; bit++) {
        so_seal copy = e->answerer;
        so_seal_result result;

        out[bit / 8] ^= (uint8_t)(1 << bit % 8);
        result = take(&copy, out, n);
        out[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_not_equal(result, SO_SEAL_OPENED);
        assert_int_not_equal(result, SO_SEAL_HELLO);
        so_seal_end(&copy);
    }
    assert_int_equal(take(&e->answerer, out, n), SO_SEAL_OPENED);
}

static void anything_but_state_first_is_refused(void **state)
{
    ends *e = *state;
    uint8_t out[BUF];
    size_t n = make(&e->opener, SO_SEAL_OFFER, "{}", "", out);

    assert_int_equal(take(&e->answerer, out, n), SO_SEAL_MALFORMED);
}

static void a_cut_envelope_is_refused(void **state)
{
    ends *e = *state;
    uint8_t out[BUF];
    size_t n = make(&e->opener, SO_SEAL_OFFER, "{}", "", out);

    for (size_t len = 0; len < n; len++) {
        so_seal copy = e->answerer;
        assert_int_not_equal(take(&copy, out, len), SO_SEAL_OPENED);
        assert_int_equal(copy.state, SO_SEAL_BROKEN);
        so_seal_end(&copy);
    }
}

static void a_replay_is_refused_and_ends_the_epoch(void **state)
{
    ends *e = *state;
    uint8_t out[BUF];
    size_t n = make(&e->opener, SO_SEAL_STATE, "{}", "", out);

    assert_int_equal(take(&e->answerer, out, n), SO_SEAL_OPENED);
    assert_int_equal(take(&e->answerer, out, n), SO_SEAL_REPLAYED);
    n = make(&e->opener, SO_SEAL_STATE, "{}", "", out);
    assert_int_equal(take(&e->answerer, out, n), SO_SEAL_NO_EPOCH);
    assert_int_equal(so_seal_make(&e->answerer, SO_SEAL_STATE, (so_slice){"{}", 2}, (so_slice){"", 0}, out, &n),
                     SO_STATE);
}

static void a_dropped_or_reordered_envelope_is_refused(void **state)
{
    ends *e = *state;
    uint8_t first[BUF], second[BUF];
    size_t n;

    (void)make(&e->opener, SO_SEAL_STATE, "{}", "", first);
    n = make(&e->opener, SO_SEAL_STATE, "{}", "", second);
    assert_int_equal(take(&e->answerer, second, n), SO_SEAL_GAP);
}

static void a_reflected_envelope_is_refused(void **state)
{
    ends *e = *state;
    uint8_t out[BUF];
    size_t n = make(&e->opener, SO_SEAL_STATE, "{}", "", out);

    assert_int_equal(take(&e->opener, out, n), SO_SEAL_REFLECTED);
}

static void a_reflected_hello_is_refused(void **state)
{
    ends *e = *state;
    uint8_t hello[SO_HELLO_LEN];

    assert_int_equal(so_seal_open_epoch(&e->opener, hello), SO_OK);
    assert_int_equal(take(&e->opener, hello, sizeof hello), SO_SEAL_REFLECTED);
}

static void an_answer_to_another_offer_is_refused(void **state)
{
    ends *e = *state;
    uint8_t out[BUF];
    size_t n = make(&e->opener, SO_SEAL_OFFER, "offer A", "", out);

    assert_int_equal(take(&e->answerer, out, n), SO_SEAL_OPENED);
    n = make(&e->answerer, SO_SEAL_ANSWER, "answer", "offer B", out);
    assert_int_equal(take(&e->opener, out, n), SO_SEAL_SPLICED);
}

static void an_answer_without_an_offer_is_refused(void **state)
{
    ends *e = *state;
    uint8_t out[BUF];
    size_t n = make(&e->answerer, SO_SEAL_ANSWER, "answer", "offer", out);

    assert_int_equal(take(&e->opener, out, n), SO_SEAL_SPLICED);
}

static void new_epoch(ends *e)
{
    uint8_t hello[SO_HELLO_LEN], reply[SO_HELLO_LEN], text[BUF];
    so_seal_kind kind;
    size_t n;
    bool wants;

    assert_int_equal(so_seal_open_epoch(&e->opener, hello), SO_OK);
    assert_int_equal(so_seal_take(&e->answerer, hello, sizeof hello, &kind, text, &n, reply, &wants), SO_SEAL_HELLO);
    assert_int_equal(so_seal_take(&e->opener, reply, sizeof reply, &kind, text, &n, hello, &wants), SO_SEAL_HELLO);
}

static void an_envelope_of_an_earlier_epoch_is_stale_and_harmless(void **state)
{
    ends *e = *state;
    uint8_t old[BUF], out[BUF];
    size_t n = make(&e->opener, SO_SEAL_STATE, "{}", "", old), m;

    new_epoch(e);
    assert_int_equal(e->answerer.epoch, 2);
    assert_int_equal(take(&e->answerer, old, n), SO_SEAL_STALE);
    assert_int_equal(e->answerer.stale, 1);
    m = make(&e->opener, SO_SEAL_STATE, "{}", "", out);
    assert_int_equal(take(&e->answerer, out, m), SO_SEAL_OPENED);
}

static void before_any_epoch_nothing_opens(void **state)
{
    ends *e = *state;
    so_seal fresh;
    uint8_t out[BUF];
    size_t n = make(&e->opener, SO_SEAL_STATE, "{}", "", out);

    so_seal_start(&fresh, &e->opener.invite, UNIT_RANDOM(&e->seed));
    assert_int_equal(take(&fresh, out, n), SO_SEAL_NO_EPOCH);
    so_seal_end(&fresh);
}

/* A server that replays hellos must not bring a key back to life: each epoch of an end has a sid of its own. */
static void replayed_hellos_never_bring_a_key_back(void **state)
{
    ends *e = *state;
    uint8_t hello[SO_HELLO_LEN], reply[SO_HELLO_LEN], text[BUF];
    uint8_t keys[64][32];
    so_seal_kind kind;
    size_t n;
    bool wants;

    assert_int_equal(so_seal_open_epoch(&e->opener, hello), SO_OK);
    for (unsigned i = 0; i < 64; i++) {
        assert_int_equal(so_seal_take(&e->answerer, hello, sizeof hello, &kind, text, &n, reply, &wants),
                         SO_SEAL_HELLO);
        memcpy(keys[i], e->answerer.out.key.bytes, 32);
        for (unsigned k = 0; k < i; k++)
            assert_memory_not_equal(keys[i], keys[k], 32);
    }
    assert_int_equal(take(&e->opener, reply, sizeof reply), SO_SEAL_HELLO);
    memcpy(keys[0], e->opener.out.key.bytes, 32);
    assert_int_equal(take(&e->opener, reply, sizeof reply), SO_SEAL_STALE);
    assert_memory_equal(keys[0], e->opener.out.key.bytes, 32);
}

/* Both came again at once: the one who came last awaits an answer and ignores the hello that the other forgets. */
static void crossing_hellos_meet_in_one_epoch(void **state)
{
    ends *e = *state;
    uint8_t first[SO_HELLO_LEN], last[SO_HELLO_LEN], reply[SO_HELLO_LEN], ignored[SO_HELLO_LEN], text[BUF];
    so_seal_kind kind;
    size_t n;
    bool wants;

    assert_int_equal(so_seal_open_epoch(&e->answerer, first), SO_OK);
    assert_int_equal(so_seal_open_epoch(&e->opener, last), SO_OK);
    assert_int_equal(so_seal_take(&e->opener, first, sizeof first, &kind, text, &n, ignored, &wants), SO_SEAL_STALE);
    assert_false(wants);
    so_seal_forget(&e->answerer); /* it hears that the other one joined */
    assert_int_equal(so_seal_take(&e->answerer, last, sizeof last, &kind, text, &n, reply, &wants), SO_SEAL_HELLO);
    assert_true(wants);
    assert_int_equal(so_seal_take(&e->opener, reply, sizeof reply, &kind, text, &n, ignored, &wants), SO_SEAL_HELLO);
    n = make(&e->opener, SO_SEAL_STATE, "{}", "", text);
    assert_int_equal(take(&e->answerer, text, n), SO_SEAL_OPENED);
}

/* Somebody in the seat who has no link, or another one, sees both sids: that is not enough. */
static void another_link_opens_nothing(void **state)
{
    ends *e = *state;
    so_invite other;
    so_seal stranger;
    uint8_t hello[SO_HELLO_LEN], reply[SO_HELLO_LEN], out[BUF], text[BUF];
    so_seal_kind kind;
    size_t n;
    bool wants;

    assert_int_equal(so_invite_make(&other, &UNIT_RANDOM(&e->seed)), SO_OK);
    memcpy(other.room, e->opener.invite.room, sizeof other.room);
    so_seal_start(&stranger, &other, UNIT_RANDOM(&e->seed));
    assert_int_equal(so_seal_open_epoch(&e->opener, hello), SO_OK);
    assert_int_equal(so_seal_take(&stranger, hello, sizeof hello, &kind, text, &n, reply, &wants), SO_SEAL_HELLO);
    assert_int_equal(take(&e->opener, reply, sizeof reply), SO_SEAL_HELLO);
    n = make(&e->opener, SO_SEAL_OFFER, "offer", "", out);
    assert_int_equal(take(&stranger, out, n), SO_SEAL_ALTERED);
    so_seal_end(&stranger);
    so_invite_wipe(&other);
}

int main(void)
{
#define REFUSAL(name) cmocka_unit_test_setup_teardown(name, set_up_running, tear_down)
#define FIRST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_meet_the_vectors),
        cmocka_unit_test(two_links_differ),
        cmocka_unit_test(the_seal_meets_the_vectors),
        FIRST(anything_but_state_first_is_refused),
        REFUSAL(every_altered_bit_is_refused),
        REFUSAL(a_cut_envelope_is_refused),
        REFUSAL(a_replay_is_refused_and_ends_the_epoch),
        REFUSAL(a_dropped_or_reordered_envelope_is_refused),
        REFUSAL(a_reflected_envelope_is_refused),
        REFUSAL(a_reflected_hello_is_refused),
        REFUSAL(an_answer_to_another_offer_is_refused),
        REFUSAL(an_answer_without_an_offer_is_refused),
        REFUSAL(an_envelope_of_an_earlier_epoch_is_stale_and_harmless),
        REFUSAL(before_any_epoch_nothing_opens),
        REFUSAL(replayed_hellos_never_bring_a_key_back),
        REFUSAL(crossing_hellos_meet_in_one_epoch),
        REFUSAL(another_link_opens_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
