/* Files over data channels: both ends' orders, and what breaks them. */
#include "unit.h"

#include "call/file.h"
#include "crypto/digest.h"

#include <stdlib.h>

#define TEXT(s) ((so_slice){(s), strlen(s)})

static char text[SO_FILE_TEXT + 1];

static so_writer fresh(void)
{
    return so_writer_of(text, SO_FILE_TEXT);
}

static const char *said(const so_writer *w)
{
    assert_false(w->failed);
    text[so_writer_len(w)] = '\0';
    return text;
}

static so_file_offer offer_of(const char *name, so_slice bytes, bool known)
{
    so_file_offer offer = {.known = known, .size = bytes.len};

    (void)snprintf(offer.name, sizeof offer.name, "%s", name);
    assert_int_equal(so_sha256(offer.sha256, &bytes, 1), SO_OK);
    return offer;
}

/* One file from end to end. Returns what the receiver came to; flip: the byte that is altered on its way, or none. */
static so_file_result transfer(so_slice file, bool known, size_t flip, so_file_result *at_sender)
{
    so_file_offer offer = offer_of("a file.bin", file, known);
    so_file_sender s;
    so_file_receiver r;
    so_writer w = fresh();
    so_file_result result;
    uint8_t piece[SO_FILE_PIECE];
    size_t at = 0;

    assert_int_equal(so_file_sender_begin(&s, &offer, &w), SO_OK);
    assert_int_equal(so_file_receiver_begin(&r), SO_OK);
    assert_int_equal(so_file_receiver_take(&r, true, TEXT(said(&w))), SO_FILE_OFFERED);
    assert_string_equal(r.offer.name, "a file.bin");
    assert_int_equal(r.offer.known, known);
    assert_int_equal(so_file_sender_room(&s), 0);
    w = fresh();
    so_file_receiver_decide(&r, true, &w);
    assert_int_equal(so_file_sender_take(&s, true, TEXT(said(&w))), SO_FILE_ACCEPTED);
    while (at < file.len) {
        size_t len = so_file_sender_room(&s) < file.len - at ? so_file_sender_room(&s) : file.len - at;

        assert_true(len > 0);
        memcpy(piece, (const uint8_t *)file.bytes + at, len);
        assert_int_equal(so_file_sender_sent(&s, (so_slice){piece, len}), SO_OK);
        if (flip >= at && flip < at + len)
            piece[flip - at] ^= 1;
        assert_int_equal(so_file_receiver_take(&r, false, (so_slice){piece, len}), SO_FILE_BYTES);
        w = fresh();
        so_file_receiver_put(&r, len, &w);
        if (so_writer_len(&w) > 0)
            assert_int_equal(so_file_sender_take(&s, true, TEXT(said(&w))), SO_FILE_GOES_ON);
        at += len;
    }
    w = fresh();
    assert_int_equal(so_file_sender_finish(&s, &w), SO_OK);
    {
        char end[SO_FILE_TEXT + 1];

        (void)snprintf(end, sizeof end, "%s", said(&w));
        w = fresh();
        result = so_file_receiver_take(&r, true, TEXT(end));
        so_file_receiver_kept(&r, result == SO_FILE_DONE, &w);
    }
    *at_sender = so_file_sender_take(&s, true, TEXT(said(&w)));
    so_file_sender_end(&s);
    so_file_receiver_end(&r);
    return result;
}

static void a_file_arrives_whole_or_not_at_all(void **state)
{
    static const size_t lengths[] = {0, 1, SO_FILE_PIECE, 5 * 1024 * 1024 + 17};
    uint8_t *file = malloc(lengths[3]);
    so_file_result at_sender;

    (void)state;
    assert_non_null(file);
    for (size_t i = 0; i < lengths[3]; i++)
        file[i] = (uint8_t)(i * 7 >> 3);
    for (unsigned i = 0; i < 4; i++)
        for (unsigned known = 0; known < 2; known++) {
            so_slice whole = {file, lengths[i]};

            assert_int_equal(transfer(whole, known, SIZE_MAX, &at_sender), SO_FILE_DONE);
            assert_int_equal(at_sender, SO_FILE_DONE);
            if (lengths[i] == 0)
                continue;
            assert_int_equal(transfer(whole, known, lengths[i] / 2, &at_sender), SO_FILE_DIFFERS);
            assert_int_equal(at_sender, SO_FILE_DIFFERS);
        }
    free(file);
}

static so_file_result offered(const char *json)
{
    so_file_receiver r;
    so_file_result result;

    assert_int_equal(so_file_receiver_begin(&r), SO_OK);
    result = so_file_receiver_take(&r, true, TEXT(json));
    so_file_receiver_end(&r);
    return result;
}

#define DIGEST "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void offers_that_are_none_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "nonsense",
        "{}",
        "{\"name\":5,\"size\":null,\"sha256\":null}",
        "{\"name\":\"\",\"size\":null,\"sha256\":null}",
        "{\"name\":\".\",\"size\":null,\"sha256\":null}",
        "{\"name\":\"..\",\"size\":null,\"sha256\":null}",
        "{\"name\":\"../a\",\"size\":null,\"sha256\":null}",
        "{\"name\":\"a\\\\b\",\"size\":null,\"sha256\":null}",
        "{\"name\":\"a\\nb\",\"size\":null,\"sha256\":null}",
        "{\"name\":\"a\\u0000b\",\"size\":null,\"sha256\":null}",
        "{\"name\":\"a\\u0085b\",\"size\":null,\"sha256\":null}",
        "{\"name\":\"a\",\"size\":1,\"sha256\":null}",
        "{\"name\":\"a\",\"size\":null,\"sha256\":\"" DIGEST "\"}",
        "{\"name\":\"a\",\"size\":-1,\"sha256\":\"" DIGEST "\"}",
        "{\"name\":\"a\",\"size\":1.5,\"sha256\":\"" DIGEST "\"}",
        "{\"name\":\"a\",\"size\":9007199254740992,\"sha256\":\"" DIGEST "\"}",
        "{\"name\":\"a\",\"size\":1,\"sha256\":\"E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855\"}",
        "{\"name\":\"a\",\"size\":1,\"sha256\":\"e3b0\"}",
        "{\"name\":\"a\",\"name\":\"b\",\"size\":null,\"sha256\":null}",
    };
    char json[1024], name[300];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (offered(bad[i]) != SO_FILE_BROKEN)
            fail_msg("taken: %s", bad[i]);
    assert_int_equal(offered("{\"name\":\"a\",\"size\":0,\"sha256\":\"" DIGEST "\",\"more\":[1]}"), SO_FILE_OFFERED);
    assert_int_equal(offered("{\"name\":\"a\",\"size\":null,\"sha256\":null}"), SO_FILE_OFFERED);
    memset(name, 'x', sizeof name);
    for (size_t len = SO_FILE_NAME; len <= SO_FILE_NAME + 1; len++) {
        (void)snprintf(json, sizeof json, "{\"name\":\"%.*s\",\"size\":null,\"sha256\":null}", (int)len, name);
        assert_int_equal(offered(json), len == SO_FILE_NAME ? SO_FILE_OFFERED : SO_FILE_BROKEN);
    }
}

static void a_receiver_takes_things_in_their_order_alone(void **state)
{
    static const uint8_t bytes[SO_FILE_PIECE + 1];
    so_file_offer small = offer_of("f", (so_slice){bytes, 10}, true),
                  endless = offer_of("f", (so_slice){bytes, 0}, false);
    so_file_receiver r = {.digest = NULL};
    so_file_sender s;
    so_writer w;

    (void)state;
    for (unsigned how = 0; how < 9; how++) {
        so_file_result result = SO_FILE_GOES_ON;
        char offer[SO_FILE_TEXT + 1];

        w = fresh();
        assert_int_equal(so_file_sender_begin(&s, how == 6 || how == 7 ? &endless : &small, &w), SO_OK);
        (void)snprintf(offer, sizeof offer, "%s", said(&w));
        so_file_sender_end(&s);
        assert_int_equal(so_file_receiver_begin(&r), SO_OK);
        if (how > 0)
            assert_int_equal(so_file_receiver_take(&r, true, TEXT(offer)), SO_FILE_OFFERED);
        w = fresh();
        if (how > 2)
            so_file_receiver_decide(&r, true, &w);
        switch (how) {
        case 0: /* bytes ahead of an offer; */
        case 1: /* ahead of the decision; */
            result = so_file_receiver_take(&r, false, (so_slice){bytes, 5});
            break;
        case 2: /* another offer; */
            result = so_file_receiver_take(&r, true, TEXT(offer));
            break;
        case 3: /* an empty message; */
            result = so_file_receiver_take(&r, false, (so_slice){bytes, 0});
            break;
        case 4: /* more than was offered; */
            result = so_file_receiver_take(&r, false, (so_slice){bytes, 11});
            break;
        case 5: /* text that ends nothing; */
            result = so_file_receiver_take(&r, true, TEXT("{\"end\":10}"));
            break;
        case 6: /* a message too long; */
            result = so_file_receiver_take(&r, false, (so_slice){bytes, sizeof bytes});
            break;
        case 7: /* further ahead than it may be; */
            for (unsigned i = 0; i < SO_FILE_AHEAD / SO_FILE_PIECE; i++)
                assert_int_equal(so_file_receiver_take(&r, false, (so_slice){bytes, SO_FILE_PIECE}), SO_FILE_BYTES);
            result = so_file_receiver_take(&r, false, (so_slice){bytes, 1});
            break;
        case 8: /* an end that lies about what came */
            assert_int_equal(so_file_receiver_take(&r, false, (so_slice){bytes, 9}), SO_FILE_BYTES);
            w = fresh();
            result = so_file_receiver_take(&r, true, TEXT("{\"end\":10,\"sha256\":\"" DIGEST "\"}"));
            so_file_receiver_kept(&r, false, &w);
            assert_string_equal(said(&w), "{\"done\":false}");
            break;
        }
        assert_int_equal(result, how == 8 ? SO_FILE_DIFFERS : SO_FILE_BROKEN);
        assert_int_equal(so_file_receiver_take(&r, false, (so_slice){bytes, 1}), SO_FILE_BROKEN);
        so_file_receiver_end(&r);
    }
}

static void a_sender_believes_no_lies(void **state)
{
    static const uint8_t bytes[100];
    static const char *const lies[] = {
        "{\"got\":101}", "{\"got\":-1}", "{\"got\":\"5\"}", "{\"done\":true}", "x", "{}"};
    so_file_offer offer = offer_of("f", (so_slice){bytes, sizeof bytes}, true);
    so_file_sender s;
    so_writer w;

    (void)state;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        w = fresh();
        assert_int_equal(so_file_sender_begin(&s, &offer, &w), SO_OK);
        assert_int_equal(so_file_sender_sent(&s, (so_slice){bytes, 1}), SO_STATE); /* not accepted yet */
        assert_int_equal(so_file_sender_take(&s, true, TEXT("{\"accept\":true}")), SO_FILE_ACCEPTED);
        assert_int_equal(so_file_sender_sent(&s, (so_slice){bytes, sizeof bytes}), SO_OK);
        assert_int_equal(so_file_sender_take(&s, true, TEXT("{\"got\":50}")), SO_FILE_GOES_ON);
        assert_int_equal(so_file_sender_take(&s, true, TEXT(lies[i])), SO_FILE_BROKEN);
        assert_int_equal(so_file_sender_room(&s), 0);
        so_file_sender_end(&s);
    }
    w = fresh();
    assert_int_equal(so_file_sender_begin(&s, &offer, &w), SO_OK);
    assert_int_equal(so_file_sender_take(&s, true, TEXT("{\"accept\":false}")), SO_FILE_REFUSED);
    so_file_sender_end(&s);
    /* It was written to meanwhile: */
    w = fresh();
    assert_int_equal(so_file_sender_begin(&s, &offer, &w), SO_OK);
    assert_int_equal(so_file_sender_take(&s, true, TEXT("{\"accept\":true}")), SO_FILE_ACCEPTED);
    assert_int_equal(so_file_sender_sent(&s, (so_slice){bytes, 50}), SO_OK);
    assert_int_equal(so_file_sender_finish(&s, &w), SO_REFUSED);
    so_file_sender_end(&s);
    (void)snprintf(offer.name, sizeof offer.name, "a/b");
    assert_int_equal(so_file_sender_begin(&s, &offer, &w), SO_BAD_INPUT);
    so_file_sender_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_arrives_whole_or_not_at_all),
        cmocka_unit_test(offers_that_are_none_are_refused),
        cmocka_unit_test(a_receiver_takes_things_in_their_order_alone),
        cmocka_unit_test(a_sender_believes_no_lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
