/* The names that a certificate is for, and the subtrees of names that a CA may issue for. Pure text and bytes. */
#ifndef SOTTO_CRYPTO_NAMES_H
#define SOTTO_CRYPTO_NAMES_H

#include "base/status.h"

#include <stdint.h>

/* RFC 1035 §2.3.4: a name takes 255 octets on the wire, which leaves 253 characters as text; a label takes 63. */
#define SO_NAME_MAX 253
#define SO_LABEL_MAX 63

typedef enum so_name_kind { SO_NAME_DNS, SO_NAME_IP } so_name_kind;

/* One name of a server: a host name in lower case, or an address in its shortest text. */
typedef struct so_name {
    so_name_kind kind;
    uint8_t ip_len; /* 4 or 16; 0 for a host name */
    uint8_t ip[16];
    char text[SO_NAME_MAX + 1];
} so_name;

/*
 * A subtree of names (RFC 5280 §4.2.1.10), permitted or excluded. A host name stands for itself and every name below
 * it; one that begins with '.' for the names below alone; the empty one for all host names.
 */
typedef struct so_permit {
    so_name_kind kind;
    bool excluded;
    bool host_only; /* when issuing: this host name and none below it */
    uint8_t ip_len;
    uint8_t ip[16];
    uint8_t mask[16];
    char text[SO_NAME_MAX + 1]; /* "call.lan", "10.0.0.0/8"; an address alone without its "/32" */
} so_permit;

/* "call.lan", "*.call.lan", "192.168.1.5", "fd00::5". The error says what is wrong with the text. */
so_status so_name_parse(so_name *name, const char *text, so_error *err) SO_MUST_CHECK;

/* ip_len is 4 or 16. */
so_status so_name_from_ip(so_name *name, const uint8_t *ip, size_t ip_len) SO_MUST_CHECK;

/* "call.lan", "192.168.1.5", "10.0.0.0/8", "fd00::/8". */
so_status so_permit_parse(so_permit *permit, const char *text, so_error *err) SO_MUST_CHECK;

/* ip_len is 4 or 16. */
so_status so_permit_from_ip(so_permit *permit, const uint8_t *ip, const uint8_t *mask, size_t ip_len) SO_MUST_CHECK;

/* The excluded subtree of every host name (ip_len 0), every IPv4 (4) or every IPv6 address (16). */
void so_permit_exclude_all(so_permit *permit, size_t ip_len);

/* Does one subtree hold this name? */
bool so_permit_matches(const so_permit *permit, const so_name *name);

/* RFC 5280 §6.1.4: in none that is excluded and, where any of its kind is permitted, in one of these. */
bool so_permits_allow(const so_permit *permits, size_t count, const so_name *name);

/* Do these names speak for host, as a browser would see it? A wildcard stands for exactly one label. */
bool so_names_cover(const so_name *names, size_t count, const char *host);

/* The same name, and the same kind of name. */
bool so_name_equal(const so_name *a, const so_name *b);

#endif
