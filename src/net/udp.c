#include "net/udp.h"

#include "net/sockaddr.h"

#include <stdlib.h>

/* Longer ones are of no protocol here. */
#define DATAGRAM_MAX 2048
/* Addresses of this machine that are looked at. */
#define ADDRESSES_MAX 64

/* A slot is free again when its handle is closed. */
typedef struct udp_socket {
    uv_udp_t handle;
    so_address base; /* family 0: not in use */
    so_udp *udp;
    bool taken;
} udp_socket;

struct so_udp {
    so_loop *loop;
    const so_udp_events *events;
    void *user;
    bool loopback, closing;
    size_t taken;
    udp_socket sockets[SO_UDP_SOCKETS];
    uint8_t datagram[DATAGRAM_MAX];
};

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    udp_socket *s = handle->data;

    (void)wanted;
    *buffer = uv_buf_init((char *)s->udp->datagram, DATAGRAM_MAX);
}

static void on_datagram(uv_udp_t *handle, ssize_t len, const uv_buf_t *buffer, const struct sockaddr *from,
                        unsigned flags)
{
    udp_socket *s = handle->data;
    so_address remote;

    if (len <= 0 || from == NULL || (flags & UV_UDP_PARTIAL) != 0 || s->udp->closing)
        return;
    remote = so_sockaddr_address(from);
    s->udp->events->receive(s->udp->user, &s->base, &remote, (uint8_t *)buffer->base, (size_t)len);
}

static void on_closed(uv_handle_t *handle)
{
    udp_socket *s = handle->data;
    so_udp *udp = s->udp;

    s->taken = false;
    if (--udp->taken == 0 && udp->closing)
        free(udp);
}

static void close_socket(udp_socket *s)
{
    s->base = (so_address){0};
    if (s->taken && !uv_is_closing((uv_handle_t *)&s->handle))
        uv_close((uv_handle_t *)&s->handle, on_closed);
}

void so_udp_close(so_udp *udp)
{
    if (udp == NULL)
        return;
    udp->closing = true;
    if (udp->taken == 0) {
        free(udp);
        return;
    }
    for (size_t i = 0; i < SO_UDP_SOCKETS; i++)
        close_socket(&udp->sockets[i]);
}

/* ---- which addresses there are ---- */

static bool is_link_local(const so_address *address)
{
    return address->family == 6 ? address->ip[0] == 0xfe && (address->ip[1] & 0xc0) == 0x80
                                : address->ip[0] == 169 && address->ip[1] == 254;
}

static void add_socket(so_udp *udp, const so_address *address)
{
    struct sockaddr_storage name;
    int len = sizeof name;
    udp_socket *s = udp->sockets, *end = s + SO_UDP_SOCKETS;

    while (s < end && s->taken)
        s++;
    if (s == end || uv_udp_init(&udp->loop->uv, &s->handle) != 0)
        return;
    s->udp = udp;
    s->handle.data = s;
    s->taken = true;
    udp->taken++;
    (void)so_sockaddr_of(&name, address);
    if (uv_udp_bind(&s->handle, (const struct sockaddr *)&name, 0) != 0 ||
        uv_udp_getsockname(&s->handle, (struct sockaddr *)&name, &len) != 0 ||
        uv_udp_recv_start(&s->handle, on_alloc, on_datagram) != 0) {
        close_socket(s); /* an IPv6 address that is still being probed, say: word comes when it is ready */
        return;
    }
    s->base = so_sockaddr_address((const struct sockaddr *)&name);
    udp->events->came(udp->user, &s->base);
}

/* The machine's addresses that take part, each once. */
static size_t addresses_of(so_address *out, bool loopback)
{
    uv_interface_address_t *all;
    int count;
    size_t found = 0;

    if (uv_interface_addresses(&all, &count) != 0)
        return 0;
    for (int i = 0; i < count && found < ADDRESSES_MAX; i++) {
        size_t known = 0;

        out[found] = so_sockaddr_address((const struct sockaddr *)&all[i].address);
        out[found].port = 0;
        while (known < found && !so_address_same_ip(&out[known], &out[found]))
            known++;
        found += known == found && out[found].family != 0 && (all[i].is_internal != 0) == loopback &&
                 !is_link_local(&out[found]);
    }
    uv_free_interface_addresses(all, count);
    return found;
}

static bool is_among(const so_address *address, const so_address *all, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (so_address_same_ip(address, &all[i]))
            return true;
    return false;
}

static bool has_socket(const so_udp *udp, const so_address *address)
{
    for (size_t i = 0; i < SO_UDP_SOCKETS; i++)
        if (udp->sockets[i].base.family != 0 && so_address_same_ip(&udp->sockets[i].base, address))
            return true;
    return false;
}

void so_udp_look(so_udp *udp)
{
    so_address here[2 * ADDRESSES_MAX], base;
    size_t count = addresses_of(here, false);

    if (udp->loopback)
        count += addresses_of(here + count, true);
    for (size_t i = 0; i < SO_UDP_SOCKETS; i++) {
        base = udp->sockets[i].base;
        if (base.family != 0 && !is_among(&base, here, count)) {
            close_socket(&udp->sockets[i]);
            udp->events->gone(udp->user, &base);
        }
    }
    for (size_t i = 0; i < count; i++)
        if (!has_socket(udp, &here[i]))
            add_socket(udp, &here[i]);
}

so_status so_udp_open(so_udp **out, so_loop *loop, bool loopback, const so_udp_events *events, void *user,
                      so_error *err)
{
    so_udp *udp = calloc(1, sizeof *udp);
    so_address others[ADDRESSES_MAX];
    bool any = false;

    *out = NULL;
    if (udp == NULL)
        return so_fail(err, SO_NO_MEMORY, "path", "no memory for sockets; end other programs");
    udp->loop = loop;
    udp->loopback = loopback || addresses_of(others, false) == 0;
    udp->events = events;
    udp->user = user;
    so_udp_look(udp);
    for (size_t i = 0; i < SO_UDP_SOCKETS; i++)
        any |= udp->sockets[i].base.family != 0;
    if (!any) {
        so_udp_close(udp);
        return so_fail(err, SO_IO, "path",
                       "this machine has no address that a call could go over; connect it to a network");
    }
    *out = udp;
    return SO_OK;
}

void so_udp_send(so_udp *udp, const so_address *local, const so_address *remote, const uint8_t *bytes, size_t len)
{
    struct sockaddr_storage to;
    uv_buf_t buffer = uv_buf_init((char *)bytes, (unsigned)len);

    (void)so_sockaddr_of(&to, remote);
    for (size_t i = 0; i < SO_UDP_SOCKETS; i++)
        if (so_address_equal(&udp->sockets[i].base, local)) {
            (void)uv_udp_try_send(&udp->sockets[i].handle, &buffer, 1, (const struct sockaddr *)&to);
            return;
        }
}
