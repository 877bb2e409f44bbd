#include "sctp/dcep.h"

#include "base/bytes.h"

#define TYPE_ACK 2
#define TYPE_OPEN 3
#define UNORDERED 0x80
/* RFC 8832 §8.2.2; of the use of priorities RFC 8831 §6.4: 256 is "normal". */
#define PRIORITY_NORMAL 256

static bool read_open(so_reader *r, so_sctp_channel *channel)
{
    uint8_t type = so_read_u8(r);
    size_t label, protocol;

    (void)so_read_u16(r); /* the priority: usrsctp sends from all channels in turn */
    *channel = (so_sctp_channel){.unordered = (type & UNORDERED) != 0, .limit = so_read_u32(r)};
    label = so_read_u16(r);
    protocol = so_read_u16(r);
    channel->label = (so_slice){so_read_bytes(r, label), label};
    channel->protocol = (so_slice){so_read_bytes(r, protocol), protocol};
    switch (type & ~UNORDERED) {
    case SO_SCTP_RELIABLE:
    case SO_SCTP_BY_COUNT:
    case SO_SCTP_BY_TIME:
        channel->reliability = (so_sctp_reliability)(type & ~UNORDERED);
        break;
    default:
        return false;
    }
    if (channel->reliability == SO_SCTP_RELIABLE)
        channel->limit = 0; /* RFC 8832 §5.1: to be ignored */
    return !r->failed && so_reader_left(r) == 0 && label <= SO_SCTP_NAME_MAX && protocol <= SO_SCTP_NAME_MAX;
}

so_dcep_kind so_dcep_read(so_slice message, so_sctp_channel *channel)
{
    so_reader r = so_reader_of(message.bytes, message.len);
    uint8_t type = so_read_u8(&r);

    if (r.failed)
        return SO_DCEP_BROKEN;
    if (type == TYPE_ACK)
        return so_reader_left(&r) == 0 ? SO_DCEP_ACK : SO_DCEP_BROKEN;
    return type == TYPE_OPEN && read_open(&r, channel) ? SO_DCEP_OPEN : SO_DCEP_BROKEN;
}

size_t so_dcep_write_open(uint8_t out[SO_DCEP_OPEN_MAX], const so_sctp_channel *channel)
{
    so_writer w = so_writer_of(out, SO_DCEP_OPEN_MAX);

    so_write_u8(&w, TYPE_OPEN);
    so_write_u8(&w, (uint8_t)((unsigned)channel->reliability | (channel->unordered ? UNORDERED : 0u)));
    so_write_u16(&w, PRIORITY_NORMAL);
    so_write_u32(&w, channel->reliability == SO_SCTP_RELIABLE ? 0 : channel->limit);
    so_write_u16(&w, (uint16_t)channel->label.len);
    so_write_u16(&w, (uint16_t)channel->protocol.len);
    so_write_bytes(&w, channel->label.bytes, channel->label.len);
    so_write_bytes(&w, channel->protocol.bytes, channel->protocol.len);
    return so_writer_len(&w);
}

size_t so_dcep_write_ack(uint8_t out[SO_DCEP_OPEN_MAX])
{
    out[0] = TYPE_ACK;
    return 1;
}
