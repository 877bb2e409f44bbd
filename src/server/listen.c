#include "server/listen.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define BACKLOG 1024

struct so_listener {
    uv_tcp_t tcp;
    so_incoming_fn incoming;
    void *user;
};

static so_status parse(struct sockaddr_storage *address, const char *where, so_error *err)
{
    const char *colon = strrchr(where, ':');
    char host[64];
    size_t len = colon == NULL ? 0 : (size_t)(colon - where);
    char *end = NULL;
    long port = colon == NULL ? -1 : strtol(colon + 1, &end, 10);
    bool v6 = where[0] == '[' && len > 2 && where[len - 1] == ']';

    if (port >= 0 && port <= 65535 && end != colon + 1 && *end == '\0' && len > 0 && len < sizeof host) {
        memcpy(host, where + v6, len - 2 * v6);
        host[len - 2 * v6] = '\0';
        if (v6 ? uv_ip6_addr(host, (int)port, (struct sockaddr_in6 *)address) == 0
               : uv_ip4_addr(host, (int)port, (struct sockaddr_in *)address) == 0)
            return SO_OK;
    }
    return so_fail(
        err, SO_BAD_INPUT, "options",
        "\"%.80s\" must be an address and a port, like 0.0.0.0:443 or [::]:443; names are not looked up here", where);
}

static void on_connection(uv_stream_t *tcp, int status)
{
    so_listener *l = tcp->data;

    if (status == 0)
        l->incoming(tcp, l->user);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void note_name(so_listeners *ls, so_listener *l)
{
    struct sockaddr_storage bound;
    int len = sizeof bound;
    char host[64] = "";
    unsigned port;

    (void)uv_tcp_getsockname(&l->tcp, (struct sockaddr *)&bound, &len);
    if (bound.ss_family == AF_INET6) {
        (void)uv_ip6_name((struct sockaddr_in6 *)&bound, host, sizeof host);
        port = ntohs(((struct sockaddr_in6 *)&bound)->sin6_port);
        (void)snprintf(ls->names[ls->count], sizeof ls->names[0], "[%.46s]:%u", host, port);
    } else {
        (void)uv_ip4_name((struct sockaddr_in *)&bound, host, sizeof host);
        port = ntohs(((struct sockaddr_in *)&bound)->sin_port);
        (void)snprintf(ls->names[ls->count], sizeof ls->names[0], "%.46s:%u", host, port);
    }
    if (ls->count == 0)
        ls->first_port = port;
}

static so_status open_one(so_listeners *ls, so_loop *loop, const char *where, so_incoming_fn incoming, void *user,
                          so_error *err)
{
    struct sockaddr_storage address;
    so_listener *l;
    int fault;
    so_status status = parse(&address, where, err);

    if (status != SO_OK)
        return status;
    l = calloc(1, sizeof *l);
    if (l == NULL)
        return SO_NO_MEMORY;
    l->incoming = incoming;
    l->user = user;
    (void)uv_tcp_init(&loop->uv, &l->tcp);
    l->tcp.data = l;
    fault = uv_tcp_bind(&l->tcp, (struct sockaddr *)&address, address.ss_family == AF_INET6 ? UV_TCP_IPV6ONLY : 0);
    if (fault == 0)
        fault = uv_listen((uv_stream_t *)&l->tcp, BACKLOG, on_connection);
    if (fault != 0) {
        uv_close((uv_handle_t *)&l->tcp, on_closed);
        return so_fail(err, fault == UV_EADDRNOTAVAIL || fault == UV_EAFNOSUPPORT ? SO_NOT_FOUND : SO_IO, "network",
                       "can't listen on %s: %s; %s", where, uv_strerror(fault),
                       fault == UV_EACCES       ? "ports below 1024 need root or CAP_NET_BIND_SERVICE"
                       : fault == UV_EADDRINUSE ? "stop the program that uses it, or choose another --listen"
                                                : "choose another --listen");
    }
    note_name(ls, l);
    ls->items[ls->count++] = l;
    return SO_OK;
}

so_status so_listeners_open(so_listeners *ls, so_loop *loop, const so_list *where, so_incoming_fn incoming, void *user,
                            so_error *err)
{
    so_status status = SO_OK;

    memset(ls, 0, sizeof *ls);
    for (size_t i = 0; i < where->count && status == SO_OK; i++)
        status = open_one(ls, loop, where->items[i], incoming, user, err);
    if (where->count > 0)
        return status;
    status = open_one(ls, loop, "127.0.0.1:8443", incoming, user, err);
    /* A machine without IPv6 has no ::1, and its browsers don't look for it. */
    if (status == SO_OK)
        status = open_one(ls, loop, "[::1]:8443", incoming, user, err);
    return status == SO_NOT_FOUND && ls->count > 0 ? SO_OK : status;
}

void so_listener_turn_away(uv_stream_t *listener)
{
    uv_tcp_t *tcp = malloc(sizeof *tcp);

    if (tcp == NULL)
        return; /* not even 300 bytes: the system will end this process soon */
    (void)uv_tcp_init(listener->loop, tcp);
    tcp->data = tcp;
    (void)uv_accept(listener, (uv_stream_t *)tcp);
    uv_close((uv_handle_t *)tcp, on_closed);
}

void so_listeners_close(so_listeners *ls)
{
    for (size_t i = 0; i < ls->count; i++)
        uv_close((uv_handle_t *)&ls->items[i]->tcp, on_closed);
    ls->count = 0;
}
