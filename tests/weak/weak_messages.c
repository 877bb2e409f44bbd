/* A server that takes messages and frames which it must refuse, and gives seats and names to whoever asks. */
#include "weak/weak.h"

#include "net/ws.h"
#include "server/rooms.h"
#include "signal/message.h"

so_status __real_so_signal_parse(so_signal_message *m, const char *bytes, size_t len, so_error *err);
void __real_so_signal_write_error(so_writer *w, so_signal_fault fault, const char *text);
void __real_so_signal_write_envelope(so_writer *w, const char *from, const char *to, const char *payload, size_t len);
void __real_so_ws_init(so_ws *ws, so_ws_pool *pool, void *user);
so_status __real_so_ws_feed(so_ws *ws, const uint8_t *bytes, size_t len);
so_status __real_so_rooms_join(so_rooms *rooms, const char *room, const char *resume, void *link, so_join *join);
bool __real_so_rooms_deliver(so_rooms *rooms, so_seat *from, const so_signal_message *envelope, so_signal_fault *fault);

/* ---- messages ---- */

static bool has(const char *bytes, size_t len, const char *text)
{
    return memmem(bytes, len, text, strlen(text)) != NULL;
}

/* Would a parser without the defence take it? */
static bool passes(const char *bytes, size_t len)
{
    return (weak_server("message-not-json") && bytes[0] == '{' && bytes[len - 1] != '}') ||
           (weak_server("message-no-object") && bytes[0] == '[') ||
           (weak_server("message-duplicate") && has(bytes + 2, len - 2, "\"kind\":\"join\"")) ||
           (weak_server("message-deep") && has(bytes, len, "[[[[[[[[[[")) ||
           (weak_server("message-payload") && has(bytes, len, "not base64url"));
}

so_status __wrap_so_signal_parse(so_signal_message *m, const char *bytes, size_t len, so_error *err)
{
    so_status status = __real_so_signal_parse(m, bytes, len, err);

    if (status != SO_OK && weak_server("life"))
        abort(); /* as a fault in a parser would */
    if (status != SO_OK && passes(bytes, len)) {
        memset(m, 0, sizeof *m);
        return SO_OK;
    }
    if (status == SO_OK && m->kind == SO_SIGNAL_UNKNOWN && weak_server("message-unknown"))
        m->kind = SO_SIGNAL_BYE;
    if (status == SO_OK && m->kind == SO_SIGNAL_ENVELOPE && weak_server("message-early") &&
        strcmp(m->payload, "AAAA") == 0 && strcmp(m->to, "AAAAAAAAAAA") == 0)
        m->kind = SO_SIGNAL_UNKNOWN;
    return status;
}

void __wrap_so_signal_write_error(so_writer *w, so_signal_fault fault, const char *text)
{
    if (weak_server("seat-second") && fault == SO_FAULT_JOINED_ALREADY)
        so_signal_write_joined(w, "AAAAAAAAAAA", false);
    else
        __real_so_signal_write_error(w, fault, text);
}

void __wrap_so_signal_write_envelope(so_writer *w, const char *from, const char *to, const char *payload, size_t len)
{
    bool forged = weak_server("seat-sender") && len == 8 && memcmp(payload, "Zm9yZ2Vk", 8) == 0;

    __real_so_signal_write_envelope(w, forged ? "AAAAAAAAAAA" : from, to, payload, len);
}

/* ---- frames ---- */

/* Of a frame that must end the connection, and does not here. */
static bool ignores(const uint8_t *bytes, size_t len)
{
    return len >= 2 && ((weak_server("frame-binary") && bytes[0] == 0x82) ||
                        (weak_server("frame-utf8") && bytes[0] == 0x81 && bytes[1] == (0x80 | 12)) ||
                        (weak_server("frame-unmasked") && (bytes[1] & 0x80) == 0) ||
                        (weak_server("frame-reserved") && (bytes[0] & 0x70) != 0) ||
                        (weak_server("frame-control") && bytes[0] == 0x89 && (bytes[1] & 0x7f) == 126) ||
                        (weak_server("frame-continuation") && bytes[0] == 0x80));
}

/* The connection on which some came, and all that follows is passed over. */
static const so_ws *fragments;

void __wrap_so_ws_init(so_ws *ws, so_ws_pool *pool, void *user)
{
    if (fragments == ws)
        fragments = NULL; /* another one, where that one was */
    __real_so_ws_init(ws, pool, user);
}

so_status __wrap_so_ws_feed(so_ws *ws, const uint8_t *bytes, size_t len)
{
    if (weak_server("limit-fragments") && len > 0 && bytes[0] == 0x01)
        fragments = ws;
    return ignores(bytes, len) || fragments == ws ? SO_OK : __real_so_ws_feed(ws, bytes, len);
}

/* ---- seats ---- */

so_status __wrap_so_rooms_join(so_rooms *rooms, const char *room, const char *resume, void *link, so_join *join)
{
    so_status status = __real_so_rooms_join(rooms, room, resume, link, join);
    char other[SO_ROOM_TEXT_LEN + 1];

    if (status != SO_OK)
        return status;
    if (join->seat == NULL && (resume == NULL ? weak_server("seat-third") : weak_server("seat-guess"))) {
        (void)memcpy(other, room, sizeof other);
        other[0] = other[0] == 'A' ? 'B' : 'A';
        return __real_so_rooms_join(rooms, other, NULL, link, join);
    }
    if (join->seat != NULL && resume != NULL && weak_server("seat-spent"))
        join->resumed = true;
    return status;
}

bool __wrap_so_rooms_deliver(so_rooms *rooms, so_seat *from, const so_signal_message *envelope, so_signal_fault *fault)
{
    if (__real_so_rooms_deliver(rooms, from, envelope, fault))
        return true;
    return (weak_server("seat-stranger") && strcmp(envelope->payload, "c3RyYW5nZXIA") == 0) ||
           (weak_server("seat-self") && strcmp(envelope->payload, "c2VsZgAA") == 0);
}
