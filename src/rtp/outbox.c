#include "rtp/outbox.h"

#include <stdlib.h>

#define MAX_SLOTS 16384 /* half of the half-circle of sequence numbers */
#define MAX_PACKET 65535

typedef struct slot {
    bool again; /* asked for */
    uint32_t len;
    so_msec put, left;
} slot;

struct so_outbox {
    size_t size, packet_cap;
    uint16_t next;  /* number of the next packet to be put */
    size_t head;    /* its slot */
    size_t kept;    /* packets before it that are here */
    size_t waiting; /* of those the last ones, which have not left */
    size_t again;   /* of the others so many are asked for */
    size_t bytes;
    uint8_t *packets; /* size × packet_cap */
    slot slots[];
};

so_status so_outbox_new(so_outbox **out, size_t slots, size_t packet_cap)
{
    so_outbox *box;

    *out = NULL;
    if (slots == 0 || slots > MAX_SLOTS || (slots & (slots - 1)) != 0 || packet_cap == 0 || packet_cap > MAX_PACKET)
        return SO_BAD_INPUT;
    box = calloc(1, sizeof *box + slots * sizeof *box->slots);
    if (box == NULL)
        return SO_NO_MEMORY;
    box->packets = malloc(slots * packet_cap);
    if (box->packets == NULL) {
        free(box);
        return SO_NO_MEMORY;
    }
    box->size = slots;
    box->packet_cap = packet_cap;
    *out = box;
    return SO_OK;
}

void so_outbox_free(so_outbox *box)
{
    if (box == NULL)
        return;
    free(box->packets);
    free(box);
}

/* The slot so many before that of the next packet. */
static size_t slot_before(const so_outbox *box, size_t back)
{
    return (box->head - back) & (box->size - 1);
}

static uint8_t *bytes_of(const so_outbox *box, size_t place)
{
    return box->packets + place * box->packet_cap;
}

uint8_t *so_outbox_place(so_outbox *box, size_t ahead)
{
    if (ahead >= box->size - box->waiting)
        return NULL;
    /* What is overwritten can't be asked for any more. */
    while (box->kept + ahead >= box->size) {
        slot *oldest = &box->slots[slot_before(box, box->kept)];

        if (oldest->again) {
            oldest->again = false;
            box->again--;
            box->bytes -= oldest->len;
        }
        box->kept--;
    }
    return bytes_of(box, (box->head + ahead) & (box->size - 1));
}

static void forget(so_outbox *box)
{
    for (size_t i = 0; i < box->size; i++)
        box->slots[i].again = false;
    box->kept = box->waiting = box->again = box->bytes = 0;
}

void so_outbox_put(so_outbox *box, uint16_t seq, size_t len, so_msec now)
{
    if (box->kept > 0 && seq != box->next)
        forget(box);
    box->slots[box->head] = (slot){.len = (uint32_t)len, .put = now};
    box->head = (box->head + 1) & (box->size - 1);
    box->next = (uint16_t)(seq + 1);
    box->kept++;
    box->waiting++;
    box->bytes += len;
}

/* How far before the next packet to be put the one is that leaves next. */
static size_t find_next(const so_outbox *box)
{
    size_t back = box->waiting;

    if (box->again > 0)
        for (back = box->kept; !box->slots[slot_before(box, back)].again;)
            back--;
    return back;
}

bool so_outbox_next(const so_outbox *box, so_outbox_packet *out)
{
    size_t back = find_next(box), place = slot_before(box, back);
    const slot *s = &box->slots[place];

    if (back == 0)
        return false;
    *out = (so_outbox_packet){.bytes = bytes_of(box, place),
                              .len = s->len,
                              .seq = (uint16_t)(box->next - back),
                              .put = s->put,
                              .again = s->again};
    return true;
}

void so_outbox_left(so_outbox *box, so_msec now)
{
    size_t back = find_next(box);
    slot *s = &box->slots[slot_before(box, back)];

    if (back == 0)
        return;
    if (s->again)
        box->again--;
    else
        box->waiting--;
    s->again = false;
    s->left = now;
    box->bytes -= s->len;
}

bool so_outbox_ask(so_outbox *box, uint16_t seq, so_msec now, so_msec round_trip)
{
    uint16_t back = (uint16_t)(box->next - seq);
    slot *s = &box->slots[slot_before(box, back)];

    if (back <= box->waiting || back > box->kept || s->again || now < s->left + round_trip)
        return false;
    s->again = true;
    box->again++;
    box->bytes += s->len;
    return true;
}

size_t so_outbox_bytes(const so_outbox *box)
{
    return box->bytes;
}
