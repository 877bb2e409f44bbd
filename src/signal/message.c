#include "signal/message.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    so_signal_kind kind;
} kinds[] = {
    {"join", SO_SIGNAL_JOIN},       {"envelope", SO_SIGNAL_ENVELOPE}, {"bye", SO_SIGNAL_BYE},
    {"welcome", SO_SIGNAL_WELCOME}, {"joined", SO_SIGNAL_JOINED},     {"away", SO_SIGNAL_AWAY},
    {"left", SO_SIGNAL_LEFT},       {"error", SO_SIGNAL_ERROR},
};

static const struct {
    const char *code;
    unsigned close;
    const char *text, *remedy;
} faults[] = {
    [SO_FAULT_BAD_MESSAGE] = {"bad-message", 4000, "this is not a message of the protocol sotto.v1",
                              "reload the page; if it happens again, tell who runs this server"},
    [SO_FAULT_UNKNOWN_KIND] = {"unknown-kind", 0, "the server does not know this kind of message",
                               "use the page that this server serves, or a program of the same version"},
    [SO_FAULT_NOT_JOINED] = {"not-joined", 4000, "the first message of a connection must be a join", "send join first"},
    [SO_FAULT_JOINED_ALREADY] = {"joined-already", 0, "this connection has joined already",
                                 "open another connection for another room"},
    [SO_FAULT_ROOM_FULL] = {"room-full", 4003, "two people are in this call already",
                            "ask them for a new link, or wait until one of them has left"},
    [SO_FAULT_NO_SUCH_MEMBER] = {"no-such-member", 0, "nobody of that id is in this room",
                                 "wait for joined, and send to the id that it names"},
    [SO_FAULT_AWAY] = {"away", 0, "the other end's connection dropped; this message was not delivered",
                       "wait until it has joined again, and say it then"},
    [SO_FAULT_TOO_MANY_MESSAGES] = {"too-many-messages", 4008, "more messages a second than this server takes",
                                    "send fewer, then connect again"},
    [SO_FAULT_TOO_MANY_JOINS] = {"too-many-joins", 4008, "too many joins from this address within a minute",
                                 "wait a minute, then join again"},
    [SO_FAULT_TOO_MANY_ROOMS] = {"too-many-rooms", 4008, "this server holds as many calls as it may",
                                 "try again in some minutes, or ask who runs it for a higher --max-rooms"},
    [SO_FAULT_JOIN_TIMEOUT] = {"join-timeout", 4008, "connected, and did not join in time", "connect again"},
    [SO_FAULT_RESTART] = {"restart", 1012, "the server is stopping",
                          "a call that runs goes on; connect again in some seconds"},
};

static const char *string_of(const json_t *root, const char *name)
{
    return json_string_value(json_object_get(root, name));
}

static bool too_deep(const json_t *value, unsigned depth)
{
    const char *key;
    json_t *child;
    size_t i;

    if (!json_is_object(value) && !json_is_array(value))
        return false;
    if (depth == 0)
        return true;
    json_array_foreach(value, i, child)
    {
        if (too_deep(child, depth - 1))
            return true;
    }
    json_object_foreach((json_t *)value, key, child)
    {
        if (too_deep(child, depth - 1))
            return true;
    }
    return false;
}

static bool is_base64url(const char *text, size_t bytes)
{
    uint8_t out[32];
    size_t n = 0;

    return text != NULL && so_base64url_decode(out, bytes, &n, text, strlen(text)) == SO_OK && n == bytes;
}

/* Looks at every character, whatever came before: that lets the compiler take sixteen and more at a time. */
static bool is_base64url_text(const char *text, size_t len)
{
    bool wrong = false;

    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)text[i];
        bool letter = (uint8_t)((c | 0x20) - 'a') < 26, digit = (uint8_t)(c - '0') < 10;
        wrong |= !(letter | digit | (c == '-') | (c == '_'));
    }
    return !wrong;
}

static so_status bad(so_error *err, const char *what)
{
    return so_fail(err, SO_BAD_INPUT, "signaling", "%s", what);
}

static so_status read_join(so_signal_message *m, so_error *err)
{
    const json_t *resume = json_object_get(m->root, "resume");

    m->room = string_of(m->root, "room");
    m->resume = json_string_value(resume);
    if (!is_base64url(m->room, 16))
        return bad(err, "join: room must be a string of 22 base64url characters");
    if (resume != NULL && !is_base64url(m->resume, 16))
        return bad(err, "join: resume, where it is given, must be a string of 22 base64url characters");
    return SO_OK;
}

static so_status read_envelope(so_signal_message *m, so_error *err)
{
    const json_t *payload = json_object_get(m->root, "payload");

    m->to = string_of(m->root, "to");
    m->from = string_of(m->root, "from");
    m->payload = json_string_value(payload);
    m->payload_len = json_string_length(payload);
    if (!is_base64url(m->to, 8))
        return bad(err, "envelope: to must be a member id of 11 base64url characters");
    if (m->payload == NULL || m->payload_len == 0 || !is_base64url_text(m->payload, m->payload_len))
        return bad(err, "envelope: payload must be a string of base64url characters");
    return SO_OK;
}

static so_status read_welcome(so_signal_message *m, so_error *err)
{
    const json_t *tls = json_object_get(m->root, "tls");

    m->members = json_object_get(m->root, "members");
    m->resume = string_of(m->root, "resume");
    m->resumed = json_is_true(json_object_get(m->root, "resumed"));
    m->tls_version = string_of(tls, "version");
    m->tls_cipher = string_of(tls, "cipher");
    m->tls_group = string_of(tls, "group");
    if (!is_base64url(m->id, 8) || !is_base64url(m->resume, 16) || !json_is_array(m->members))
        return bad(err, "welcome: id, resume or members is missing");
    return SO_OK;
}

static so_status read_members(so_signal_message *m, so_error *err)
{
    m->id = string_of(m->root, "id");
    m->reason = string_of(m->root, "reason");
    switch (m->kind) {
    case SO_SIGNAL_JOIN:
        return read_join(m, err);
    case SO_SIGNAL_ENVELOPE:
        return read_envelope(m, err);
    case SO_SIGNAL_WELCOME:
        return read_welcome(m, err);
    case SO_SIGNAL_JOINED:
    case SO_SIGNAL_AWAY:
    case SO_SIGNAL_LEFT:
        m->resumed = json_is_true(json_object_get(m->root, "resumed"));
        return is_base64url(m->id, 8) ? SO_OK : bad(err, "id must be a member id of 11 base64url characters");
    case SO_SIGNAL_ERROR:
        m->code = string_of(m->root, "code");
        m->text = string_of(m->root, "text");
        m->remedy = string_of(m->root, "remedy");
        return m->code != NULL && m->text != NULL ? SO_OK : bad(err, "error: code or text is missing");
    case SO_SIGNAL_BYE:
    case SO_SIGNAL_UNKNOWN:
        break;
    }
    return SO_OK;
}

/* ---- envelopes as ends write them, which are nearly all that a server reads ---- */

enum { PLAIN_KIND, PLAIN_TO, PLAIN_FROM, PLAIN_PAYLOAD, PLAIN_MEMBERS };

typedef struct plain_text {
    char *at, *end;
} plain_text;

typedef struct plain_string {
    const char *text;
    size_t len;
} plain_string;

/* A string up to the next quote, whose place its final zero takes. Escapes are not looked for: see plain_envelope. */
static bool take_plain_string(plain_text *t, plain_string *out)
{
    char *quote;

    if (t->at == t->end || *t->at != '"')
        return false;
    out->text = t->at + 1;
    quote = memchr(out->text, '"', (size_t)(t->end - out->text));
    if (quote == NULL)
        return false;
    *quote = '\0';
    out->len = (size_t)(quote - out->text);
    t->at = quote + 1;
    return true;
}

static bool take_plain_member(plain_text *t, plain_string found[PLAIN_MEMBERS])
{
    static const plain_string names[PLAIN_MEMBERS] = {{"kind", 4}, {"to", 2}, {"from", 4}, {"payload", 7}};
    plain_string name;

    if (!take_plain_string(t, &name) || t->at == t->end || *t->at++ != ':')
        return false;
    for (unsigned i = 0; i < PLAIN_MEMBERS; i++)
        if (name.len == names[i].len && memcmp(name.text, names[i].text, name.len) == 0)
            return found[i].text == NULL && take_plain_string(t, &found[i]);
    return false;
}

static bool is_plain_id(const plain_string *s)
{
    return s->len == SO_MEMBER_ID_LEN && is_base64url(s->text, 8);
}

static bool take_plain_members(plain_text *t, plain_string found[PLAIN_MEMBERS])
{
    for (;;) {
        if (!take_plain_member(t, found))
            return false;
        if (t->at == t->end)
            return true;
        if (*t->at++ != ',')
            return false;
    }
}

/*
 * An envelope of exactly its members, each once, without white space and escapes. All that differs in any way is left
 * to jansson, and nothing is taken here that would be refused there: every string is compared with a word or is
 * base64url, so none holds a backslash, a control character or anything but ASCII.
 */
static bool plain_envelope(so_signal_message *m, const char *bytes, size_t len)
{
    plain_string found[PLAIN_MEMBERS] = {{NULL, 0}};
    const plain_string *to = &found[PLAIN_TO], *from = &found[PLAIN_FROM], *payload = &found[PLAIN_PAYLOAD];
    plain_text t;

    if (len < 2 || bytes[0] != '{' || bytes[len - 1] != '}' || (m->copy = malloc(len)) == NULL)
        return false;
    memcpy(m->copy, bytes, len);
    t = (plain_text){.at = m->copy + 1, .end = m->copy + len - 1};
    if (!take_plain_members(&t, found) || found[PLAIN_KIND].len != 8 ||
        memcmp(found[PLAIN_KIND].text, "envelope", 8) != 0 || !is_plain_id(to) ||
        (from->text != NULL && !is_plain_id(from)) || payload->len == 0 ||
        !is_base64url_text(payload->text, payload->len)) {
        free(m->copy);
        m->copy = NULL;
        return false;
    }
    m->kind = SO_SIGNAL_ENVELOPE;
    m->to = to->text;
    m->from = from->text;
    m->payload = payload->text;
    m->payload_len = payload->len;
    return true;
}

so_status so_signal_parse(so_signal_message *m, const char *bytes, size_t len, so_error *err)
{
    json_error_t fault;
    const char *kind;
    so_status status;

    memset(m, 0, sizeof *m);
    if (plain_envelope(m, bytes, len))
        return SO_OK;
    m->root = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &fault);
    if (m->root == NULL)
        return so_fail(err, SO_BAD_INPUT, "signaling", "not JSON that this protocol takes: %.200s", fault.text);
    kind = string_of(m->root, "kind");
    if (!json_is_object(m->root) || too_deep(m->root, SO_MESSAGE_DEPTH) || kind == NULL) {
        so_signal_message_free(m);
        return bad(err, "a message must be one JSON object with a string named kind, nested at most 8 deep");
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kind, kinds[i].name) == 0)
            m->kind = kinds[i].kind;
    status = read_members(m, err);
    if (status != SO_OK)
        so_signal_message_free(m);
    return status;
}

void so_signal_message_free(so_signal_message *m)
{
    json_decref(m->root);
    free(m->copy);
    memset(m, 0, sizeof *m);
}

unsigned so_signal_fault_close(so_signal_fault fault)
{
    return faults[fault].close;
}

const char *so_signal_fault_code(so_signal_fault fault)
{
    return faults[fault].code;
}

static void write_string(so_writer *w, const char *name, const char *value)
{
    so_write_format(w, ",\"%s\":", name);
    so_write_json(w, value, strlen(value));
}

void so_signal_write_error(so_writer *w, so_signal_fault fault, const char *text)
{
    so_write_text(w, "{\"kind\":\"error\"");
    write_string(w, "code", faults[fault].code);
    write_string(w, "text", text != NULL ? text : faults[fault].text);
    write_string(w, "remedy", faults[fault].remedy);
    so_write_u8(w, '}');
}

void so_signal_write_welcome(so_writer *w, const so_signal_welcome *welcome)
{
    so_write_text(w, "{\"kind\":\"welcome\"");
    write_string(w, "id", welcome->id);
    so_write_text(w, ",\"members\":[");
    if (welcome->other != NULL)
        so_write_json(w, welcome->other, strlen(welcome->other));
    so_write_u8(w, ']');
    write_string(w, "resume", welcome->resume);
    so_write_format(w, ",\"resumed\":%s,\"ice\":", welcome->resumed ? "true" : "false");
    so_write_text(w, welcome->ice);
    if (welcome->policy != NULL) {
        so_write_text(w, ",\"policy\":");
        so_write_text(w, welcome->policy);
    }
    so_write_text(w, ",\"tls\":{\"version\":");
    so_write_json(w, welcome->tls_version, strlen(welcome->tls_version));
    write_string(w, "cipher", welcome->tls_cipher);
    write_string(w, "group", welcome->tls_group);
    so_write_format(w, "},\"limits\":{\"message\":%u,\"rate\":%u}}", welcome->message_limit, welcome->rate_limit);
}

void so_signal_write_joined(so_writer *w, const char *id, bool resumed)
{
    so_write_format(w, "{\"kind\":\"joined\",\"id\":\"%s\",\"resumed\":%s}", id, resumed ? "true" : "false");
}

void so_signal_write_away(so_writer *w, const char *id, unsigned seconds)
{
    so_write_format(w, "{\"kind\":\"away\",\"id\":\"%s\",\"seconds\":%u}", id, seconds);
}

void so_signal_write_left(so_writer *w, const char *id, const char *reason)
{
    so_write_format(w, "{\"kind\":\"left\",\"id\":\"%s\",\"reason\":\"%s\"}", id, reason);
}

void so_signal_write_bye(so_writer *w, const char *reason)
{
    so_write_text(w, "{\"kind\":\"bye\"");
    if (reason != NULL)
        write_string(w, "reason", reason);
    so_write_u8(w, '}');
}

void so_signal_write_join(so_writer *w, const char *room, const char *resume)
{
    so_write_text(w, "{\"kind\":\"join\"");
    write_string(w, "room", room);
    if (resume != NULL)
        write_string(w, "resume", resume);
    so_write_u8(w, '}');
}

/* Ids and payload have been checked to be base64url: nothing in them needs an escape. */
void so_signal_write_envelope(so_writer *w, const char *from, const char *to, const char *payload, size_t len)
{
    so_write_text(w, "{\"kind\":\"envelope\",\"to\":\"");
    so_write_text(w, to);
    if (from != NULL) {
        so_write_text(w, "\",\"from\":\"");
        so_write_text(w, from);
    }
    so_write_text(w, "\",\"payload\":\"");
    so_write_bytes(w, payload, len);
    so_write_text(w, "\"}");
}
