/*
 * The seal: what two ends say to each other through a server that can't read or change it.
 * docs/protocol.md, section 4. Pure: payload bytes in, payload bytes out; randomness is an argument.
 */
#ifndef SOTTO_TRUST_SEAL_H
#define SOTTO_TRUST_SEAL_H

#include "base/secret.h"
#include "crypto/digest.h"
#include "trust/invite.h"

#define SO_SID_LEN 16
#define SO_HELLO_LEN (2 + 2 * SO_SID_LEN)
#define SO_CALL_ID_LEN 8
/* Bytes that sealing adds to a text; an answer carries the hash of its offer too. */
#define SO_SEAL_OVERHEAD (2 + SO_SID_LEN + 8 + SO_SHA256_LEN + 16)

typedef enum so_seal_kind {
    SO_SEAL_STATE = 0,
    SO_SEAL_OFFER = 1,
    SO_SEAL_ANSWER = 2,
    SO_SEAL_CANDIDATE = 3,
    SO_SEAL_BYE = 4,
} so_seal_kind;

/* What opening a payload came to. */
typedef enum so_seal_result {
    SO_SEAL_OPENED = 0, /* a text is there */
    SO_SEAL_HELLO,      /* a hello was taken: the epoch is new; so_seal_reply says whether one must be sent back */
    SO_SEAL_STALE,      /* of an earlier epoch: counted, nothing changed */
    /* All below broke the epoch: the call ends. */
    SO_SEAL_MALFORMED,
    SO_SEAL_NO_EPOCH,
    SO_SEAL_REFLECTED,
    SO_SEAL_REPLAYED,
    SO_SEAL_GAP,
    SO_SEAL_SPLICED,
    SO_SEAL_ALTERED,
    SO_SEAL_FAILED, /* no memory or a crypto fault at our own end */
} so_seal_result;

typedef enum so_seal_state {
    SO_SEAL_AWAITS_HELLO,  /* none sent: the other one opens */
    SO_SEAL_AWAITS_ANSWER, /* ours is out as opener */
    SO_SEAL_IN_EPOCH,
    SO_SEAL_BROKEN,
} so_seal_state;

typedef struct so_seal_way {
    so_key key;
    uint64_t next; /* the counter of the next message; never set back while the key lives */
} so_seal_way;

typedef struct so_seal {
    so_invite invite;
    so_random random;
    so_seal_state state;
    bool opener;
    uint32_t epoch; /* how many epochs there have been: 1 in the first */
    uint32_t stale; /* how many envelopes of earlier epochs came */
    uint8_t own_sid[SO_SID_LEN];
    uint8_t peer_sid[SO_SID_LEN];
    uint8_t offer_hash[SO_SHA256_LEN]; /* of the last offer sealed in this epoch */
    bool offer_sent;
    so_seal_way out, in;
} so_seal;

/* Copies invite. The caller ends it with so_seal_end, which wipes every key. */
void so_seal_start(so_seal *seal, const so_invite *invite, so_random random);
void so_seal_end(so_seal *seal);

/* Our own connection joined, or the member came (again): the epoch, if any, is over. */
void so_seal_forget(so_seal *seal);

/* As the one who came last: a fresh sid; hello is to be sent to the member. */
so_status so_seal_open_epoch(so_seal *seal, uint8_t hello[SO_HELLO_LEN]) SO_MUST_CHECK;

/*
 * Takes one payload. After SO_SEAL_OPENED, *kind and text[0 .. *text_len) hold the message; text must have room for
 * payload_len bytes. After SO_SEAL_HELLO, *reply says whether hello must be sent back.
 */
so_seal_result so_seal_take(so_seal *seal, const uint8_t *payload, size_t payload_len, so_seal_kind *kind,
                            uint8_t *text, size_t *text_len, uint8_t hello[SO_HELLO_LEN], bool *reply) SO_MUST_CHECK;

/*
 * Seals text into out, which has room for text_len + SO_SEAL_OVERHEAD bytes. offer: for an answer, the text of the
 * offer that it answers; else an empty slice. SO_STATE outside an epoch.
 */
so_status so_seal_make(so_seal *seal, so_seal_kind kind, so_slice text, so_slice offer, uint8_t *out,
                       size_t *out_len) SO_MUST_CHECK;

/* The id of the call that begins in this epoch: base64url, a final zero. */
so_status so_seal_call_id(const so_seal *seal, char out[12]) SO_MUST_CHECK;

/* "altered", "gap", ...: the words of docs/protocol.md. */
const char *so_seal_result_name(so_seal_result result);

#endif
