#include "net/sockaddr.h"

#include <netinet/in.h>
#include <string.h>

socklen_t so_sockaddr_of(struct sockaddr_storage *out, const so_address *address)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

    memset(out, 0, sizeof *out);
    if (address->family == 4) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(address->port);
        memcpy(&v4->sin_addr, address->ip, 4);
        return sizeof *v4;
    }
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(address->port);
    memcpy(&v6->sin6_addr, address->ip, 16);
    return sizeof *v6;
}

so_address so_sockaddr_address(const struct sockaddr *from)
{
    if (from->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)from;

        return so_address_of((const uint8_t *)&v4->sin_addr, 4, ntohs(v4->sin_port));
    }
    if (from->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)from;

        return so_address_of((const uint8_t *)&v6->sin6_addr, 16, ntohs(v6->sin6_port));
    }
    return (so_address){0};
}

bool so_sockaddr_is_of(const uv_tcp_t *tcp, const so_address *address)
{
    struct sockaddr_storage own;
    int len = sizeof own;
    so_address found;

    if (uv_tcp_getsockname(tcp, (struct sockaddr *)&own, &len) != 0)
        return false;
    found = so_sockaddr_address((const struct sockaddr *)&own);
    return so_address_same_ip(&found, address);
}
