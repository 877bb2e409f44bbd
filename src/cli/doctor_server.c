/* The server: its name, the way to it, its certificate, the clocks, and a seat in a room of its own for a moment. */
#include "cli/doctor.h"

#include "cli/visit.h"
#include "net/fetch.h"
#include "net/sockaddr.h"
#include "signal/message.h"
#include "trust/chain.h"
#include "trust/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PATIENCE_MS 10000
#define ADDRESSES 8
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

static void certificate(doctor *d, const visit *s)
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

/* What it asks of every call, as it says it. */
static void policy(doctor *d, const json_t *welcome)
{
    so_policy asked;
    so_error err;
    char text[SO_POLICY_JSON_MAX];
    so_writer w = so_writer_of(text, sizeof text - 1);

    if (json_object_get(welcome, "policy") == NULL)
        return;
    if (so_policy_read(&asked, json_object_get(welcome, "policy"), "the server's policy", &err) != SO_OK) {
        doctor_say(d, DOCTOR_FAILED, "policy", "%s", err.text);
        return;
    }
    so_policy_write_given(&asked, &w);
    text[so_writer_len(&w)] = '\0';
    doctor_say(d, DOCTOR_NOTE, "policy", "the server asks of every call: %.300s (sotto policy show)", text);
}

static bool signaling(doctor *d)
{
    visit_request request = {.loop = &d->loop, .ctx = d->ctx, .url = d->url, .connect_to = d->connect_to};
    bool welcome;
    visit v;

    visit_server(&v, &request);
    if (v.open) {
        certificate(d, &v);
        doctor_say(d, DOCTOR_WELL, "tls", "%s%s%s", v.version, v.group[0] == '\0' ? "" : ", ", v.group);
        doctor_say(d, DOCTOR_WELL, "websocket", "the server speaks " SO_SUBPROTOCOL " over WSS");
    } else {
        doctor_say(d, DOCTOR_FAILED, "websocket", "%s", v.why.text);
    }
    welcome = v.welcome != NULL;
    if (welcome) {
        take_servers(d, json_object_get(v.welcome, "ice"));
        doctor_say(d, DOCTOR_WELL, "room", "a seat in a room of its own was given, and given back");
        policy(d, v.welcome);
    } else if (v.open) {
        doctor_say(d, DOCTOR_FAILED, "room", "%s%s", v.refused ? "the server refuses a seat: " : "", v.why.text);
    }
    visit_end(&v);
    return welcome;
}

bool doctor_server_itself(doctor *d)
{
    so_address addresses[ADDRESSES];
    size_t count = name(d, addresses);

    return count > 0 && way(d, addresses, count) && secure(d) && signaling(d);
}
