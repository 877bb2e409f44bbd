#include "call/file.h"

#include "base/text.h"

#include <jansson.h>
#include <string.h>

/* JSON has no larger number that all ends read alike. */
#define SIZE_MAX_JSON 9007199254740991

bool so_file_name_is_fit(const char *name, size_t len)
{
    json_t *utf8;

    if (len == 0 || len > SO_FILE_NAME || (len == 1 && name[0] == '.') ||
        (len == 2 && name[0] == '.' && name[1] == '.'))
        return false;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)name[i];

        if (c < ' ' || c == 127 || c == '/' || c == '\\')
            return false;
        /* U+0080 to U+009F are control characters too. */
        if (c == 0xc2 && i + 1 < len && (unsigned char)name[i + 1] < 0xa0)
            return false;
    }
    utf8 = json_stringn(name, len); /* which checks it */
    json_decref(utf8);
    return utf8 != NULL;
}

static json_t *object_of(so_slice message)
{
    json_t *root = json_loadb(message.bytes, message.len, JSON_REJECT_DUPLICATES, NULL);

    if (json_is_object(root))
        return root;
    json_decref(root);
    return NULL;
}

/* A number of bytes, which no honest end says below nought. */
static bool number_of(const json_t *root, const char *name, uint64_t *number)
{
    const json_t *value = json_object_get(root, name);

    if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > SIZE_MAX_JSON)
        return false;
    *number = (uint64_t)json_integer_value(value);
    return true;
}

static bool digest_of(const json_t *root, uint8_t out[SO_SHA256_LEN])
{
    const json_t *value = json_object_get(root, "sha256");
    const char *text = json_string_value(value);

    return text != NULL && json_string_length(value) == (size_t)2 * SO_SHA256_LEN &&
           strspn(text, "0123456789abcdef") == (size_t)2 * SO_SHA256_LEN &&
           so_hex_decode(out, SO_SHA256_LEN, text) == SO_OK;
}

static void write_digest(so_writer *out, const uint8_t digest[SO_SHA256_LEN])
{
    char text[2 * SO_SHA256_LEN + 1];

    so_hex(text, digest, SO_SHA256_LEN);
    so_write_format(out, "\"%s\"", text);
}

/* What had no known end is known now. */
static void settle(so_file_offer *offer, uint64_t size, const uint8_t digest[SO_SHA256_LEN])
{
    offer->known = true;
    offer->size = size;
    memcpy(offer->sha256, digest, SO_SHA256_LEN);
}

/* ---- the sender's end ---- */

so_status so_file_sender_begin(so_file_sender *s, const so_file_offer *offer, so_writer *out)
{
    *s = (so_file_sender){.offer = *offer};
    if (!so_file_name_is_fit(offer->name, strlen(offer->name)) || (offer->known && offer->size > SIZE_MAX_JSON))
        return SO_BAD_INPUT;
    so_write_text(out, "{\"name\":");
    so_write_json(out, offer->name, strlen(offer->name));
    if (offer->known) {
        so_write_format(out, ",\"size\":%llu,\"sha256\":", (unsigned long long)offer->size);
        write_digest(out, offer->sha256);
        so_write_text(out, "}");
    } else {
        so_write_text(out, ",\"size\":null,\"sha256\":null}");
    }
    return out->failed ? SO_TOO_LONG : so_sha256_new(&s->digest);
}

void so_file_sender_end(so_file_sender *s)
{
    so_sha256_free(s->digest);
    s->digest = NULL;
    s->state = SO_FILE_SENDER_OVER;
}

static so_file_result take_answer(so_file_sender *s, const json_t *root)
{
    const json_t *accept = json_object_get(root, "accept");

    if (!json_is_boolean(accept))
        return SO_FILE_BROKEN;
    s->state = json_is_true(accept) ? SO_FILE_SENDS : SO_FILE_SENDER_OVER;
    return json_is_true(accept) ? SO_FILE_ACCEPTED : SO_FILE_REFUSED;
}

/* How much is put away; or, at the end, whether all of it is what was sent. */
static so_file_result take_progress(so_file_sender *s, const json_t *root)
{
    const json_t *done = json_object_get(root, "done");
    uint64_t got;

    if (s->state == SO_FILE_AWAITS_VERDICT && json_is_boolean(done)) {
        s->state = SO_FILE_SENDER_OVER;
        return json_is_true(done) ? SO_FILE_DONE : SO_FILE_DIFFERS;
    }
    if (!number_of(root, "got", &got) || got < s->got || got > s->sent)
        return SO_FILE_BROKEN;
    s->got = got;
    return SO_FILE_GOES_ON;
}

so_file_result so_file_sender_take(so_file_sender *s, bool text, so_slice message)
{
    json_t *root = text && s->state != SO_FILE_SENDER_OVER ? object_of(message) : NULL;
    so_file_result result = SO_FILE_BROKEN;

    if (root != NULL)
        result = s->state == SO_FILE_AWAITS_ANSWER ? take_answer(s, root) : take_progress(s, root);
    json_decref(root);
    if (result == SO_FILE_BROKEN)
        s->state = SO_FILE_SENDER_OVER;
    return result;
}

size_t so_file_sender_room(const so_file_sender *s)
{
    uint64_t ahead = s->sent - s->got, left = ahead < SO_FILE_AHEAD ? SO_FILE_AHEAD - ahead : 0;

    if (s->state != SO_FILE_SENDS)
        return 0;
    return left < SO_FILE_PIECE ? (size_t)left : SO_FILE_PIECE;
}

so_status so_file_sender_sent(so_file_sender *s, so_slice bytes)
{
    if (bytes.len > so_file_sender_room(s))
        return SO_STATE;
    s->sent += bytes.len;
    return so_sha256_add(s->digest, bytes);
}

so_status so_file_sender_finish(so_file_sender *s, so_writer *out)
{
    uint8_t digest[SO_SHA256_LEN];
    so_status status;

    if (s->state != SO_FILE_SENDS)
        return SO_STATE;
    status = so_sha256_end(s->digest, digest);
    if (status != SO_OK)
        return status;
    /* It was written to while it was sent: the receiver would find the same, later. */
    if (s->offer.known && (s->sent != s->offer.size || memcmp(digest, s->offer.sha256, sizeof digest) != 0))
        return SO_REFUSED;
    so_write_format(out, "{\"end\":%llu,\"sha256\":", (unsigned long long)s->sent);
    write_digest(out, digest);
    so_write_text(out, "}");
    settle(&s->offer, s->sent, digest);
    s->state = SO_FILE_AWAITS_VERDICT;
    return out->failed ? SO_TOO_LONG : SO_OK;
}

/* ---- the receiver's end ---- */

so_status so_file_receiver_begin(so_file_receiver *r)
{
    *r = (so_file_receiver){.state = SO_FILE_AWAITS_OFFER};
    return so_sha256_new(&r->digest);
}

void so_file_receiver_end(so_file_receiver *r)
{
    so_sha256_free(r->digest);
    r->digest = NULL;
    r->state = SO_FILE_RECEIVER_OVER;
}

static so_file_result take_offer(so_file_receiver *r, const json_t *root)
{
    const json_t *name = json_object_get(root, "name");
    so_file_offer *offer = &r->offer;

    if (!json_is_string(name) || !so_file_name_is_fit(json_string_value(name), json_string_length(name)))
        return SO_FILE_BROKEN;
    memcpy(offer->name, json_string_value(name), json_string_length(name) + 1);
    offer->known = !json_is_null(json_object_get(root, "size")) || !json_is_null(json_object_get(root, "sha256"));
    if (offer->known && (!number_of(root, "size", &offer->size) || !digest_of(root, offer->sha256)))
        return SO_FILE_BROKEN;
    r->state = SO_FILE_AWAITS_DECISION;
    return SO_FILE_OFFERED;
}

static so_file_result take_bytes(so_file_receiver *r, so_slice bytes)
{
    uint64_t most = r->offer.known ? r->offer.size : SIZE_MAX_JSON;

    if (bytes.len == 0 || bytes.len > SO_FILE_PIECE || r->came - r->told + bytes.len > SO_FILE_AHEAD ||
        bytes.len > most - r->came || so_sha256_add(r->digest, bytes) != SO_OK)
        return SO_FILE_BROKEN;
    r->came += bytes.len;
    return SO_FILE_BYTES;
}

static so_file_result take_end(so_file_receiver *r, const json_t *root)
{
    uint8_t said[SO_SHA256_LEN], digest[SO_SHA256_LEN];
    uint64_t end;
    bool fits;

    if (!number_of(root, "end", &end) || !digest_of(root, said) || so_sha256_end(r->digest, digest) != SO_OK)
        return SO_FILE_BROKEN;
    fits = end == r->came && memcmp(said, digest, sizeof digest) == 0 &&
           (!r->offer.known || (r->came == r->offer.size && memcmp(r->offer.sha256, digest, sizeof digest) == 0));
    if (fits)
        settle(&r->offer, r->came, digest);
    r->state = SO_FILE_RECEIVER_OVER;
    return fits ? SO_FILE_DONE : SO_FILE_DIFFERS;
}

so_file_result so_file_receiver_take(so_file_receiver *r, bool text, so_slice message)
{
    so_file_result result = SO_FILE_BROKEN;
    json_t *root;

    if (r->state == SO_FILE_RECEIVES && !text) {
        result = take_bytes(r, message);
    } else if (text && message.len <= SO_FILE_PIECE &&
               (r->state == SO_FILE_RECEIVES || r->state == SO_FILE_AWAITS_OFFER)) {
        root = object_of(message);
        if (root != NULL)
            result = r->state == SO_FILE_AWAITS_OFFER ? take_offer(r, root) : take_end(r, root);
        json_decref(root);
    }
    if (result == SO_FILE_BROKEN)
        r->state = SO_FILE_RECEIVER_OVER;
    return result;
}

void so_file_receiver_decide(so_file_receiver *r, bool accept, so_writer *out)
{
    if (r->state != SO_FILE_AWAITS_DECISION)
        return;
    r->state = accept ? SO_FILE_RECEIVES : SO_FILE_RECEIVER_OVER;
    so_write_text(out, accept ? "{\"accept\":true}" : "{\"accept\":false}");
}

void so_file_receiver_kept(const so_file_receiver *r, bool kept, so_writer *out)
{
    if (r->state != SO_FILE_RECEIVER_OVER)
        return;
    so_write_text(out, kept ? "{\"done\":true}" : "{\"done\":false}");
}

void so_file_receiver_put(so_file_receiver *r, size_t bytes, so_writer *out)
{
    r->put += bytes;
    if (r->state != SO_FILE_RECEIVES || r->put - r->told < SO_FILE_GOT)
        return;
    r->told = r->put;
    so_write_format(out, "{\"got\":%llu}", (unsigned long long)r->told);
}
