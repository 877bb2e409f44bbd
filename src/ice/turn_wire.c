/* The wire: what goes to a peer is wrapped, what comes from one unwrapped, and a stream cut into messages. */
#include "ice/turn_inside.h"

#include <string.h>

#define CHANNEL_HEADER 4
/* RFC 8656 §12: the first byte of ChannelData is that of a channel number, 0x4000 to 0x4fff. */
#define IS_CHANNEL(byte) (((byte)&0xf0) == 0x40)

static size_t padded(size_t len)
{
    return (len + 3) / 4 * 4;
}

/* ---- out ---- */

/* The permission for a peer, asked for where it is new. The one that was used longest ago makes room. */
static turn_permission *permit(so_turn *t, so_msec now, const so_address *peer)
{
    turn_permission *p = so_turn_permission_of(t, peer), *slot = NULL;

    for (unsigned i = 0; p == NULL && i < TURN_PERMISSIONS; i++) {
        turn_permission *other = &t->permissions[i];

        if (!other->used) {
            slot = other;
            break;
        }
        if (slot == NULL || slot->used_at > other->used_at)
            slot = other;
    }
    if (p == NULL) {
        p = slot;
        *p = (turn_permission){.used = true, .ip = *peer, .until = now + TURN_PERMISSION_MS};
        p->ip.port = 0;
        if (!so_turn_begin(t, now, TURN_FIRST_PERMISSION + (unsigned)(p - t->permissions), SO_STUN_CREATE_PERMISSION))
            p->used = false;
        so_turn_plan(t);
    }
    p->used_at = now;
    return p;
}

/* NULL: there is no room, and no need. */
static turn_channel *bind_channel(so_turn *t, so_msec now, const so_address *peer)
{
    turn_channel *c = so_turn_channel_of(t, peer);

    for (unsigned i = 0; c == NULL && i < TURN_CHANNELS && t->next_number <= TURN_LAST_NUMBER; i++) {
        if (t->channels[i].used)
            continue;
        c = &t->channels[i];
        *c = (turn_channel){.used = true, .number = t->next_number++, .peer = *peer, .until = now + TURN_CHANNEL_MS};
        if (!so_turn_begin(t, now, TURN_FIRST_CHANNEL + i, SO_STUN_CHANNEL_BIND))
            c->used = false;
        so_turn_plan(t);
    }
    if (c != NULL)
        c->used_at = now;
    return c;
}

static void write_channel(const so_turn *t, so_writer *w, const turn_channel *c, so_slice datagram)
{
    static const uint8_t zeros[3];

    so_write_u16(w, c->number);
    so_write_u16(w, (uint16_t)datagram.len);
    so_write_bytes(w, datagram.bytes, datagram.len);
    /* RFC 8656 §12.5: "Over TCP and TLS-over-TCP, the ChannelData message MUST be padded to a multiple of four". */
    if (t->stream)
        so_write_bytes(w, zeros, padded(datagram.len) - datagram.len);
}

so_status so_turn_wrap(so_turn *t, so_msec now, const so_address *remote, bool carries, so_slice datagram, uint8_t *out,
                       size_t cap, size_t *len)
{
    so_writer w = so_writer_of(out, cap);
    turn_channel *c;
    uint8_t id[SO_STUN_ID];

    if (t->state != SO_TURN_ALLOCATED)
        return SO_STATE;
    if (remote->family != t->family || datagram.len > SO_TURN_DATA_MAX)
        return SO_BAD_INPUT;
    c = carries ? bind_channel(t, now, remote) : so_turn_channel_of(t, remote);
    if (c != NULL && c->bound) {
        c->used_at = now;
        write_channel(t, &w, c, datagram);
    } else if (permit(t, now, remote)->refused) {
        return SO_REFUSED;
    } else if (so_random_fill(&t->random, id, sizeof id) != SO_OK) {
        return SO_CRYPTO;
    } else {
        so_stun_begin(&w, SO_STUN_INDICATION, SO_STUN_SEND, id);
        so_stun_put_xor_address(&w, SO_STUN_XOR_PEER_ADDRESS, remote);
        so_stun_put(&w, SO_STUN_DATA, datagram.bytes, datagram.len);
        if (so_stun_end(&w, NULL, false) != SO_OK)
            return SO_TOO_LONG;
    }
    *len = so_writer_len(&w);
    return w.failed ? SO_TOO_LONG : SO_OK;
}

/* ---- in ---- */

/* May that peer say something to us? One that is being asked about may: the server's yes can come behind its data. */
static bool is_permitted(so_turn *t, const so_address *peer)
{
    const turn_permission *p = so_turn_permission_of(t, peer);

    if (p != NULL && !p->refused)
        return true;
    for (unsigned i = 0; i < TURN_CHANNELS; i++)
        if (t->channels[i].used && !t->channels[i].refused && so_address_same_ip(&t->channels[i].peer, peer))
            return true;
    return false;
}

static void take_channel_data(so_turn *t, uint8_t *bytes, size_t len, so_turn_data *data)
{
    so_reader r = so_reader_of(bytes, len);
    uint16_t number = so_read_u16(&r), inside = so_read_u16(&r);

    if (r.failed || inside > so_reader_left(&r) || inside > SO_TURN_DATA_MAX)
        return;
    for (unsigned i = 0; i < TURN_CHANNELS; i++) {
        const turn_channel *c = &t->channels[i];

        if (c->used && !c->refused && c->number == number) {
            *data = (so_turn_data){.remote = c->peer, .bytes = bytes + CHANNEL_HEADER, .len = inside};
            return;
        }
    }
}

static void take_data_indication(so_turn *t, const so_stun_message *m, uint8_t *bytes, so_turn_data *data)
{
    so_slice value = so_stun_find(m, SO_STUN_DATA);
    so_address peer;

    if (value.bytes == NULL || value.len > SO_TURN_DATA_MAX || m->unknown_count > 0 ||
        so_stun_xor_address_of(m, so_stun_find(m, SO_STUN_XOR_PEER_ADDRESS), &peer) != SO_OK || !is_permitted(t, &peer))
        return;
    *data = (so_turn_data){
        .remote = peer, .bytes = bytes + ((const uint8_t *)value.bytes - (const uint8_t *)bytes), .len = value.len};
}

bool so_turn_is_for(const uint8_t *bytes, size_t len)
{
    so_stun_message m;

    if (len < CHANNEL_HEADER)
        return false;
    return IS_CHANNEL(bytes[0]) || (so_stun_parse(&m, bytes, len) == SO_OK && m.method != SO_STUN_BINDING);
}

void so_turn_receive(so_turn *t, so_msec now, uint8_t *bytes, size_t len, so_turn_data *data)
{
    so_stun_message m;

    *data = (so_turn_data){.len = 0};
    if (len < CHANNEL_HEADER || t->state == SO_TURN_RELEASED)
        return;
    if (IS_CHANNEL(bytes[0])) {
        if (t->state == SO_TURN_ALLOCATED)
            take_channel_data(t, bytes, len, data);
        return;
    }
    if (so_stun_parse(&m, bytes, len) != SO_OK)
        return;
    if (m.kind == SO_STUN_SUCCESS || m.kind == SO_STUN_ERROR)
        so_turn_take_answer(t, now, &m);
    else if (m.kind == SO_STUN_INDICATION && m.method == SO_STUN_DATA_OF_PEER && t->state == SO_TURN_ALLOCATED)
        take_data_indication(t, &m, bytes, data);
}

/* How long the message is that begins so; 0: it is none, and the edges of the stream are lost. "HTTP" would be a
 * channel too, but one that was never asked for. */
static size_t frame_len(const so_turn *t)
{
    so_reader r = so_reader_of(t->held, CHANNEL_HEADER);
    uint16_t first = so_read_u16(&r), len = so_read_u16(&r);

    if (first < TURN_FIRST_NUMBER)
        return len % 4 == 0 ? (size_t)SO_STUN_HEADER + len : 0;
    return first < t->next_number ? padded((size_t)CHANNEL_HEADER + len) : 0;
}

static size_t hold(so_turn *t, const uint8_t *bytes, size_t len, size_t until)
{
    size_t n = until - t->held_len < len ? until - t->held_len : len;

    memcpy(t->held + t->held_len, bytes, n);
    t->held_len += n;
    return n;
}

static void lose_edges(so_turn *t)
{
    so_turn_fail(t, "relay-malformed", SO_BAD_INPUT,
                 "what comes from the relay is not TURN; is its port, or what stands before it, the right one?");
    so_turn_plan(t);
}

size_t so_turn_read(so_turn *t, so_msec now, const uint8_t *bytes, size_t len, so_turn_data *data)
{
    size_t taken, whole;

    *data = (so_turn_data){.len = 0};
    if (t->held == NULL || t->state == SO_TURN_FAILED || t->state == SO_TURN_RELEASED)
        return len;
    if (t->skip > 0) {
        taken = t->skip < len ? t->skip : len;
        t->skip -= taken;
        return taken;
    }
    taken = t->held_len < CHANNEL_HEADER ? hold(t, bytes, len, CHANNEL_HEADER) : 0;
    if (t->held_len < CHANNEL_HEADER)
        return taken;
    whole = frame_len(t);
    if (whole == 0) {
        lose_edges(t);
        return len;
    }
    if (whole > TURN_HELD_MAX) { /* as a datagram that is too long: it is let pass */
        t->skip = whole - t->held_len;
        t->held_len = 0;
        return taken;
    }
    taken += hold(t, bytes + taken, len - taken, whole);
    if (t->held_len < whole)
        return taken;
    t->held_len = 0;
    if (!IS_CHANNEL(t->held[0]) && !so_stun_looks_like(t->held, whole)) {
        lose_edges(t);
        return len;
    }
    so_turn_receive(t, now, t->held, whole, data);
    return taken;
}
