/* Messages and frames that no honest end sends, and seats that are not one's own (docs/protocol.md, sections 1 and 3).
 */
#include "cli/rehearse_room.h"

#include <string.h>

/* What comes back for it: an error, and the Close frame behind it, as the protocol's tables have them. */
typedef struct expected {
    const char *code;
    unsigned close; /* 0: the connection goes on */
} expected;

static rehearse_result judge(rehearsal *r, wire *w, const expected *x)
{
    wire_heard heard;

    if (x->code != NULL) {
        if (!wire_hear(w, &heard, REHEARSE_PATIENCE))
            return rehearse_weak(r, "it was neither answered nor refused");
        if (strcmp(heard.kind, "error") != 0 || strcmp(heard.code, x->code) != 0)
            return rehearse_weak(r, "answered with %s %s%.0u, not with the error %s", heard.kind, heard.code,
                                 heard.close, x->code);
        if (x->close == 0)
            return rehearse_held(r, "refused with the error %s", x->code);
    }
    if (!wire_hear_kind(w, "closed", &heard, REHEARSE_SILENCE) && strcmp(heard.kind, "closed") != 0)
        return rehearse_weak(r, "the connection went on; close code %u is due", x->close);
    if (heard.close != x->close)
        return rehearse_weak(r, "closed with code %u, where %u is due", heard.close, x->close);
    return x->code == NULL ? rehearse_held(r, "closed with code %u", x->close)
                           : rehearse_held(r, "refused with the error %s, closed with code %u", x->code, x->close);
}

/* ---- texts that are no messages ---- */

enum { NOT_JSON, NO_OBJECT, DUPLICATE, DEEP, NO_PAYLOAD, UNKNOWN_KIND, BEFORE_JOIN };

static const struct {
    const char *text;
    expected x;
} texts[] = {
    [NOT_JSON] = {"{\"kind\":\"join\"", {"bad-message", 4000}},
    [NO_OBJECT] = {"[\"join\"]", {"bad-message", 4000}},
    [DUPLICATE] = {"{\"kind\":\"nothing\",\"kind\":\"join\",\"room\":\"AAAAAAAAAAAAAAAAAAAAAA\"}",
                   {"bad-message", 4000}},
    [DEEP] = {"{\"kind\":\"nothing\",\"a\":[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]}", {"bad-message", 4000}},
    [NO_PAYLOAD] = {"{\"kind\":\"envelope\",\"to\":\"AAAAAAAAAAA\",\"payload\":\"=/+ not base64url\"}",
                    {"bad-message", 4000}},
    [UNKNOWN_KIND] = {"{\"kind\":\"administer\"}", {"unknown-kind", 0}},
    [BEFORE_JOIN] = {"{\"kind\":\"envelope\",\"to\":\"AAAAAAAAAAA\",\"payload\":\"AAAA\"}", {"not-joined", 4000}},
};

static rehearse_result odd_text(rehearsal *r, int variant)
{
    wire *w = wire_signal(r);
    rehearse_result result;

    if (w == NULL)
        return REHEARSE_NOT_TRIED;
    wire_say(w, texts[variant].text);
    result = judge(r, w, &texts[variant].x);
    wire_free(w);
    return result;
}

/* ---- frames against RFC 6455 ---- */

enum { BINARY, NOT_UTF8, UNMASKED, RESERVED, LONG_CONTROL, STRAY_CONTINUATION };

static const struct {
    uint8_t first;
    bool masked;
    const char *bytes;
    size_t len;
    unsigned close;
} frames[] = {
    [BINARY] = {WIRE_FIN | WIRE_BINARY, true, "{}", 2, 1003},
    [NOT_UTF8] = {WIRE_FIN | WIRE_TEXT, true, "{\"kind\":\"\xff\xfe\"}", 12, 1007},
    [UNMASKED] = {WIRE_FIN | WIRE_TEXT, false, "{\"kind\":\"bye\"}", 14, 1002},
    [RESERVED] = {WIRE_FIN | 0x70 | WIRE_TEXT, true, "{}", 2, 1002},
    [LONG_CONTROL] = {WIRE_FIN | WIRE_PING, true, NULL, 126, 1002},
    [STRAY_CONTINUATION] = {WIRE_FIN | WIRE_CONTINUATION, true, "{}", 2, 1002},
};

static rehearse_result odd_frame(rehearsal *r, int variant)
{
    static const char zeros[126];
    const char *bytes = frames[variant].bytes;
    const expected x = {NULL, frames[variant].close};
    wire *w = wire_signal(r);
    rehearse_result result;

    if (w == NULL)
        return REHEARSE_NOT_TRIED;
    wire_frame(w, frames[variant].first, frames[variant].masked, bytes == NULL ? zeros : bytes, frames[variant].len);
    result = judge(r, w, &x);
    wire_free(w);
    return result;
}

/* ---- seats ---- */

/* From a room of its own to somebody in another one. */
static rehearse_result to_a_stranger(rehearsal *r, int variant)
{
    static const expected x = {"no-such-member", 0};
    char room[SO_ROOM_TEXT_LEN + 1], text[200];
    rehearse_result result;
    wire_heard welcome;
    wire *w;

    (void)variant;
    wire_room(room);
    w = wire_seat(r, room, NULL, &welcome);
    if (w == NULL)
        return REHEARSE_NOT_TRIED;
    (void)snprintf(text, sizeof text, "{\"kind\":\"envelope\",\"to\":\"%s\",\"payload\":\"c3RyYW5nZXIA\"}",
                   r->room->welcomes[0].id);
    wire_say(w, text);
    result = judge(r, w, &x);
    wire_free(w);
    /* what came to the member must be the other one's alone */
    if (result == REHEARSE_HELD && !rehearse_room_still(r))
        return rehearse_weak(r, "refused, but the room heard it, or no longer goes on");
    return result;
}

static rehearse_result to_oneself(rehearsal *r, int variant)
{
    static const expected x = {"no-such-member", 0};
    char text[200];

    (void)variant;
    (void)snprintf(text, sizeof text, "{\"kind\":\"envelope\",\"to\":\"%s\",\"payload\":\"c2VsZgAA\"}",
                   r->room->welcomes[0].id);
    wire_say(r->room->ends[0], text);
    return judge(r, r->room->ends[0], &x);
}

static rehearse_result second_join(rehearsal *r, int variant)
{
    static const expected x = {"joined-already", 0};
    char room[SO_ROOM_TEXT_LEN + 1], text[200];
    rehearse_result result;

    (void)variant;
    wire_room(room);
    (void)snprintf(text, sizeof text, "{\"kind\":\"join\",\"room\":\"%s\"}", room);
    wire_say(r->room->ends[0], text);
    result = judge(r, r->room->ends[0], &x);
    if (result == REHEARSE_HELD && !rehearse_room_still(r))
        return rehearse_weak(r, "refused, but the room no longer goes on");
    return result;
}

/* A third one, without a token or with one that it made up. */
static rehearse_result third_visitor(rehearsal *r, int guesses)
{
    static const expected x = {"room-full", 4003};
    char text[200], token[SO_ROOM_TEXT_LEN + 1];
    wire *w = wire_signal(r);
    rehearse_result result;

    if (w == NULL)
        return REHEARSE_NOT_TRIED;
    wire_room(token); /* as random as a token, and as long */
    (void)snprintf(text, sizeof text, "{\"kind\":\"join\",\"room\":\"%s\"%s%s%s}", r->room->name,
                   guesses ? ",\"resume\":\"" : "", guesses ? token : "", guesses ? "\"" : "");
    wire_say(w, text);
    result = judge(r, w, &x);
    wire_free(w);
    if (result == REHEARSE_HELD && !rehearse_room_still(r))
        return rehearse_weak(r, "refused, but the two who were there no longer reach each other");
    return result;
}

/* A token that was used once, by whoever saw it. */
static rehearse_result spent_token(rehearsal *r, int variant)
{
    char room[SO_ROOM_TEXT_LEN + 1];
    wire_heard first, second, heard, thief;
    wire *owner, *again = NULL, *w = NULL;
    rehearse_result result;

    (void)variant;
    wire_room(room);
    owner = wire_seat(r, room, NULL, &first);
    if (owner != NULL)
        again = wire_seat(r, room, first.resume, &second);
    /* until something comes on the new connection the old token holds too: its welcome may have been lost */
    if (again != NULL && second.resumed) {
        wire_say(again, "{\"kind\":\"envelope\",\"to\":\"AAAAAAAAAAA\",\"payload\":\"c3BlbnQA\"}");
        (void)wire_hear_kind(again, "error", &heard, REHEARSE_PATIENCE);
        w = wire_seat(r, room, first.resume, &thief);
    }
    if (again != NULL && !second.resumed)
        result = rehearse_not_tried(r, "the owner of the token could not come back with it");
    else if (w == NULL)
        result = REHEARSE_NOT_TRIED;
    else if (thief.resumed || strcmp(thief.id, first.id) == 0)
        result = rehearse_weak(r, "a token that was spent took the seat once more");
    else
        result = rehearse_held(r, "it opened nothing: who showed it became another member");
    wire_free(owner);
    wire_free(again);
    wire_free(w);
    return result;
}

/* The server says who sent an envelope, whatever the sender says. */
static rehearse_result forged_sender(rehearsal *r, int variant)
{
    struct rehearse_room *room = r->room;
    wire_heard heard;
    char text[300];

    (void)variant;
    (void)snprintf(text, sizeof text,
                   "{\"kind\":\"envelope\",\"from\":\"AAAAAAAAAAA\",\"to\":\"%s\",\"payload\":\"Zm9yZ2Vk\"}",
                   room->welcomes[1].id);
    wire_say(room->ends[0], text);
    if (!wire_hear_kind(room->ends[1], "envelope", &heard, REHEARSE_PATIENCE))
        return rehearse_weak(r, "nothing arrived any more, under no name");
    if (strcmp(heard.from, room->welcomes[0].id) != 0)
        return rehearse_weak(r, "it arrived in the name that its sender gave");
    return rehearse_held(r, "it arrived in its sender's own name");
}

static const rehearse_attack attacks[] = {
    {"message-not-json", "a message that is not JSON", odd_text, NOT_JSON},
    {"message-no-object", "a message that is no object", odd_text, NO_OBJECT},
    {"message-duplicate", "a member that stands there twice", odd_text, DUPLICATE},
    {"message-deep", "a message nested twenty deep", odd_text, DEEP},
    {"message-payload", "a payload that is not base64url", odd_text, NO_PAYLOAD},
    {"message-unknown", "a kind that nobody has defined", odd_text, UNKNOWN_KIND},
    {"message-early", "an envelope before joining", odd_text, BEFORE_JOIN},
    {"frame-binary", "a binary frame", odd_frame, BINARY},
    {"frame-utf8", "a text that is not UTF-8", odd_frame, NOT_UTF8},
    {"frame-unmasked", "a frame without a mask", odd_frame, UNMASKED},
    {"frame-reserved", "a frame with reserved bits", odd_frame, RESERVED},
    {"frame-control", "a control frame of 126 bytes", odd_frame, LONG_CONTROL},
    {"frame-continuation", "a continuation of nothing", odd_frame, STRAY_CONTINUATION},
    {"seat-stranger", "an envelope to a member of another room", to_a_stranger, 0},
    {"seat-self", "an envelope to oneself", to_oneself, 0},
    {"seat-second", "a second join on one connection", second_join, 0},
    {"seat-third", "a third visitor in a room of two", third_visitor, false},
    {"seat-guess", "a seat taken over with a guessed token", third_visitor, true},
    {"seat-spent", "a seat taken over with a token that was used", spent_token, 0},
    {"seat-sender", "an envelope in another one's name", forged_sender, 0},
};

const rehearse_group rehearse_messages = {.name = "messages",
                                          .whom = REHEARSE_SERVER,
                                          .good = "what two honest ends say reaches the other",
                                          .control = rehearse_room_goes_on,
                                          .attacks = attacks,
                                          .count = sizeof attacks / sizeof attacks[0]};
