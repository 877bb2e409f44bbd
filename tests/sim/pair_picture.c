/* Pictures of a pair: what comes out is what went in, in order, and nothing that refers to a picture that is missing.
 */
#include "pair.h"

#include <string.h>

#define PICTURE_MS 33
#define PICTURE_TIME 2970 /* of the clock of 90 kHz */
#define KEY_LEN 3000
#define LEAST_LEN 60

/* The picture of that number: always the same for its kind and length. VP8's first bit says what it is (RFC 6386 §9.1).
 */
static void fill(unsigned end, uint32_t number, const sim_picture *p, uint8_t *bytes)
{
    uint64_t state = ((uint64_t)end << 32 | number) * 0x9e3779b97f4a7c15 + 7;
    size_t marker = strlen(SIM_MARKER);

    bytes[0] = p->key ? 0x10 : 0x11;
    memcpy(bytes + 1, SIM_MARKER, marker);
    for (size_t i = 1 + marker; i < p->len; i++) {
        state = state * 6364136223846793005 + 1442695040888963407;
        bytes[i] = (uint8_t)(state >> 56);
    }
}

static size_t length(const sim_side *e, bool key)
{
    const sim_pictures *v = &e->pictures;
    size_t most = v->rate / 8 * PICTURE_MS / 1000 + LEAST_LEN, len = v->sent_count * 7919 % 1500;

    if (key)
        return KEY_LEN + len;
    return LEAST_LEN + (len < most ? len : most);
}

void sim_side_show(sim_side *e)
{
    static uint8_t bytes[KEY_LEN + 1500];
    sim_pictures *v = &e->pictures;
    sim_picture *p = &v->sent[v->sent_count];
    so_peer_frame frame = {.bytes = bytes, .time = v->sent_count * PICTURE_TIME};
    so_status status;

    v->show_at = sim_now() + PICTURE_MS < v->show_until ? sim_now() + PICTURE_MS : SIM_NEVER;
    if (v->sent_count == SIM_PICTURES) {
        (void)sim_blame(&e->pair->world, "more than %d pictures", SIM_PICTURES);
        return;
    }
    p->key = v->key_wanted;
    p->len = frame.len = length(e, p->key);
    frame.key = p->key;
    fill(e->number, v->sent_count, p, bytes);
    status = so_peer_send(e->peer, sim_now(), v->track, &frame);
    /* What is left out is missing in all that follows, up to a key frame. */
    v->key_wanted = status != SO_OK;
    v->sent_count += status == SO_OK;
    sim_trace(&e->pair->world, "%c shows %s of %zu bytes: %s", "AB"[e->number], p -> key ? "a key frame" : "a picture",
              p->len, so_status_name(status));
    if (status != SO_OK && status != SO_NOT_FOUND && status != SO_STATE && status != SO_TOO_LONG)
        (void)sim_blame(&e->pair->world, "a picture is refused: %s", so_status_name(status));
    if (status == SO_OK && so_peer_state_of(e->peer) != SO_PEER_OPEN)
        (void)sim_blame(&e->pair->world, "a picture is taken before the end is open");
    sim_side_drain(e);
}

void sim_side_take_picture(sim_side *e, const so_peer_event *event)
{
    static uint8_t want[KEY_LEN + 1500];
    sim_world *world = &e->pair->world;
    const sim_pictures *theirs = &e->pair->ends[1 - e->number].pictures;
    sim_pictures *v = &e->pictures;
    const so_peer_frame *f = &event->frame;
    char name = "AB"[e->number];
    uint32_t number;

    if (so_peer_state_of(e->peer) != SO_PEER_OPEN)
        (void)sim_blame(world, "%c sees a picture and is not open", name);
    /* The clock begins anywhere: the first picture that is seen says where, by its own contents. */
    for (number = v->any ? v->next : 0; number < theirs->sent_count; number++) {
        const sim_picture *p = &theirs->sent[number];

        if (p->len != f->len || p->key != f->key || (v->any && f->time - v->first_time != number * PICTURE_TIME))
            continue;
        fill(1 - e->number, number, p, want);
        if (memcmp(want, f->bytes, f->len) == 0)
            break;
    }
    if (number >= theirs->sent_count) {
        (void)sim_blame(world, "%c sees what was never shown, or late (%zu bytes)", name, f->len);
        return;
    }
    if (!f->key && (!v->any || number != v->next))
        (void)sim_blame(world, "%c sees picture %u, and %u is missing", name, number, v->next);
    if (!v->any)
        v->first_time = f->time - number * PICTURE_TIME;
    v->any = true;
    v->next = number + 1;
    v->taken++;
}
