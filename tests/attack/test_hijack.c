/* Attack 16: another site's page opens the signaling in a visitor's name (RFC 6455 §10.2). */
#include "unit.h"

#include "rig.h"

static const char *const evil[] = {
    "https://evil.example",
    "null",
    "",
    "https://call.example",     /* the right name, another port */
    "http://call.example:8443", /* not TLS */
    "https://call.example:8443.evil.example",
    "https://evil.example/call.example:8443",
    "https://xcall.example:8443",
    "https://call.example:84433",
    "https://call.example:8443/",
    "https://call.example:8443 https://evil.example",
    " https://evil.example https://call.example:8443",
    "https://user@call.example:8443",
};

static bool opens(rig *r, const char *host, const char *origin, const char *more)
{
    char request[1024];
    rig_end e;
    bool opened;

    rig_connect(r, &e, 7);
    (void)snprintf(request, sizeof request,
                   "GET /signal HTTP/1.1\r\nHost: %s\r\n%s%s%sConnection: Upgrade\r\nUpgrade: websocket\r\n"
                   "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                   "Sec-WebSocket-Protocol: sotto.v1\r\n%s\r\n",
                   host, origin == NULL ? "" : "Origin: ", origin == NULL ? "" : origin, origin == NULL ? "" : "\r\n",
                   more);
    rig_say(&e, request);
    opened = rig_upgraded(&e);
    assert_true(opened || (e.finished && memcmp(e.out, "HTTP/1.1 403 ", 13) == 0));
    rig_hang_up(&e);
    return opened;
}

static void only_our_own_page_opens_the_signaling(void **state)
{
    uint64_t seed = 5;
    rig r;

    (void)state;
    rig_open(&r, &seed);
    assert_true(opens(&r, RIG_HOST, RIG_ORIGIN, "")); /* the way in exists */
    for (size_t i = 0; i < sizeof evil / sizeof evil[0]; i++)
        if (opens(&r, RIG_HOST, evil[i], ""))
            fail_msg("origin \"%s\" got in", evil[i]);
    assert_false(opens(&r, RIG_HOST, NULL, ""));
    /* two Origin headers, the second one ours */
    assert_false(opens(&r, RIG_HOST, "https://evil.example", "Origin: " RIG_ORIGIN "\r\n"));
    /* cookies open nothing */
    assert_false(opens(&r, RIG_HOST, NULL, "Cookie: session=1\r\n"));
    rig_close(&r);
}

static void a_forged_host_opens_nothing(void **state)
{
    uint64_t seed = 5;
    rig r;

    (void)state;
    rig_open(&r, &seed);
    /* A page of evil.example that was rebound to this address: Host and Origin agree, but the name is not ours. */
    assert_false(opens(&r, "evil.example:8443", "https://evil.example:8443", ""));
    /* A name in the certificate is ours, under the port that the browser used. */
    assert_true(opens(&r, "127.0.0.1:9443", "https://127.0.0.1:9443", ""));
    assert_false(opens(&r, "127.0.0.1:9443", "https://127.0.0.1:8443", ""));
    assert_false(opens(&r, "[127.0.0.1", "https://[127.0.0.1", ""));
    rig_close(&r);
}

static void an_added_origin_is_exact(void **state)
{
    uint64_t seed = 5;
    rig r;

    (void)state;
    rig_open(&r, &seed);
    r.options.origin.items[0] = strdup("https://partner.example");
    r.options.origin.count = 1;
    assert_true(opens(&r, RIG_HOST, "https://partner.example", ""));
    assert_false(opens(&r, RIG_HOST, "https://partner.example.evil.example", ""));
    assert_false(opens(&r, RIG_HOST, "https://sub.partner.example", ""));
    rig_close(&r);
}

static void no_answer_sets_a_cookie(void **state)
{
    static const char *const targets[] = {"/", "/healthz", "/signal", "/nothing"};
    uint64_t seed = 5;
    rig r;

    (void)state;
    rig_open(&r, &seed);
    for (size_t i = 0; i < 4; i++) {
        char request[200];
        rig_end e;
        rig_connect(&r, &e, 7);
        (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: " RIG_HOST "\r\n\r\n", targets[i]);
        rig_say(&e, request);
        assert_true(e.out_len > 0);
        assert_null(memmem(e.out, e.out_len, "Cookie", 6));
        assert_null(memmem(e.out, e.out_len, "Access-Control", 14));
        rig_hang_up(&e);
    }
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_our_own_page_opens_the_signaling),
        cmocka_unit_test(a_forged_host_opens_nothing),
        cmocka_unit_test(an_added_origin_is_exact),
        cmocka_unit_test(no_answer_sets_a_cookie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
