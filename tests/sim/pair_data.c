/*
 * Messages of a pair's data channels: what is reliable comes out once, whole and, where it is ordered, in order; the
 * rest in order or not at all; and nothing is altered. Each message begins with its number.
 */
#include "pair.h"

#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

#define LEAST 32
/* Channels of an end that are open at once. */
#define OPEN_MAX 6

/* The message of that number of that end: always the same for its length. */
static void fill(unsigned end, uint32_t number, uint8_t *bytes, size_t len)
{
    uint64_t state = ((uint64_t)end << 32 | number) * 0x9e3779b97f4a7c15 + 3;
    so_writer w = so_writer_of(bytes, len);

    so_write_text(&w, SIM_MARKER);
    so_write_u8(&w, (uint8_t)end);
    so_write_u32(&w, number);
    for (uint8_t *at = w.at; at < w.end; at++) {
        state = state * 6364136223846793005 + 1442695040888963407;
        *at = (uint8_t)(state >> 56);
    }
}

static bool read_number(const so_sctp_event *event, uint32_t *number)
{
    so_reader r = so_reader_of(event->bytes.bytes, event->bytes.len);

    (void)so_read_bytes(&r, strlen(SIM_MARKER) + 1);
    *number = so_read_u32(&r);
    return !r.failed;
}

bool sim_side_begin_data(sim_side *e)
{
    sim_data *d = &e->data;

    for (uint16_t id = 0; id < SIM_NEGOTIATED; id++) {
        so_sctp_channel terms = {.negotiated = true, .id = id};
        uint16_t given;

        if (so_peer_open_channel(e->peer, sim_now(), &terms, &given) != SO_OK)
            return false;
        d->channels[d->channel_count++] = (sim_channel){.terms = terms, .id = id, .open = true, .known = true};
    }
    return so_peer_add_data(e->peer) == SO_OK;
}

/* ---- what an end says ---- */

static void open_one(sim_side *e)
{
    sim_data *d = &e->data;
    sim_channel *c = &d->channels[d->channel_count];
    char label[16];
    so_status status;
    unsigned open = 0;

    for (unsigned i = SIM_NEGOTIATED; i < d->channel_count; i++)
        open += d->channels[i].open;
    if (open == OPEN_MAX || d->channel_count == SIM_CHANNELS)
        return;
    *c = (sim_channel){.terms = {.unordered = sim_dice(2) == 0, .reliability = (so_sctp_reliability)sim_dice(3)}};
    if (c->terms.reliability != SO_SCTP_RELIABLE)
        c->terms.limit = c->terms.reliability == SO_SCTP_BY_COUNT ? sim_dice(4) : 50 + sim_dice(500);
    (void)snprintf(label, sizeof label, "%u", d->channel_count);
    c->terms.label = (so_slice){label, strlen(label)};
    status = so_peer_open_channel(e->peer, sim_now(), &c->terms, &c->id);
    c->terms.label = (so_slice){NULL, 0};
    if (status != SO_OK) {
        (void)sim_blame(&e->pair->world, "%c can't open a channel: %s", "AB"[e->number], so_status_name(status));
        return;
    }
    sim_trace(&e->pair->world, "%c opens channel %u as %u: %s, %s", "AB"[e->number], d -> channel_count, c -> id,
              c -> terms.unordered ? "unordered" : "ordered",
              c->terms.reliability == SO_SCTP_RELIABLE ? "reliable" : "partially reliable");
    c->open = true;
    d->channel_count++;
}

static void close_one(sim_side *e)
{
    unsigned of_own = e->data.channel_count - SIM_NEGOTIATED;
    sim_channel *c = of_own == 0 ? NULL : &e->data.channels[SIM_NEGOTIATED + sim_dice(of_own)];

    if (c == NULL || !c->open || c->closing)
        return;
    sim_trace(&e->pair->world, "%c closes channel %u", "AB"[e->number], (unsigned)(c - e->data.channels));
    so_peer_close_channel(e->peer, sim_now(), c->id);
    c->closing = true;
}

static size_t length(const sim_side *e)
{
    /* Where much is lost, much takes minutes. */
    unsigned luck = sim_dice(100), loss = e->pair->world.hosts[0].out.loss + e->pair->world.hosts[1].out.loss;

    if (luck < 80 || loss > 30)
        return LEAST + sim_dice(1200);
    if (luck < 98 || loss > 10)
        return LEAST + sim_dice(16000);
    return luck == 98 ? SO_SCTP_MESSAGE_MAX - sim_dice(2) : SO_SCTP_MESSAGE_MAX / 8 + sim_dice(100000);
}

static void say_one(sim_side *e)
{
    static uint8_t bytes[SO_SCTP_MESSAGE_MAX];
    sim_data *d = &e->data;
    unsigned number = sim_dice(d->channel_count);
    sim_channel *c = &d->channels[number];
    sim_message *m = &d->sent[d->sent_count];
    so_status status;

    if (!c->open || c->closing || d->sent_count == SIM_MESSAGES)
        return;
    *m = (sim_message){.channel = number, .place = c->sent, .len = length(e), .text = sim_dice(2) == 0};
    fill(e->number, d->sent_count, bytes, m->len);
    status = so_peer_send_message(e->peer, sim_now(), c->id, m->text, (so_slice){bytes, m->len});
    if (status == SO_OK) {
        c->sent++;
        d->sent_count++;
    }
    /* There are no other reasons than that it is too early, or that too much waits. */
    if (status != SO_OK && status != SO_TOO_LONG && (status != SO_STATE || d->connected))
        (void)sim_blame(&e->pair->world, "a message is refused: %s", so_status_name(status));
    if (status == SO_OK && so_peer_state_of(e->peer) != SO_PEER_OPEN)
        (void)sim_blame(&e->pair->world, "a message is taken before the end is open");
}

void sim_side_write(sim_side *e)
{
    sim_data *d = &e->data;
    so_msec next = sim_now() + 20 + sim_dice(100);

    d->say_at = next < d->say_until ? next : SIM_NEVER;
    if (d->connected && sim_dice(8) == 0)
        open_one(e);
    else if (d->connected && sim_dice(16) == 0)
        close_one(e);
    else
        say_one(e);
    sim_side_drain(e);
}

/* ---- what it hears ---- */

static bool same_terms(const so_sctp_channel *a, const so_sctp_channel *b)
{
    return a->unordered == b->unordered && a->reliability == b->reliability && a->limit == b->limit;
}

static void take_opened(sim_side *e, const so_sctp_event *event)
{
    sim_data *theirs = &e->pair->ends[1 - e->number].data;
    char label[16];
    unsigned long number;

    (void)snprintf(label, sizeof label, "%.*s", (int)event->opened.label.len,
                   event->opened.label.len == 0 ? "" : (const char *)event->opened.label.bytes);
    number = strtoul(label, NULL, 10);
    if (number < SIM_NEGOTIATED || number >= theirs->channel_count || theirs->channels[number].known ||
        theirs->channels[number].id != event->channel || !same_terms(&theirs->channels[number].terms, &event->opened)) {
        (void)sim_blame(&e->pair->world, "%c gets channel %u (\"%s\"), which nobody opened so", "AB"[e->number],
                        event -> channel, label);
        return;
    }
    theirs->channels[number].known = true;
}

static void take_message(sim_side *e, const so_sctp_event *event)
{
    static uint8_t want[SO_SCTP_MESSAGE_MAX];
    sim_world *world = &e->pair->world;
    sim_data *theirs = &e->pair->ends[1 - e->number].data;
    char name = "AB"[e->number];
    uint32_t number;
    sim_message *m;
    sim_channel *c;

    if (!read_number(event, &number) || number >= theirs->sent_count || theirs->sent[number].len != event->bytes.len ||
        theirs->sent[number].text != event->text) {
        (void)sim_blame(world, "%c reads what was never written (%zu bytes)", name, event->bytes.len);
        return;
    }
    m = &theirs->sent[number];
    c = &theirs->channels[m->channel];
    fill(1 - e->number, number, want, m->len);
    if (memcmp(want, event->bytes.bytes, m->len) != 0)
        (void)sim_blame(world, "message %u came altered to %c", number, name);
    if (m->taken)
        (void)sim_blame(world, "message %u came to %c twice", number, name);
    if (!c->known || c->over || c->id != event->channel)
        (void)sim_blame(world, "message %u came to %c in channel %u", number, name, event->channel);
    if (!c->terms.unordered && m->place < c->next)
        (void)sim_blame(world, "message %u came to %c after a later one", number, name);
    if (!c->terms.unordered && c->terms.reliability == SO_SCTP_RELIABLE && m->place != c->next)
        (void)sim_blame(world, "message %u came to %c, and one before it did not", number, name);
    m->taken = true;
    c->next = m->place + 1;
    c->taken++;
    e->data.taken++;
}

/* Closing waits for what was sent before. */
static void take_closed(sim_side *e, const so_sctp_event *event)
{
    sim_data *mine = &e->data, *theirs = &e->pair->ends[1 - e->number].data;

    for (unsigned i = SIM_NEGOTIATED; i < mine->channel_count; i++)
        if (mine->channels[i].open && mine->channels[i].closing && mine->channels[i].id == event->channel) {
            mine->channels[i].open = false;
            return;
        }
    for (unsigned i = SIM_NEGOTIATED; i < theirs->channel_count; i++) {
        sim_channel *c = &theirs->channels[i];

        if (!c->known || c->over || c->id != event->channel)
            continue;
        c->over = true;
        if (!c->closing)
            (void)sim_blame(&e->pair->world, "channel %u is closed, and nobody did", i);
        if (c->terms.reliability == SO_SCTP_RELIABLE && c->taken != c->sent)
            (void)sim_blame(&e->pair->world, "channel %u is closed after %u of %u messages", i, c->taken, c->sent);
        return;
    }
    (void)sim_blame(&e->pair->world, "%c says that channel %u is closed, which was not open", "AB"[e->number],
                    event -> channel);
}

void sim_side_take_data(sim_side *e, const so_sctp_event *event)
{
    if (so_peer_state_of(e->peer) != SO_PEER_OPEN)
        (void)sim_blame(&e->pair->world, "%c has data and is not open", "AB"[e->number]);
    switch (event->kind) {
    case SO_SCTP_CONNECTED:
        sim_trace(&e->pair->world, "%c has data channels", "AB"[e->number]);
        e->data.connected = true;
        break;
    case SO_SCTP_CHANNEL_OPENED:
        take_opened(e, event);
        break;
    case SO_SCTP_MESSAGE:
        take_message(e, event);
        break;
    case SO_SCTP_CHANNEL_CLOSED:
        take_closed(e, event);
        break;
    case SO_SCTP_BUFFERED_LOW:
        break;
    case SO_SCTP_ENDED:
        (void)sim_blame(&e->pair->world, "the data channels of %c ended: %s", "AB"[e->number],
                        so_peer_data_error(e->peer) -> text);
        break;
    }
}

unsigned sim_side_unread(const sim_side *e)
{
    const sim_data *theirs = &e->pair->ends[1 - e->number].data;
    unsigned missing = 0;

    for (unsigned i = 0; i < theirs->sent_count; i++)
        missing +=
            !theirs->sent[i].taken && theirs->channels[theirs->sent[i].channel].terms.reliability == SO_SCTP_RELIABLE;
    for (unsigned i = 0; i < theirs->channel_count; i++)
        missing += theirs->channels[i].closing && (theirs->channels[i].open || !theirs->channels[i].over);
    return missing;
}
