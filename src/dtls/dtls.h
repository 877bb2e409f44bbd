/*
 * One DTLS association (RFC 6347, RFC 9147) that makes the keys of SRTP (RFC 5764) and carries SCTP (RFC 8261):
 * datagrams in, datagrams out, keys at the end of the handshake, and data from then on. Nothing of OpenSSL shows
 * through here, so that another engine could stand in its place.
 *
 * The other end's certificate is checked inside the handshake, in both roles, before any key exists for the caller: it
 * must hash to the fingerprint that came with the signaling (RFC 8827 §6.5), compared in constant time, and its key
 * must be strong enough. Without an SRTP profile that both ends have there is no association either.
 *
 * The one driving rule: so_dtls_start, so_dtls_receive or so_dtls_tick; then so_dtls_transmit until it has no more;
 * then wait as long as so_dtls_wait says, for a datagram or a tick. One exception to "time is an argument": OpenSSL's
 * retransmission timer reads the system's clock. Simulation puts gettimeofday in its place, and time() and OpenSSL's
 * randomness with it (tests/sim/clock.c).
 */
#ifndef SOTTO_DTLS_DTLS_H
#define SOTTO_DTLS_DTLS_H

#include "base/clock.h"
#include "base/secret.h"
#include "dtls/certificate.h"
#include "dtls/context.h"

/* No datagram is larger: it fits into every path that browsers expect, VPNs included. */
#define SO_DTLS_MTU 1200
/* So much data fits into one, whatever the cipher. */
#define SO_DTLS_DATA_MAX 1100
/* Of any SRTP profile: AES-256 and the 14-byte salt of AES-CM. */
#define SO_DTLS_KEY_MAX 32
#define SO_DTLS_SALT_MAX 14

typedef struct so_dtls so_dtls;

typedef enum so_dtls_role { SO_DTLS_CLIENT, SO_DTLS_SERVER } so_dtls_role;

typedef enum so_dtls_state {
    SO_DTLS_AWAITS_START,
    SO_DTLS_AWAITS_PEER, /* the handshake is under way */
    SO_DTLS_OPEN,        /* finished, and the certificate is the promised one */
    SO_DTLS_CLOSED,      /* close_notify was sent or came */
    SO_DTLS_FAILED,
} so_dtls_state;

/* Why an association failed. so_dtls_fault_name gives the codes of docs/protocol.md and of the page. */
typedef enum so_dtls_fault {
    SO_DTLS_NO_FAULT = 0,
    SO_DTLS_MISMATCH, /* another certificate than the promised one */
    SO_DTLS_WEAK_KEY, /* its key is under 2,048 bits of RSA or P-256, or of another kind */
    SO_DTLS_NO_SRTP,  /* no common profile of SRTP, or none offered */
    SO_DTLS_TIMEOUT,
    SO_DTLS_CERTIFICATE_REFUSED, /* the other end's alert: it did not like this end's certificate */
    SO_DTLS_REFUSED,             /* another alert of it */
    SO_DTLS_TOO_OLD,             /* the other end's highest version is below the floor */
    SO_DTLS_BROKEN,              /* what came is no handshake that can go on, or memory ran out */
} so_dtls_fault;

typedef struct so_dtls_config {
    so_dtls_context *context;
    const so_dtls_certificate *certificate; /* not kept after so_dtls_new */
    so_dtls_role role;
    so_fingerprint expected; /* of the other end's certificate; never none */
    /* What it may agree on, under OpenSSL's names with colons between; NULL or "": all that the context has. */
    const char *groups, *profiles;
    /* What came as data of an open association, one record at a time, while so_dtls_receive is at work; it may not call
     * this association. NULL: nothing is taken. */
    void (*take)(void *user, so_slice data);
    void *user;
} so_dtls_config;

/* The keys of SRTP, the local end's and the remote end's (RFC 5764 §4.2). Wiped by whoever has them. */
typedef struct so_dtls_keys {
    uint16_t profile; /* RFC 5764 §4.1.2, RFC 7714 §14.2 */
    size_t key_len, salt_len;
    uint8_t local_key[SO_DTLS_KEY_MAX], remote_key[SO_DTLS_KEY_MAX];
    uint8_t local_salt[SO_DTLS_SALT_MAX], remote_salt[SO_DTLS_SALT_MAX];
} so_dtls_keys;

/* What an association got, for a report. Strings live as long as the association. */
typedef struct so_dtls_facts {
    const char *version; /* "1.2" */
    const char *cipher;  /* as the IANA registry names it; NULL before it is known */
    const char *group;   /* "x25519"; NULL where it is not known */
    so_dtls_role role;
    uint16_t profile;    /* 0: none yet */
    so_fingerprint seen; /* of the certificate that came, with the hash of the expected one; none before it came */
    so_fingerprint seen_sha256; /* the same certificate, whatever hash was expected */
    unsigned retransmits;       /* how many times our timer ran out */
} so_dtls_facts;

so_status so_dtls_new(so_dtls **dtls, const so_dtls_config *config, so_error *err) SO_MUST_CHECK;
/* Wipes keys. Says nothing to the other end: so_dtls_close does. */
void so_dtls_free(so_dtls *dtls);

/* A client sends its ClientHello; a server begins to listen. Once. */
void so_dtls_start(so_dtls *dtls);
/* One whole datagram; what it is not is ignored or fails the association, as the RFCs say. */
void so_dtls_receive(so_dtls *dtls, so_slice datagram);
/* When so_dtls_wait has run out; earlier does no harm. */
void so_dtls_tick(so_dtls *dtls);
/* Sends data as one record. SO_STATE unless the association is open; SO_BAD_INPUT: more than fits a datagram. */
so_status so_dtls_send(so_dtls *dtls, so_slice data) SO_MUST_CHECK;
/* Queues a close_notify where there is an association to close. */
void so_dtls_close(so_dtls *dtls);

/* The next datagram to send, at most SO_DTLS_MTU bytes; false: there is none. */
bool so_dtls_transmit(so_dtls *dtls, uint8_t out[SO_DTLS_MTU], size_t *len) SO_MUST_CHECK;
/* Milliseconds until so_dtls_tick is due; UINT64_MAX: only a datagram changes anything. */
so_msec so_dtls_wait(const so_dtls *dtls);

so_dtls_state so_dtls_state_of(const so_dtls *dtls);
so_dtls_fault so_dtls_fault_of(const so_dtls *dtls);
/* "fingerprint-mismatch", "dtls-failed", ...; NULL for no fault. */
const char *so_dtls_fault_name(so_dtls_fault fault);
/* After SO_DTLS_FAILED: the sentence. */
const so_error *so_dtls_error(const so_dtls *dtls);
so_dtls_facts so_dtls_facts_of(const so_dtls *dtls);

/*
 * SO_STATE unless the association is open: OpenSSL itself would export keys after a refused certificate too, and before
 * the handshake is finished.
 */
so_status so_dtls_export(const so_dtls *dtls, so_dtls_keys *keys) SO_MUST_CHECK;

#endif
