/*
 * What `ice` in a welcome says: the STUN and TURN servers, and short-lived credentials for coturn's REST API
 * (draft-uberti-behave-turn-rest): username = expiry ":" name, credential = base64(HMAC-SHA1(secret, username)).
 */
#ifndef SOTTO_SERVER_TURN_H
#define SOTTO_SERVER_TURN_H

#include "base/bytes.h"
#include "base/clock.h"
#include "crypto/digest.h"

#define SO_ICE_MAX 4096 /* what a welcome has room for */

typedef struct so_ice_servers {
    const char *const *stun; /* "stun:host[:port]" */
    size_t stun_count;
    const char *const *turn; /* "turn:…" or "turns:…" */
    size_t turn_count;
    so_slice secret;  /* of turn */
    so_unix lifetime; /* seconds */
} so_ice_servers;

/* Is url one of the scheme stun, stuns, turn or turns (RFC 7064, 7065) with a host? */
bool so_ice_url_valid(const char *url, bool turn);

/* Writes the JSON array of RTCConfiguration.iceServers for the member named. */
so_status so_ice_write(so_writer *w, const so_ice_servers *servers, const char *member, so_unix now) SO_MUST_CHECK;

#endif
