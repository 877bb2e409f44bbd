/* STUN and TURN servers, as the welcome names them: looked up and connected to by whoever drives the call. */
#include "call/inside.h"

#include "base/secret.h"
#include "trust/words.h"

#include <stdlib.h>
#include <string.h>

#define STUN_PORT 3478
#define TURNS_PORT 5349

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool takes_text(char *out, size_t cap, const json_t *text)
{
    const char *value = json_string_value(text);

    if (value == NULL || value[0] == '\0' || json_string_length(text) != strlen(value) || strlen(value) >= cap)
        return false;
    memcpy(out, value, strlen(value) + 1);
    return true;
}

/* "host:port", "[v6]:port", or without a port */
static bool takes_host(so_server_url *s, const char *host, size_t len)
{
    const char *colon = memrchr(host, ':', len);

    if (colon != NULL && memchr(colon, ']', len - (size_t)(colon - host)) == NULL) {
        unsigned long port = strtoul(colon + 1, NULL, 10);

        if (port == 0 || port > 65535)
            return false;
        s->port = (uint16_t)port;
        len = (size_t)(colon - host);
    }
    if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
        host++;
        len -= 2;
    }
    if (len == 0 || len >= sizeof s->host)
        return false;
    memcpy(s->host, host, len);
    return true;
}

bool so_server_url_parse(so_server_url *s, const char *url)
{
    const char *colon = strchr(url, ':'), *query = strchr(url, '?');
    bool tcp = query != NULL && strcmp(query, "?transport=tcp") == 0;

    *s = (so_server_url){.port = 0};
    if (colon == NULL || (query != NULL && !tcp && strcmp(query, "?transport=udp") != 0))
        return false;
    if (begins(url, "stun:"))
        s->kind = SO_SERVER_STUN;
    else if (begins(url, "turn:"))
        s->kind = tcp ? SO_SERVER_TURN_TCP : SO_SERVER_TURN_UDP;
    else if (begins(url, "turns:") && (query == NULL || tcp))
        s->kind = SO_SERVER_TURN_TLS;
    else
        return false;
    s->port = s->kind == SO_SERVER_TURN_TLS ? TURNS_PORT : STUN_PORT;
    return takes_host(s, colon + 1, query == NULL ? strlen(colon + 1) : (size_t)(query - colon - 1));
}

static void add_server(so_call *c, so_msec now, const char *url, const json_t *username, const json_t *credential)
{
    call_server server = {.stream = 0}, *s = NULL;
    so_server_url parsed;
    bool turn;

    if (!so_server_url_parse(&parsed, url))
        return;
    server.kind = parsed.kind;
    server.port = parsed.port;
    memcpy(server.host, parsed.host, sizeof server.host);
    turn = server.kind != SO_SERVER_STUN;
    if (turn && (!takes_text(server.username, sizeof server.username, username) ||
                 !takes_text(server.credential, sizeof server.credential, credential)))
        return;
    /* Nobody has to know of us what only a direct path needs. */
    if (!turn && so_policy_wants(&c->policy, SO_RULE_RELAY_ONLY))
        return;
    for (size_t i = 0; s == NULL && i < c->server_count; i++)
        if (c->servers[i].kind == server.kind && c->servers[i].port == server.port &&
            strcmp(c->servers[i].host, server.host) == 0)
            s = &c->servers[i];
    if (s != NULL) { /* from a welcome before: what opens it is new */
        memcpy(s->username, server.username, sizeof s->username);
        memcpy(s->credential, server.credential, sizeof s->credential);
    } else if (c->server_count < SERVERS_MAX) {
        s = &c->servers[c->server_count++];
        *s = server;
        if (c->peer != NULL)
            so_call_use_server(c, now, s);
    }
    so_wipe(&server, sizeof server);
}

void so_call_add_servers(so_call *c, so_msec now, const json_t *ice)
{
    const json_t *server, *url;
    size_t i, j;

    json_array_foreach(ice, i, server)
    {
        const json_t *urls = json_object_get(server, "urls"), *username = json_object_get(server, "username"),
                     *credential = json_object_get(server, "credential");

        if (json_is_string(urls))
            add_server(c, now, json_string_value(urls), username, credential);
        json_array_foreach(urls, j, url)
        {
            if (json_is_string(url))
                add_server(c, now, json_string_value(url), username, credential);
        }
    }
}

bool so_call_has_relay_server(const so_call *c)
{
    for (size_t i = 0; i < c->server_count; i++)
        if (c->servers[i].kind != SO_SERVER_STUN)
            return true;
    return false;
}

static bool is_stream(const call_server *s)
{
    return s->kind == SO_SERVER_TURN_TCP || s->kind == SO_SERVER_TURN_TLS;
}

/* Names whose addresses are not there yet: the end of candidates waits for them. */
static bool is_looking_up(const so_call *c)
{
    for (size_t i = 0; i < c->server_count; i++)
        if (!is_stream(&c->servers[i]) && !c->servers[i].answered)
            return true;
    return false;
}

void so_call_use_server(so_call *c, so_msec now, call_server *s)
{
    so_relay_server relay = {.way = s->kind == SO_SERVER_TURN_TCP   ? SO_RELAY_TCP
                                    : s->kind == SO_SERVER_TURN_TLS ? SO_RELAY_TLS
                                                                    : SO_RELAY_UDP,
                             .username = s->username,
                             .credential = s->credential};
    so_status status = SO_OK;

    if (is_stream(s)) {
        relay.stream = s->stream = ++c->streams;
        s->told = false;
        status = so_peer_add_relay_server(c->peer, now, &relay);
        if (status != SO_OK)
            s->stream = 0;
    }
    for (size_t i = 0; i < s->address_count; i++) {
        so_status used = SO_OK;

        relay.address = s->addresses[i];
        if (s->kind == SO_SERVER_TURN_UDP)
            used = so_peer_add_relay_server(c->peer, now, &relay);
        /* A TURN server answers plain Binding requests too. */
        if (!so_policy_wants(&c->policy, SO_RULE_RELAY_ONLY) &&
            so_peer_add_stun_server(c->peer, now, &s->addresses[i]) != SO_OK)
            used = SO_TOO_LONG;
        status = used == SO_OK ? status : used;
    }
    if (status != SO_OK)
        so_report_note(&c->report, SO_DOOR_PATH, "a STUN or TURN server was of no use to this end");
}

void so_call_mend_streams(so_call *c, so_msec now)
{
    for (size_t i = 0; i < c->server_count; i++)
        if (is_stream(&c->servers[i]) && !so_peer_wants_stream(c->peer, c->servers[i].stream))
            so_call_use_server(c, now, &c->servers[i]);
}

static bool may_relay(const so_call *c)
{
    if (is_looking_up(c))
        return true;
    if (c->peer != NULL)
        return so_peer_has_relay(c->peer);
    for (size_t i = 0; i < c->server_count; i++)
        if (is_stream(&c->servers[i]) || (c->servers[i].kind == SO_SERVER_TURN_UDP && c->servers[i].address_count > 0))
            return true;
    return false;
}

/* Where there must be a relay, and none is left, that is the end of what has not begun. The report says it in words of
 * its own: a sentence about a certificate names the relay, perhaps by its address. */
static void demand_relay(so_call *c, so_msec now, const char *code)
{
    if (so_policy_wants(&c->policy, SO_RULE_RELAY_ONLY) && !c->peer_open && !may_relay(c))
        so_call_fail(c, now, SO_DOOR_PATH, code, NULL);
}

void so_call_relay_failed(so_call *c, so_msec now, const char *code, const so_error *why)
{
    so_report_note(&c->report, SO_DOOR_PATH, "a relay is not used: %s", so_words_of(code)->title);
    (void)snprintf(c->relay_code, sizeof c->relay_code, "%s", code);
    c->relay_why = *why;
    c->relay_told = false;
    demand_relay(c, now, c->relay_code);
}

/* Everything is known of what can be asked. */
static void end_servers(so_call *c, so_msec now)
{
    if (is_looking_up(c))
        return;
    so_peer_no_more_bases(c->peer, now);
    demand_relay(c, now, "relay-unreachable"); /* none of this machine's addresses leads to one */
}

void so_call_use_servers(so_call *c, so_msec now)
{
    for (size_t i = 0; i < c->server_count; i++)
        so_call_use_server(c, now, &c->servers[i]);
    end_servers(c, now);
}

void so_call_server_found(so_call *c, so_msec now, size_t server, const so_address *addresses, size_t count)
{
    call_server *s = server < c->server_count ? &c->servers[server] : NULL;
    so_error why;

    c->report.now = c->unix_ms + (now - c->began);
    if (s == NULL || s->answered || so_call_is_over(c))
        return;
    s->answered = true;
    s->address_count = count < ADDRESSES_MAX ? count : ADDRESSES_MAX;
    memcpy(s->addresses, addresses, s->address_count * sizeof *addresses);
    if (c->peer != NULL) {
        so_call_use_server(c, now, s);
        end_servers(c, now);
    }
    if (count > 0 || s->kind == SO_SERVER_STUN || so_call_is_over(c))
        return;
    (void)so_fail(&why, SO_NOT_FOUND, "relay",
                  "the name of a relay can't be found; who runs the server should look at its --turn");
    so_call_relay_failed(c, now, "relay-unreachable", &why);
}

bool so_call_server_event(so_call *c, so_call_event *out)
{
    for (size_t i = 0; i < c->server_count; i++) {
        call_server *s = &c->servers[i];

        if (s->told || (is_stream(s) && s->stream == 0))
            continue;
        s->told = true;
        out->kind = is_stream(s) ? SO_CALL_STREAM : SO_CALL_SERVER;
        out->host = s->host;
        out->port = s->port;
        out->server = i;
        out->stream = s->stream;
        out->tls = s->kind == SO_SERVER_TURN_TLS;
        return true;
    }
    return false;
}

/* ---- streams ---- */

bool so_call_wants_stream(const so_call *c, unsigned stream)
{
    return !so_call_is_over(c) && c->peer != NULL && so_peer_wants_stream(c->peer, stream);
}

void so_call_stream_opened(so_call *c, so_msec now, unsigned stream)
{
    c->report.now = c->unix_ms + (now - c->began);
    if (so_call_wants_stream(c, stream))
        so_peer_stream_opened(c->peer, now, stream);
}

void so_call_stream_closed(so_call *c, so_msec now, unsigned stream, const char *code, const so_error *why)
{
    c->report.now = c->unix_ms + (now - c->began);
    if (so_call_wants_stream(c, stream))
        so_peer_stream_closed(c->peer, now, stream, code, why);
}

size_t so_call_stream_receive(so_call *c, so_msec now, unsigned stream, const uint8_t *bytes, size_t len)
{
    c->report.now = c->unix_ms + (now - c->began);
    return so_call_wants_stream(c, stream) ? so_peer_stream_receive(c->peer, now, stream, bytes, len) : len;
}
