/*
 * One file over a data channel (docs/protocol.md, section 5): what its sender and its receiver say and may take. Pure:
 * messages in, messages out; the bytes of the file come from and go to the caller.
 */
#ifndef SOTTO_CALL_FILE_H
#define SOTTO_CALL_FILE_H

#include "base/bytes.h"
#include "crypto/digest.h"

#define SO_FILE_PROTOCOL "sotto.file.v1"
#define SO_FILE_LABEL "file"
#define SO_FILE_NAME 255
/* The longest message, and how far a sender may be ahead of what its receiver has put away. */
#define SO_FILE_PIECE ((size_t)65536)
#define SO_FILE_AHEAD ((uint64_t)1024 * 1024)
#define SO_FILE_GOT ((uint64_t)256 * 1024)
/* Offers of the other end that may be open. */
#define SO_FILE_OFFERS 16
/* Room for any text message of these. */
#define SO_FILE_TEXT 2048

typedef struct so_file_offer {
    char name[SO_FILE_NAME + 1]; /* UTF-8, and of one file: no path, and nothing that is not to be shown */
    bool known;                  /* before it is sent: */
    uint64_t size;
    uint8_t sha256[SO_SHA256_LEN];
} so_file_offer;

/* Is it fit to be offered? */
bool so_file_name_is_fit(const char *name, size_t len);

typedef enum so_file_result {
    SO_FILE_GOES_ON,
    SO_FILE_OFFERED,  /* to a receiver: decide */
    SO_FILE_ACCEPTED, /* to a sender: send */
    SO_FILE_REFUSED,  /* by the receiver, who closes the channel */
    SO_FILE_BYTES,    /* to a receiver: put the message away */
    SO_FILE_DONE,     /* all is there and the digest fits */
    SO_FILE_DIFFERS,  /* it does not fit: nothing of it is to be kept */
    SO_FILE_BROKEN,   /* the other end broke the order: close the channel */
} so_file_result;

/* ---- the sender's end ---- */

typedef enum so_file_sender_state {
    SO_FILE_AWAITS_ANSWER,
    SO_FILE_SENDS,
    SO_FILE_AWAITS_VERDICT,
    SO_FILE_SENDER_OVER
} so_file_sender_state;

typedef struct so_file_sender {
    so_file_sender_state state;
    so_file_offer offer;
    uint64_t sent, got;
    so_sha256_stream *digest;
} so_file_sender;

/* Ended with so_file_sender_end. out: the offer, a text message. */
so_status so_file_sender_begin(so_file_sender *s, const so_file_offer *offer, so_writer *out) SO_MUST_CHECK;
void so_file_sender_end(so_file_sender *s);
so_file_result so_file_sender_take(so_file_sender *s, bool text, so_slice message) SO_MUST_CHECK;
/* Bytes that the next message may have; 0: not now. */
size_t so_file_sender_room(const so_file_sender *s);
/* A message of the file's bytes was sent. */
so_status so_file_sender_sent(so_file_sender *s, so_slice bytes) SO_MUST_CHECK;
/* There are no more bytes: out is the last message. SO_REFUSED: they are not the ones that were offered. */
so_status so_file_sender_finish(so_file_sender *s, so_writer *out) SO_MUST_CHECK;

/* ---- the receiver's end ---- */

typedef enum so_file_receiver_state {
    SO_FILE_AWAITS_OFFER,
    SO_FILE_AWAITS_DECISION,
    SO_FILE_RECEIVES,
    SO_FILE_RECEIVER_OVER
} so_file_receiver_state;

typedef struct so_file_receiver {
    so_file_receiver_state state;
    so_file_offer offer;
    uint64_t came, told, put;
    so_sha256_stream *digest;
} so_file_receiver;

so_status so_file_receiver_begin(so_file_receiver *r) SO_MUST_CHECK;
void so_file_receiver_end(so_file_receiver *r);
so_file_result so_file_receiver_take(so_file_receiver *r, bool text, so_slice message) SO_MUST_CHECK;
/* In SO_FILE_AWAITS_DECISION; after a refusal the channel is to be closed. */
void so_file_receiver_decide(so_file_receiver *r, bool accept, so_writer *out);
/* So many bytes were put away: where out was written to, it is to be sent. */
void so_file_receiver_put(so_file_receiver *r, size_t bytes, so_writer *out);
/* After SO_FILE_DONE, once all is put away or could not be, and after SO_FILE_DIFFERS: the last word, to be sent. */
void so_file_receiver_kept(const so_file_receiver *r, bool kept, so_writer *out);

#endif
