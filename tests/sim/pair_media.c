/* Frames of a pair: each one is followed from so_peer_send to the other end's event. */
#include "pair.h"

#include <string.h>

/* 20 ms of Opus */
#define FRAME_TIME 960

void sim_side_talk(sim_side *e)
{
    uint8_t bytes[SIM_FRAME_MOST];
    so_peer_frame frame = {.bytes = bytes, .time = e->sent_count * FRAME_TIME};
    so_status status;

    e->talk_at = sim_now() + SIM_TALK_MS < e->talk_until ? sim_now() + SIM_TALK_MS : SIM_NEVER;
    if (e->sent_count == SIM_FRAMES) {
        (void)sim_blame(&e->pair->world, "more than %d frames", SIM_FRAMES);
        return;
    }
    frame.len = sim_frame_fill(e->number, e->sent_count, bytes);
    e->tag = e->sent_count + 1;
    status = so_peer_send(e->peer, sim_now(), e->track, &frame);
    if (status == SO_OK) {
        e->sent[e->sent_count++].sent_at = sim_now();
        e->refused_at = SIM_NEVER;
    } else if (status == SO_NOT_FOUND && e->refused_at == SIM_NEVER) {
        e->refused_at = sim_now();
        sim_trace(&e->pair->world, "%c may not send", "AB"[e->number]);
    }
    /* Not open, or not wanted: the only other reasons there are. */
    if (status != SO_OK && status != SO_NOT_FOUND && status != SO_STATE)
        (void)sim_blame(&e->pair->world, "a frame is refused: %s", so_status_name(status));
    if (status == SO_OK && so_peer_state_of(e->peer) != SO_PEER_OPEN)
        (void)sim_blame(&e->pair->world, "a frame is taken before the end is open");
    sim_side_drain(e);
}

void sim_side_arrived(sim_side *e, const sim_packet *packet, uint64_t stray_before)
{
    sim_side *other = &e->pair->ends[1 - e->number];
    so_track_facts track;
    so_peer_facts facts;
    sim_sent *s;

    if (packet->tag == 0 || packet->from != other->number || packet->spoiled || packet->tag > other->sent_count)
        return;
    s = &other->sent[packet->tag - 1];
    so_peer_facts_of(e->peer, &facts);
    if (!so_peer_track_facts(e->peer, e->track, &track) || !track.receiving || facts.stray != stray_before ||
        so_peer_state_of(e->peer) != SO_PEER_OPEN || s->arrived)
        return;
    s->arrived = true;
    s->arrived_at = sim_now();
}

void sim_side_take_frame(sim_side *e, const so_peer_event *event)
{
    sim_world *world = &e->pair->world;
    sim_side *other = &e->pair->ends[1 - e->number];
    const so_peer_frame *f = &event->frame;
    char name = "AB"[e->number];
    uint32_t number;

    if (!sim_frame_read(other->number, f->bytes, f->len, &number) || number >= other->sent_count) {
        (void)sim_blame(world, "%c hears what was never said (%zu bytes)", name, f->len);
        return;
    }
    if (so_peer_state_of(e->peer) != SO_PEER_OPEN)
        (void)sim_blame(world, "%c hears a frame and is not open", name);
    if (e->any && number < e->next)
        (void)sim_blame(world, "%c hears frame %u after %u", name, number, e->next - 1);
    if (other->sent[number].taken)
        (void)sim_blame(world, "%c hears frame %u twice", name, number);
    if (e->any && event->lost != number - e->next)
        (void)sim_blame(world, "%c hears of %u lost frames between %u and %u", name, event->lost, e->next - 1, number);
    if (e->any && f->time - e->first_time != number * FRAME_TIME)
        (void)sim_blame(world, "%c hears frame %u at another time than it was said", name, number);
    if (!e->any)
        e->first_time = f->time - number * FRAME_TIME;
    e->first = e->any ? e->first : number;
    e->any = true;
    e->next = number + 1;
    e->taken++;
    other->sent[number].taken = true;
}

bool sim_side_heard_all(const sim_side *e, unsigned *missing)
{
    const sim_side *other = &e->pair->ends[1 - e->number];

    *missing = 0;
    for (uint32_t i = e->any ? e->first : other->sent_count; i < other->sent_count; i++)
        *missing += other->sent[i].arrived && !other->sent[i].taken;
    return *missing == 0;
}
