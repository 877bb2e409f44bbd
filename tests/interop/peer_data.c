/* Data channels of the end that tests drive: commands to channels, and what they bring as events. */
#include "interop/peer.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define SHORT 200 /* bytes of a text that are told as they are */

static so_slice text_of(const json_t *command, const char *name)
{
    const json_t *text = json_object_get(command, name);

    return (so_slice){json_string_value(text), json_string_length(text)};
}

static uint16_t channel_of(const json_t *command)
{
    return (uint16_t)json_integer_value(json_object_get(command, "id"));
}

static void do_open(end *e, const json_t *command)
{
    const json_t *repeats = json_object_get(command, "repeats"), *life = json_object_get(command, "life");
    so_sctp_channel channel = {.label = text_of(command, "label"),
                               .protocol = text_of(command, "protocol"),
                               .unordered = json_is_true(json_object_get(command, "unordered")),
                               .negotiated = json_is_true(json_object_get(command, "negotiated")),
                               .id = channel_of(command)};
    uint16_t id = 0;

    if (repeats != NULL) {
        channel.reliability = SO_SCTP_BY_COUNT;
        channel.limit = (uint32_t)json_integer_value(repeats);
    } else if (life != NULL) {
        channel.reliability = SO_SCTP_BY_TIME;
        channel.limit = (uint32_t)json_integer_value(life);
    }
    must(so_peer_open_channel(e->peer, so_loop_now(&e->loop), &channel, &id), NULL, "a channel");
    say(json_pack("{s:s, s:s, s:i}", "event", "channel", "kind", "made", "id", id));
}

/* Text as it is given, or so many bytes, of which no two pieces are alike. */
static void do_send(end *e, const json_t *command)
{
    so_slice text = text_of(command, "text");
    size_t length = (size_t)json_integer_value(json_object_get(command, "length"));
    uint8_t *bytes = malloc(length + 1);

    must(bytes == NULL ? SO_NO_MEMORY : SO_OK, NULL, "a message");
    for (size_t i = 0; i < length; i++)
        bytes[i] = (uint8_t)(i ^ i >> 8);
    must(so_peer_send_message(e->peer, so_loop_now(&e->loop), channel_of(command), text.bytes != NULL,
                              text.bytes != NULL ? text : (so_slice){bytes, length}),
         NULL, "a message");
    free(bytes);
}

bool data_obeys(end *e, const char *what, const json_t *command)
{
    if (strcmp(what, "add-data") == 0)
        must(so_peer_add_data(e->peer), NULL, "data channels");
    else if (strcmp(what, "open-channel") == 0)
        do_open(e, command);
    else if (strcmp(what, "send") == 0)
        do_send(e, command);
    else if (strcmp(what, "close-channel") == 0)
        so_peer_close_channel(e->peer, so_loop_now(&e->loop), channel_of(command));
    else
        return false;
    return true;
}

static void say_message(const so_sctp_event *event)
{
    uint8_t digest[SO_SHA256_LEN];
    char hex[2 * SO_SHA256_LEN + 1];
    bool is_short = event->text && event->bytes.len <= SHORT;

    must(so_sha256(digest, &event->bytes, 1), NULL, "a digest");
    so_hex(hex, digest, sizeof digest);
    say(json_pack("{s:s, s:i, s:b, s:I, s:s, s:s%}", "event", "message", "id", event->channel, "text", event->text,
                  "length", (json_int_t)event->bytes.len, "sha256", hex, "body",
                  is_short && event->bytes.len > 0 ? (const char *)event->bytes.bytes : "",
                  is_short ? event->bytes.len : (size_t)0));
}

void data_event(end *e, const so_sctp_event *event)
{
    static const char *const kinds[] = {[SO_SCTP_CONNECTED] = "ready",
                                        [SO_SCTP_CHANNEL_OPENED] = "opened",
                                        [SO_SCTP_BUFFERED_LOW] = "low",
                                        [SO_SCTP_CHANNEL_CLOSED] = "closed",
                                        [SO_SCTP_ENDED] = "ended"};
    const so_sctp_channel *opened = &event->opened;

    (void)e;
    if (event->kind == SO_SCTP_MESSAGE)
        say_message(event);
    else if (event->kind == SO_SCTP_CHANNEL_OPENED)
        say(json_pack("{s:s, s:s, s:i, s:s%, s:s%, s:b, s:i, s:I}", "event", "channel", "kind", "opened", "id",
                      event->channel, "label", (const char *)opened->label.bytes, opened->label.len, "protocol",
                      opened->protocol.len > 0 ? (const char *)opened->protocol.bytes : "", opened->protocol.len,
                      "unordered", opened->unordered, "reliability", (int)opened->reliability, "limit",
                      (json_int_t)opened->limit));
    else
        say(json_pack("{s:s, s:s, s:i}", "event", "channel", "kind", kinds[event->kind], "id", event->channel));
}
