#include "net/udp.h"

#include <stdlib.h>
#include <string.h>

/* Longer ones are of no protocol here. */
#define DATAGRAM_MAX 2048

typedef struct udp_socket {
    uv_udp_t handle;
    so_address base;
    so_udp *udp;
} udp_socket;

struct so_udp {
    so_udp_fn receive;
    void *user;
    size_t count, open; /* sockets, and those that are not closed yet */
    bool closing;
    udp_socket sockets[SO_UDP_SOCKETS];
    uint8_t datagram[DATAGRAM_MAX];
};

static void to_system(struct sockaddr_storage *out, const so_address *address)
{
    memset(out, 0, sizeof *out);
    if (address->family == 4) {
        struct sockaddr_in *in = (struct sockaddr_in *)out;

        in->sin_family = AF_INET;
        in->sin_port = htons(address->port);
        memcpy(&in->sin_addr, address->ip, 4);
    } else {
        struct sockaddr_in6 *in = (struct sockaddr_in6 *)out;

        in->sin6_family = AF_INET6;
        in->sin6_port = htons(address->port);
        memcpy(&in->sin6_addr, address->ip, 16);
    }
}

static so_address from_system(const struct sockaddr *from)
{
    if (from->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)from;

        return so_address_of((const uint8_t *)&in->sin_addr, 4, ntohs(in->sin_port));
    }
    if (from->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)from;

        return so_address_of((const uint8_t *)&in->sin6_addr, 16, ntohs(in->sin6_port));
    }
    return (so_address){0};
}

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
    remote = from_system(from);
    s->udp->receive(s->udp->user, &s->base, &remote, (uint8_t *)buffer->base, (size_t)len);
}

static void on_closed(uv_handle_t *handle)
{
    udp_socket *s = handle->data;
    so_udp *udp = s->udp;

    if (--udp->open == 0)
        free(udp);
}

void so_udp_close(so_udp *udp)
{
    if (udp == NULL)
        return;
    udp->closing = true;
    if (udp->count == 0) {
        free(udp);
        return;
    }
    for (size_t i = 0; i < udp->count; i++)
        uv_close((uv_handle_t *)&udp->sockets[i].handle, on_closed);
}

static bool is_link_local(const so_address *address)
{
    return address->family == 6 ? address->ip[0] == 0xfe && (address->ip[1] & 0xc0) == 0x80
                                : address->ip[0] == 169 && address->ip[1] == 254;
}

static void add_socket(so_udp *udp, so_loop *loop, const so_address *address)
{
    udp_socket *s = &udp->sockets[udp->count];
    struct sockaddr_storage name;
    int len = sizeof name;

    if (udp->count == SO_UDP_SOCKETS || uv_udp_init(&loop->uv, &s->handle) != 0)
        return;
    s->udp = udp;
    s->handle.data = s;
    udp->count++;
    udp->open++;
    to_system(&name, address);
    if (uv_udp_bind(&s->handle, (const struct sockaddr *)&name, 0) == 0 &&
        uv_udp_getsockname(&s->handle, (struct sockaddr *)&name, &len) == 0 &&
        uv_udp_recv_start(&s->handle, on_alloc, on_datagram) == 0)
        s->base = from_system((const struct sockaddr *)&name);
}

static size_t add_sockets(so_udp *udp, so_loop *loop, bool loopback)
{
    uv_interface_address_t *all;
    int count;
    size_t before = udp->count;

    if (uv_interface_addresses(&all, &count) != 0)
        return 0;
    for (int i = 0; i < count; i++) {
        so_address address = from_system((const struct sockaddr *)&all[i].address);

        address.port = 0;
        if (address.family != 0 && (all[i].is_internal != 0) == loopback && !is_link_local(&address))
            add_socket(udp, loop, &address);
    }
    uv_free_interface_addresses(all, count);
    return udp->count - before;
}

so_status so_udp_open(so_udp **out, so_loop *loop, bool loopback, so_udp_fn receive, void *user, so_error *err)
{
    so_udp *udp = calloc(1, sizeof *udp);

    *out = NULL;
    if (udp == NULL)
        return so_fail(err, SO_NO_MEMORY, "path", "no memory for sockets; end other programs");
    udp->receive = receive;
    udp->user = user;
    if (add_sockets(udp, loop, false) == 0 || loopback)
        (void)add_sockets(udp, loop, true);
    if (udp->count == 0) {
        so_udp_close(udp);
        return so_fail(err, SO_IO, "path",
                       "this machine has no address that a call could go over; connect it to a network");
    }
    *out = udp;
    return SO_OK;
}

size_t so_udp_count(const so_udp *udp)
{
    return udp->count;
}

const so_address *so_udp_base(const so_udp *udp, size_t index)
{
    return &udp->sockets[index].base;
}

void so_udp_send(so_udp *udp, const so_address *local, const so_address *remote, const uint8_t *bytes, size_t len)
{
    struct sockaddr_storage to;
    uv_buf_t buffer = uv_buf_init((char *)bytes, (unsigned)len);

    to_system(&to, remote);
    for (size_t i = 0; i < udp->count; i++)
        if (so_address_equal(&udp->sockets[i].base, local)) {
            (void)uv_udp_try_send(&udp->sockets[i].handle, &buffer, 1, (const struct sockaddr *)&to);
            return;
        }
}
