/* The server: its name, the way to it, its certificate, the clocks, and a seat in a room of its own for a moment. */
#include "cli/doctor.h"

#include "base/text.h"
#include "net/fetch.h"
#include "net/sockaddr.h"
#include "net/wss.h"
#include "signal/message.h"
#include "trust/chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PATIENCE_MS 10000
#define ADDRESSES 8
#define ROOM_BYTES 16
/* Both clocks may be this far apart: certificates and TURN's credentials are made for longer. */
#define CLOCK_OFF 60

/* ---- its name, and the way to it ---- */

size_t doctor_look_up(doctor *d, const char *host, uint16_t port, so_address *out, size_t cap, int *fault)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC};
    uv_getaddrinfo_t request;
    size_t count = 0;
    char service[8];

    (void)snprintf(service, sizeof service, "%u", port);
    *fault = uv_getaddrinfo(&d->loop.uv, &request, NULL, host, service, &hints);
    if (*fault != 0)
        return 0;
    for (const struct addrinfo *a = request.addrinfo; a != NULL && count < cap; a = a->ai_next)
        if ((out[count] = so_sockaddr_address(a->ai_addr)).family != 0)
            count++;
    uv_freeaddrinfo(request.addrinfo);
    return count;
}

static const char *host_of(const doctor *d)
{
    return d->connect_to != NULL ? d->connect_to : d->url->host;
}

static size_t name(doctor *d, so_address addresses[ADDRESSES])
{
    unsigned v4 = 0, v6 = 0;
    int fault;
    size_t count = doctor_look_up(d, host_of(d), d->url->port, addresses, ADDRESSES, &fault);

    if (count == 0) {
        doctor_say(d, DOCTOR_FAILED, "name", "%.200s can't be found (%s); check how it is spelt, and the network's DNS",
                   host_of(d), fault == 0 ? "no address" : uv_strerror(fault));
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        v4 += addresses[i].family == 4;
        v6 += addresses[i].family == 6;
    }
    doctor_say(d, DOCTOR_WELL, "name", "%.200s is found: IPv4 %s, IPv6 %s", host_of(d), v4 > 0 ? "yes" : "no",
               v6 > 0 ? "yes" : "no");
    return count;
}

typedef struct reach {
    uv_tcp_t tcp;
    uv_connect_t request;
    uv_timer_t patience;
    int fault;
} reach;

static void end_reach(reach *r, int fault)
{
    if (uv_is_closing((uv_handle_t *)&r->tcp))
        return;
    r->fault = fault;
    uv_close((uv_handle_t *)&r->tcp, NULL);
    uv_close((uv_handle_t *)&r->patience, NULL);
}

static void on_connected(uv_connect_t *request, int status)
{
    end_reach(request->data, status);
}

static void on_late(uv_timer_t *timer)
{
    end_reach(timer->data, UV_ETIMEDOUT);
}

/* 0, or uv's fault. Nothing is said on this connection: it only shows whether there can be one. */
static int reach_one(doctor *d, const so_address *address)
{
    struct sockaddr_storage to;
    reach r = {.fault = 0};
    int fault;

    (void)so_sockaddr_of(&to, address);
    (void)uv_tcp_init(&d->loop.uv, &r.tcp);
    (void)uv_timer_init(&d->loop.uv, &r.patience);
    r.request.data = r.patience.data = &r;
    (void)uv_timer_start(&r.patience, on_late, PATIENCE_MS, 0);
    fault = uv_tcp_connect(&r.request, &r.tcp, (const struct sockaddr *)&to, on_connected);
    if (fault != 0)
        end_reach(&r, fault);
    so_loop_run(&d->loop);
    return r.fault;
}

static bool way(doctor *d, const so_address *addresses, size_t count)
{
    int fault = UV_EADDRNOTAVAIL;

    for (size_t i = 0; i < count && fault != 0; i++)
        fault = reach_one(d, &addresses[i]);
    if (fault == 0)
        doctor_say(d, DOCTOR_WELL, "tcp", "port %u takes connections", d->url->port);
    else
        doctor_say(d, DOCTOR_FAILED, "tcp",
                   "port %u of %.200s takes no connection (%s); is the server running, and does a firewall let TCP "
                   "through to it?",
                   d->url->port, host_of(d), uv_strerror(fault));
    return fault == 0;
}

/* ---- TLS, and the clocks ---- */

static void clocks(doctor *d, const char *date, time_t before)
{
    struct tm tm = {0};
    const char *end = date == NULL ? NULL : strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    long long off, amount;

    if (end == NULL || *end != '\0') {
        doctor_say(d, DOCTOR_NOTE, "clock", "the server does not say what time it has");
        return;
    }
    off = (long long)before - (long long)timegm(&tm);
    amount = off < 0 ? -off : off;
    if (amount <= CLOCK_OFF)
        doctor_say(d, DOCTOR_WELL, "clock", "this machine and the server agree within a minute");
    else
        doctor_say(
            d, DOCTOR_FAILED, "clock",
            "this machine is %lld %s %s the server: certificates and a relay's credentials seem to be of another "
            "time; set the one that is wrong (timedatectl set-ntp true)",
            amount < 7200 ? amount / 60 : amount / 3600, amount < 7200 ? "minutes" : "hours",
            off < 0 ? "behind" : "ahead of");
}

/* A verified connection, and the time that the server has. */
static bool secure(doctor *d)
{
    so_fetch_request request = {
        .ctx = d->ctx, .url = d->url, .connect_to = d->connect_to, .target = "/", .timeout = PATIENCE_MS};
    time_t before = time(NULL);
    so_http *answer;
    so_error err;

    if (so_fetch(&request, &answer, &err) != SO_OK) {
        doctor_say(d, DOCTOR_FAILED, strcmp(err.layer, "certificate") == 0 ? "certificate" : "https", "%s", err.text);
        return false;
    }
    clocks(d, so_http_header(answer, "date"), before);
    so_http_free(answer);
    return true;
}

/* ---- a seat for a moment ---- */

typedef struct seat {
    doctor *d;
    so_wss *wss;
    so_certs *chain;
    uv_timer_t patience;
    char version[32], group[32];
    bool open, welcome, refused;
    so_error why;
} seat;

/* Pings alone keep a connection, and nobody waits for ever for a seat. */
static void on_no_seat(uv_timer_t *timer)
{
    seat *s = timer->data;

    if (s->open)
        (void)so_fail(&s->why, SO_IO, "signaling",
                      "the server gives no answer for %d s; who runs it should look at its log", PATIENCE_MS / 1000);
    so_wss_abort(s->wss);
}

static void on_open(void *user)
{
    seat *s = user;
    uint8_t bytes[ROOM_BYTES], text[256];
    char room[SO_ROOM_TEXT_LEN + 1];
    so_writer w = so_writer_of(text, sizeof text);
    so_tls_facts facts = so_wss_facts(s->wss);

    s->open = true;
    (void)snprintf(s->version, sizeof s->version, "%s", facts.version);
    (void)snprintf(s->group, sizeof s->group, "%s", facts.group == NULL ? "" : facts.group);
    if (so_wss_chain(s->wss, &s->chain) != SO_OK)
        s->chain = NULL;
    if (so_random_fill(&so_random_system, bytes, sizeof bytes) != SO_OK) {
        so_wss_abort(s->wss);
        return;
    }
    /* Nobody else can be in it: its name is as good as a key, and used once. */
    so_base64url(room, bytes, sizeof bytes);
    so_signal_write_join(&w, room, NULL);
    so_wss_send(s->wss, (const char *)text, so_writer_len(&w));
}

static void add_server(doctor *d, const char *url, const json_t *username, const json_t *credential)
{
    doctor_server *s = &d->servers[d->server_count];
    so_server_url at;

    if (!so_server_url_parse(&at, url))
        return;
    if (d->server_count == DOCTOR_SERVERS) {
        d->left_out++;
        return;
    }
    d->server_count++;
    *s = (doctor_server){.at = at};
    if (json_is_string(username))
        (void)snprintf(s->username, sizeof s->username, "%s", json_string_value(username));
    if (json_is_string(credential))
        (void)snprintf(s->credential, sizeof s->credential, "%s", json_string_value(credential));
}

static void take_servers(doctor *d, const json_t *ice)
{
    const json_t *server, *url;
    size_t i, j;

    json_array_foreach(ice, i, server)
    {
        const json_t *urls = json_object_get(server, "urls"), *username = json_object_get(server, "username"),
                     *credential = json_object_get(server, "credential");

        if (json_is_string(urls))
            add_server(d, json_string_value(urls), username, credential);
        json_array_foreach(urls, j, url)
        {
            if (json_is_string(url))
                add_server(d, json_string_value(url), username, credential);
        }
    }
}

static void on_text(void *user, const char *text, size_t len)
{
    seat *s = user;
    so_signal_message m;
    uint8_t bye[64];
    so_writer w = so_writer_of(bye, sizeof bye);
    so_error err;

    if (so_signal_parse(&m, text, len, &err) != SO_OK) {
        (void)so_fail(&s->why, SO_BAD_INPUT, "signaling",
                      "the server said what is no message of " SO_SUBPROTOCOL "; update sotto here or there");
        so_wss_abort(s->wss);
        return;
    }
    if (m.kind == SO_SIGNAL_WELCOME) {
        s->welcome = true;
        take_servers(s->d, json_object_get(m.root, "ice"));
        so_signal_write_bye(&w, NULL);
        so_wss_send(s->wss, (const char *)bye, so_writer_len(&w));
        so_wss_finish(s->wss);
    } else if (m.kind == SO_SIGNAL_ERROR) {
        s->refused = true;
        (void)so_fail(&s->why, SO_REFUSED, "signaling", "%.150s %.150s", m.text == NULL ? "" : m.text,
                      m.remedy == NULL ? "" : m.remedy);
        so_wss_finish(s->wss);
    }
    so_signal_message_free(&m);
}

static void on_closed(void *user, unsigned code, unsigned http, const so_error *why)
{
    seat *s = user;

    (void)code;
    (void)http;
    if (s->why.status == SO_OK)
        s->why = *why;
    uv_close((uv_handle_t *)&s->patience, NULL);
}

static void certificate(doctor *d, const seat *s)
{
    const so_cert *leaf = s->chain == NULL || so_certs_count(s->chain) == 0 ? NULL : so_certs_at(s->chain, 0);
    so_unix ends, now = time(NULL);
    char date[SO_DATE_LEN];

    if (leaf == NULL) {
        doctor_say(d, DOCTOR_WELL, "certificate", "chains to a trusted CA and names %.200s", d->url->host);
        return;
    }
    ends = leaf->not_after;
    for (size_t i = 1; i < so_certs_count(s->chain); i++)
        if (so_certs_at(s->chain, i)->not_after < ends)
            ends = so_certs_at(s->chain, i)->not_after;
    so_date_text(date, ends);
    doctor_say(d, DOCTOR_WELL, "certificate", "chains to a CA that this machine trusts (%.100s) and names %.100s",
               so_certs_at(s->chain, so_certs_count(s->chain) - 1)->subject, d->url->host);
    if (ends - now < SO_CHAIN_WARN_DAYS * SO_DAY)
        doctor_say(d, DOCTOR_NOTE, "expiry", "it is valid to %s, in %d days: who runs the server should renew it", date,
                   (int)((ends - now) / SO_DAY));
    else
        doctor_say(d, DOCTOR_WELL, "expiry", "it is valid to %s, for %d days", date, (int)((ends - now) / SO_DAY));
}

static bool signaling(doctor *d)
{
    static const so_wss_events events = {.open = on_open, .text = on_text, .closed = on_closed};
    seat s = {.d = d};

    if (so_wss_connect(&s.wss, &d->loop, d->ctx, d->url, d->connect_to, &events, &s) != SO_OK) {
        doctor_say(d, DOCTOR_FAILED, "websocket", "no connection can be begun; end other programs");
        return false;
    }
    (void)uv_timer_init(&d->loop.uv, &s.patience);
    s.patience.data = &s;
    (void)uv_timer_start(&s.patience, on_no_seat, PATIENCE_MS, 0);
    so_loop_run(&d->loop);
    if (s.open) {
        certificate(d, &s);
        doctor_say(d, DOCTOR_WELL, "tls", "%s%s%s", s.version, s.group[0] == '\0' ? "" : ", ", s.group);
        doctor_say(d, DOCTOR_WELL, "websocket", "the server speaks " SO_SUBPROTOCOL " over WSS");
    } else {
        doctor_say(d, DOCTOR_FAILED, "websocket", "%s", s.why.text);
    }
    so_certs_free(s.chain);
    if (s.welcome)
        doctor_say(d, DOCTOR_WELL, "room", "a seat in a room of its own was given, and given back");
    else if (s.open)
        doctor_say(d, DOCTOR_FAILED, "room", "%s%s", s.refused ? "the server refuses a seat: " : "", s.why.text);
    return s.welcome;
}

bool doctor_server_itself(doctor *d)
{
    so_address addresses[ADDRESSES];
    size_t count = name(d, addresses);

    return count > 0 && way(d, addresses, count) && secure(d) && signaling(d);
}
