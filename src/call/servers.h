/* The STUN and TURN servers that a welcome names. */
#ifndef SOTTO_CALL_SERVERS_H
#define SOTTO_CALL_SERVERS_H

#include "base/status.h"

#include <stdint.h>

/* 253 characters of a host's name (RFC 1035 §2.3.4), or an address, and a final zero. */
#define SO_SERVER_HOST 256

typedef enum so_server_kind {
    SO_SERVER_STUN,
    SO_SERVER_TURN_UDP,
    SO_SERVER_TURN_TCP,
    SO_SERVER_TURN_TLS
} so_server_kind;

typedef struct so_server_url {
    so_server_kind kind;
    char host[SO_SERVER_HOST]; /* without brackets */
    uint16_t port;
} so_server_url;

/* "stun:host:port", "turn:host:port?transport=udp", "turns:host:port" (RFC 7064, RFC 7065). false: none that a native
 * end takes. STUN over TLS tells no more than STUN, and TURN over DTLS is what no server of ours speaks. */
bool so_server_url_parse(so_server_url *out, const char *url) SO_MUST_CHECK;

#endif
