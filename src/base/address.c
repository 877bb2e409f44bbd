#include "base/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

so_address so_address_of(const uint8_t *ip, size_t ip_len, uint16_t port)
{
    so_address address = {.family = 6, .port = port};

    if (ip_len == 16 && memcmp(ip, mapped, sizeof mapped) == 0) {
        ip += sizeof mapped;
        ip_len = 4;
    }
    if (ip_len == 4)
        address.family = 4;
    memcpy(address.ip, ip, ip_len);
    return address;
}

so_status so_address_parse(so_address *address, const char *ip, uint16_t port)
{
    uint8_t bytes[16];

    if (inet_pton(AF_INET, ip, bytes) == 1)
        *address = so_address_of(bytes, 4, port);
    else if (inet_pton(AF_INET6, ip, bytes) == 1)
        *address = so_address_of(bytes, 16, port);
    else
        return SO_BAD_INPUT;
    return SO_OK;
}

bool so_address_same_ip(const so_address *a, const so_address *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

bool so_address_equal(const so_address *a, const so_address *b)
{
    return a->port == b->port && so_address_same_ip(a, b);
}

size_t so_address_ip_len(const so_address *address)
{
    return address->family == 4 ? 4 : address->family == 6 ? 16 : 0;
}

void so_address_ip_text(const so_address *address, char out[SO_ADDRESS_TEXT])
{
    if (inet_ntop(address->family == 4 ? AF_INET : AF_INET6, address->ip, out, SO_ADDRESS_TEXT) == NULL)
        out[0] = '\0';
}

void so_address_text(const so_address *address, char out[SO_ADDRESS_TEXT])
{
    char ip[SO_ADDRESS_TEXT];

    so_address_ip_text(address, ip);
    (void)snprintf(out, SO_ADDRESS_TEXT, address->family == 4 ? "%s:%u" : "[%.45s]:%u", ip, address->port);
}
