/*
 * call/file: what either end of one file takes from the other, in any order. First byte: which end is the target.
 * Each step: a message, which the input has, or one that fits what was said so far; else the owner's own doing. A file
 * that was called done is the one that was offered and sent, and nobody is ever further ahead than is allowed.
 */
#include "base/text.h"
#include "call/file.h"

#include <stdlib.h>
#include <string.h>

static void check(bool good)
{
    if (!good)
        abort();
}

static so_slice rest(so_reader *in, size_t most)
{
    size_t asked = so_read_u8(in), left;
    so_slice slice;

    if (asked >= 0xc0)
        asked = (asked & 0x3f) << 8 | so_read_u8(in);
    left = so_reader_left(in);
    slice.len = asked < most ? asked : most;
    slice.len = slice.len < left ? slice.len : left;
    slice.bytes = so_read_bytes(in, slice.len);
    return slice;
}

static void digest_of(char text[2 * SO_SHA256_LEN + 1], so_slice bytes)
{
    uint8_t digest[SO_SHA256_LEN];

    check(so_sha256(digest, &bytes, 1) == SO_OK);
    so_hex(text, digest, sizeof digest);
}

/* ---- a receiver ---- */

typedef struct got {
    uint8_t bytes[1 << 16]; /* the first ones */
    uint64_t len;
    bool any, done;
} got;

/* An offer or an end that fits, since no fuzzer finds a digest. */
static size_t fitting(char *out, size_t cap, so_reader *in, const so_file_receiver *r, const got *g)
{
    so_writer w = so_writer_of(out, cap);
    char digest[2 * SO_SHA256_LEN + 1];
    so_slice file;

    if (r->state == SO_FILE_AWAITS_OFFER) {
        file = rest(in, 255);
        digest_of(digest, file);
        so_write_format(&w, "{\"name\":\"f\",\"size\":%zu,\"sha256\":\"%s\"}", file.len, digest);
    } else {
        digest_of(digest, (so_slice){g->bytes, g->len < sizeof g->bytes ? (size_t)g->len : sizeof g->bytes});
        so_write_format(&w, "{\"end\":%llu,\"sha256\":\"%s\"}", (unsigned long long)g->len, digest);
    }
    return so_writer_len(&w);
}

static void receiver_takes(so_file_receiver *r, got *g, bool text, so_slice message)
{
    so_file_receiver_state before = r->state;
    uint8_t *copy = malloc(message.len + 1); /* so that what is beyond its end is seen */
    so_file_result result;

    check(copy != NULL);
    if (message.len > 0)
        memcpy(copy, message.bytes, message.len);
    result = so_file_receiver_take(r, text, (so_slice){copy, message.len});
    check(result == SO_FILE_BROKEN || before != SO_FILE_RECEIVER_OVER);
    if (result == SO_FILE_OFFERED)
        check(before == SO_FILE_AWAITS_OFFER && so_file_name_is_fit(r->offer.name, strlen(r->offer.name)));
    if (result == SO_FILE_BYTES) {
        check(before == SO_FILE_RECEIVES && !text && message.len > 0 && message.len <= SO_FILE_PIECE);
        if (g->len + message.len <= sizeof g->bytes)
            memcpy(g->bytes + g->len, copy, message.len);
        g->len += message.len;
        check(r->came == g->len && r->came - r->told <= SO_FILE_AHEAD);
        check(!r->offer.known || r->came <= r->offer.size);
    }
    if (result == SO_FILE_DONE) {
        check(before == SO_FILE_RECEIVES && r->offer.known && r->offer.size == g->len);
        g->done = true;
    }
    if (result == SO_FILE_BROKEN || result == SO_FILE_DONE || result == SO_FILE_DIFFERS)
        check(r->state == SO_FILE_RECEIVER_OVER);
    free(copy);
}

static void check_digest(const so_file_receiver *r, const got *g)
{
    char want[2 * SO_SHA256_LEN + 1], have[2 * SO_SHA256_LEN + 1];

    if (!g->done || g->len > sizeof g->bytes)
        return;
    digest_of(want, (so_slice){g->bytes, (size_t)g->len});
    so_hex(have, r->offer.sha256, SO_SHA256_LEN);
    check(strcmp(want, have) == 0);
}

static void receive(so_reader *in)
{
    static got g;
    static const uint8_t zeros[SO_FILE_PIECE + 1];
    so_file_receiver r;
    char text[SO_FILE_TEXT];
    so_writer w;

    memset(&g, 0, sizeof g);
    check(so_file_receiver_begin(&r) == SO_OK);
    while (so_reader_left(in) > 0) {
        uint8_t what = so_read_u8(in);

        w = so_writer_of(text, sizeof text);
        switch (what % 8) {
        case 0:
        case 1:
            receiver_takes(&r, &g, what % 8 == 0, rest(in, 16384));
            break;
        case 2:
            receiver_takes(&r, &g, true, (so_slice){text, fitting(text, sizeof text, in, &r, &g)});
            break;
        case 3:
            so_file_receiver_decide(&r, (what & 8) == 0, &w);
            break;
        case 4:
            receiver_takes(&r, &g, false, (so_slice){zeros, (size_t)(what / 8 + 1) * 2048 + (what == 0xfc)});
            break;
        case 5:
            so_file_receiver_kept(&r, (what & 8) != 0, &w);
            break;
        default: /* nobody puts away what has not come */
            so_file_receiver_put(&r, (size_t)(g.len - r.put) / (1 + what / 8), &w);
            check(r.told <= g.len);
        }
        check(!w.failed);
    }
    check_digest(&r, &g);
    so_file_receiver_end(&r);
}

/* ---- a sender ---- */

static void sender_takes(so_file_sender *s, bool text, so_slice message)
{
    so_file_sender_state before = s->state;
    uint8_t *copy = malloc(message.len + 1);
    so_file_result result;

    check(copy != NULL);
    if (message.len > 0)
        memcpy(copy, message.bytes, message.len);
    result = so_file_sender_take(s, text, (so_slice){copy, message.len});
    check(result == SO_FILE_BROKEN || before != SO_FILE_SENDER_OVER);
    check(result != SO_FILE_ACCEPTED || (before == SO_FILE_AWAITS_ANSWER && s->state == SO_FILE_SENDS));
    check((result != SO_FILE_DONE && result != SO_FILE_DIFFERS) || before == SO_FILE_AWAITS_VERDICT);
    check(s->got <= s->sent);
    free(copy);
}

static void send_some(so_file_sender *s, uint8_t how)
{
    static const uint8_t zeros[SO_FILE_PIECE + 1];
    size_t room = so_file_sender_room(s), len = room / (1 + how / 8);

    check(room <= SO_FILE_PIECE && (room == 0 || s->state == SO_FILE_SENDS));
    check(so_file_sender_sent(s, (so_slice){zeros, room + 1}) == SO_STATE);
    check(so_file_sender_sent(s, (so_slice){zeros, len}) == SO_OK);
    check(s->sent - s->got <= SO_FILE_AHEAD);
}

static void begin_send(so_file_sender *s, so_reader *in)
{
    so_file_offer offer = {.known = false};
    so_file_receiver r;
    so_slice name = rest(in, SO_FILE_NAME);
    char text[SO_FILE_TEXT];
    so_writer w = so_writer_of(text, sizeof text);
    so_status status;

    if (name.len > 0)
        memcpy(offer.name, name.bytes, name.len);
    offer.known = (so_read_u8(in) & 1) != 0;
    offer.size = so_read_u32(in);
    status = so_file_sender_begin(s, &offer, &w);
    check((status == SO_OK) == so_file_name_is_fit(offer.name, strlen(offer.name)));
    if (status != SO_OK)
        return;
    /* A receiver reads exactly that. */
    check(so_file_receiver_begin(&r) == SO_OK);
    check(so_file_receiver_take(&r, true, (so_slice){text, so_writer_len(&w)}) == SO_FILE_OFFERED);
    check(strcmp(r.offer.name, offer.name) == 0 && r.offer.known == offer.known);
    check(!offer.known || r.offer.size == offer.size);
    so_file_receiver_end(&r);
}

static void send(so_reader *in)
{
    so_file_sender s;
    char text[SO_FILE_TEXT];
    so_writer w;

    begin_send(&s, in);
    while (s.digest != NULL && so_reader_left(in) > 0) {
        uint8_t what = so_read_u8(in);

        w = so_writer_of(text, sizeof text);
        switch (what % 4) {
        case 0:
            sender_takes(&s, (what & 8) == 0, rest(in, 16384));
            break;
        case 1:
            so_write_format(&w, "{\"got\":%llu}", (unsigned long long)(s.got + what / 4 * 1024U));
            sender_takes(&s, true, (so_slice){text, so_writer_len(&w)});
            break;
        case 2:
            send_some(&s, what);
            break;
        default:
            check(so_file_sender_finish(&s, &w) != SO_OK || s.state == SO_FILE_AWAITS_VERDICT);
        }
        check(!w.failed);
    }
    so_file_sender_end(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    so_reader in = so_reader_of(bytes, len);

    if ((so_read_u8(&in) & 1) == 0)
        receive(&in);
    else
        send(&in);
    return 0;
}
