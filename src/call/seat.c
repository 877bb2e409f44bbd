/* The seat in the room: what goes to the server and what comes from it (docs/protocol.md, section 3). */
#include "call/inside.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_HEAD 4
#define MESSAGE_MAX 65536

void so_call_say(so_call *c, so_writer *w)
{
    size_t len = so_writer_len(w), needed;
    uint8_t *grown;
    so_writer head;

    if (w->failed || !c->connected)
        return;
    if (c->texts_at == c->texts_len)
        c->texts_at = c->texts_len = 0;
    needed = c->texts_len + TEXT_HEAD + len;
    if (needed > TEXTS_MAX)
        return; /* the connection does not move; what was said will be said again in the next epoch */
    if (needed > c->texts_cap) {
        /* No realloc: it would leave the token of the seat behind. */
        grown = malloc(needed * 2);
        if (grown == NULL) {
            c->starved = true;
            return;
        }
        if (c->texts != NULL) {
            memcpy(grown, c->texts, c->texts_len);
            so_wipe(c->texts, c->texts_cap);
        }
        free(c->texts);
        c->texts = grown;
        c->texts_cap = needed * 2;
    }
    head = so_writer_of(c->texts + c->texts_len, TEXT_HEAD + len);
    so_write_u32(&head, (uint32_t)len);
    so_write_bytes(&head, w->start, len);
    c->texts_len = needed;
}

bool so_call_text(so_call *c, const char **text, size_t *len)
{
    so_reader r;

    if (c->texts_at == c->texts_len)
        return false;
    r = so_reader_of(c->texts + c->texts_at, c->texts_len - c->texts_at);
    *len = so_read_u32(&r);
    *text = (const char *)so_read_bytes(&r, *len);
    c->texts_at += TEXT_HEAD + *len;
    return *text != NULL;
}

void so_call_deliver(so_call *c, const uint8_t *payload, size_t len)
{
    size_t text_len = SO_BASE64URL_LEN(len), cap = text_len + 256;
    char *text;
    so_writer w;

    if (c->other[0] == '\0')
        return;
    text = malloc(text_len + 1 + cap);
    if (text == NULL) {
        c->starved = true;
        return;
    }
    so_base64url(text, payload, len);
    w = so_writer_of(text + text_len + 1, cap);
    so_signal_write_envelope(&w, NULL, c->other, text, text_len);
    so_call_say(c, &w);
    free(text);
}

void so_call_leave(so_call *c)
{
    uint8_t bytes[64];
    so_writer w = so_writer_of(bytes, sizeof bytes);

    if (!c->welcomed)
        return;
    so_signal_write_bye(&w, NULL);
    so_call_say(c, &w);
}

static const char *told(const char *text)
{
    return text == NULL ? "" : text;
}

void so_call_connected(so_call *c, so_msec now, const so_call_signaling *signaling)
{
    static const char silent[] = "OpenSSL does not tell";
    uint8_t bytes[256];
    so_writer w = so_writer_of(bytes, sizeof bytes);

    c->report.now = c->unix_ms + (now - c->began);
    if (so_call_is_over(c))
        return;
    c->connected = true;
    c->turned_away = false;
    c->texts_at = c->texts_len = 0;
    so_report_put(&c->report, SO_DOOR_SIGNALING, "transport", "WebSocket over TLS (WSS)", NULL);
    so_report_put(&c->report, SO_DOOR_SIGNALING, "certificate", "chains to a trusted CA and names the server", NULL);
    so_report_put(&c->report, SO_DOOR_SIGNALING, "version", signaling->tls_version, silent);
    so_report_put(&c->report, SO_DOOR_SIGNALING, "cipher", signaling->tls_cipher, silent);
    so_report_put(&c->report, SO_DOOR_SIGNALING, "group", signaling->tls_group, silent);
    if (signaling->chain != NULL && so_report_put_chain(&c->report, signaling->chain) != SO_OK)
        so_report_note(&c->report, SO_DOOR_SIGNALING, "no memory for the certificate chain");
    (void)snprintf(c->tls_version, sizeof c->tls_version, "%s", told(signaling->tls_version));
    (void)snprintf(c->tls_group, sizeof c->tls_group, "%s", told(signaling->tls_group));
    if (!so_call_policy_connected(c, now))
        return;
    so_signal_write_join(&w, c->room, c->token[0] == '\0' ? NULL : c->token);
    so_call_say(c, &w);
    so_wipe(bytes, sizeof bytes);
}

void so_call_disconnected(so_call *c, so_msec now, const char *code)
{
    c->report.now = c->unix_ms + (now - c->began);
    if (c->connected && !c->welcomed && !c->turned_away)
        c->ghost_until = now + GHOST;
    c->connected = c->welcomed = false;
    c->texts_at = c->texts_len = 0;
    if (so_call_is_over(c))
        return;
    if (code != NULL)
        so_report_note(&c->report, SO_DOOR_SIGNALING, "connection lost: %s", code);
    so_report_set(&c->report, SO_DOOR_SIGNALING, SO_DOOR_PENDING, "the connection to the server is gone; trying again");
    c->epoch.live = false;
    so_seal_forget(&c->seal);
    so_call_trouble(c, TROUBLE_SIGNALING, true);
}

static void other_is(so_call *c, const char *id)
{
    (void)snprintf(c->other, sizeof c->other, "%s", id == NULL ? "" : id);
    c->epoch.live = false;
    so_call_trouble(c, TROUBLE_AWAY, false);
    if (id == NULL)
        return;
    so_call_trouble(c, TROUBLE_LEFT, false);
    if (c->peer == NULL) {
        so_report_begin(&c->report, false);
        so_call_enter(c, SO_CALL_CONNECTING, "");
    }
}

static void take_welcome(so_call *c, so_msec now, const so_signal_message *m)
{
    const char *other = json_string_value(json_array_get(m->members, 0));

    c->welcomed = true;
    if (m->resume != NULL)
        (void)snprintf(c->token, sizeof c->token, "%s", m->resume);
    if (!so_call_policy_welcome(c, now, json_object_get(m->root, "policy")))
        return;
    so_report_set(&c->report, SO_DOOR_SIGNALING, SO_DOOR_HELD, m->resumed ? "took the seat again" : "took a seat");
    so_call_add_servers(c, now, json_object_get(m->root, "ice"));
    if (so_policy_wants(&c->policy, SO_RULE_RELAY_ONLY) && !so_call_has_relay_server(c)) {
        so_call_fail(c, now, SO_DOOR_PATH, "no-relay", NULL);
        return;
    }
    so_call_trouble(c, TROUBLE_SIGNALING, false);
    other_is(c, other);
    so_seal_forget(&c->seal);
    if (c->other[0] != '\0')
        so_call_open_epoch(c, now);
    else if (c->peer != NULL)
        c->excuse_at = now + NO_PATH;
    else
        so_call_wait(c, now);
}

static void take_left(so_call *c, so_msec now, const so_signal_message *m)
{
    if (m->id == NULL || strcmp(m->id, c->other) != 0)
        return;
    so_report_note(&c->report, SO_NO_DOOR, "the server says that the other end left");
    other_is(c, NULL);
    so_seal_forget(&c->seal);
    /* The server says so, and it is not to be believed while a call runs. */
    if (c->peer_open && c->path_works)
        so_call_trouble(c, TROUBLE_LEFT, true);
    else
        so_call_wait(c, now);
}

static bool is_final(const char *code)
{
    static const char *const final[] = {"room-full", "too-many-joins", "too-many-rooms", "bad-message", "not-joined"};

    for (size_t i = 0; i < sizeof final / sizeof final[0]; i++)
        if (strcmp(final[i], code) == 0)
            return true;
    return false;
}

static void take_error(so_call *c, so_msec now, const so_signal_message *m)
{
    const char *code = m->code == NULL ? "unknown" : m->code;

    c->turned_away = !c->welcomed;
    /* Who comes back to a running call tries again; who comes first meets the same answer each time, unless it is a
     * seat of its own that is in the way: the connection was lost before its welcome came. */
    if (is_final(code) && !c->welcomed && c->peer == NULL && now >= c->ghost_until)
        so_call_refused(c, now, SO_NO_DOOR,
                        strncmp(code, "room", 4) == 0 || strncmp(code, "too", 3) == 0 ? code : "protocol", NULL);
    else
        so_report_note(&c->report, SO_DOOR_SIGNALING, "the server refused a message");
}

void so_call_receive_text(so_call *c, so_msec now, const char *text, size_t len)
{
    so_signal_message m;
    so_status status;

    c->report.now = c->unix_ms + (now - c->began);
    if (so_call_is_over(c))
        return;
    status = so_signal_parse(&m, text, len, NULL);
    c->starved = c->starved || status == SO_NO_MEMORY;
    if (status != SO_OK)
        return;
    switch (m.kind) {
    case SO_SIGNAL_WELCOME:
        take_welcome(c, now, &m);
        break;
    case SO_SIGNAL_JOINED:
        if (m.id == NULL)
            break;
        other_is(c, m.id);
        so_seal_forget(&c->seal);
        so_report_note(&c->report, SO_NO_DOOR, "the other end is here");
        break;
    case SO_SIGNAL_AWAY:
        if (m.id != NULL && strcmp(m.id, c->other) == 0)
            so_call_trouble(c, TROUBLE_AWAY, true);
        break;
    case SO_SIGNAL_LEFT:
        take_left(c, now, &m);
        break;
    case SO_SIGNAL_ENVELOPE:
        if (c->welcomed && m.from != NULL && m.payload != NULL && strcmp(m.from, c->other) == 0)
            so_call_take_payload(c, now, m.payload, m.payload_len);
        break;
    case SO_SIGNAL_ERROR:
        take_error(c, now, &m);
        break;
    case SO_SIGNAL_BYE:
        if (m.reason != NULL && strcmp(m.reason, "resumed-elsewhere") == 0)
            so_call_refused(c, now, SO_NO_DOOR, "resumed-elsewhere", NULL);
        break;
    case SO_SIGNAL_UNKNOWN:
    case SO_SIGNAL_JOIN:
        break;
    }
    so_signal_message_free(&m);
}
