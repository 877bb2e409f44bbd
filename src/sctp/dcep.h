/* The messages of the Data Channel Establishment Protocol (RFC 8832 §5). */
#ifndef SOTTO_SCTP_DCEP_H
#define SOTTO_SCTP_DCEP_H

#include "sctp/sctp.h"

/* Payload protocol identifiers (RFC 8831 §8). */
#define SO_PPID_DCEP 50u
#define SO_PPID_TEXT 51u
#define SO_PPID_BINARY 53u
#define SO_PPID_TEXT_EMPTY 56u
#define SO_PPID_BINARY_EMPTY 57u

#define SO_DCEP_OPEN_MAX (12 + 2 * SO_SCTP_NAME_MAX)

typedef enum so_dcep_kind { SO_DCEP_BROKEN, SO_DCEP_ACK, SO_DCEP_OPEN } so_dcep_kind;

/* What a message is. Of an OPEN, channel gets what it says, its names as views of the message. */
so_dcep_kind so_dcep_read(so_slice message, so_sctp_channel *channel);
/* Bytes of the OPEN; the names must be within their limits. */
size_t so_dcep_write_open(uint8_t out[SO_DCEP_OPEN_MAX], const so_sctp_channel *channel);
size_t so_dcep_write_ack(uint8_t out[SO_DCEP_OPEN_MAX]);

#endif
