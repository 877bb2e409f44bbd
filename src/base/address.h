/* Where a datagram comes from or goes to: an IP address and a UDP port, without anything of the operating system's. */
#ifndef SOTTO_BASE_ADDRESS_H
#define SOTTO_BASE_ADDRESS_H

#include "base/status.h"

#include <stdint.h>

/* "[" 45 characters of IPv6 "]:65535" and a final zero */
#define SO_ADDRESS_TEXT 56

/* An IPv4-mapped IPv6 address is never in here: so_address_of makes it the IPv4 address that it stands for. */
typedef struct so_address {
    uint8_t family; /* 4 or 6; 0: none */
    uint8_t ip[16]; /* network order; the last 12 bytes are zero in family 4 */
    uint16_t port;  /* host order */
} so_address;

/* ip_len is 4 or 16. */
so_address so_address_of(const uint8_t *ip, size_t ip_len, uint16_t port);

/* ip: "192.0.2.1" or "2001:db8::1", no brackets, no zone. SO_BAD_INPUT: anything else, a host name too. */
so_status so_address_parse(so_address *address, const char *ip, uint16_t port) SO_MUST_CHECK;

bool so_address_equal(const so_address *a, const so_address *b);
bool so_address_same_ip(const so_address *a, const so_address *b);

/* 4 or 16, or 0 for none. */
size_t so_address_ip_len(const so_address *address);

/* "192.0.2.1", "2001:db8::1". For SDP; never for a log. */
void so_address_ip_text(const so_address *address, char out[SO_ADDRESS_TEXT]);
/* "192.0.2.1:3478", "[2001:db8::1]:3478" */
void so_address_text(const so_address *address, char out[SO_ADDRESS_TEXT]);

#endif
