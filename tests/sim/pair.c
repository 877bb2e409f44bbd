#include "pair.h"

#include "peer/demux.h"
#include "stun/message.h"

#include <stdlib.h>
#include <string.h>

/* A path in doubt is waited for so long, and by B a little longer; src/call does the same. */
#define PATIENCE 2000
/* Flights may be said again for so long after both ends are open. */
#define HANDSHAKE_ECHO 30000
#define STEPS_AT_ONCE 20000

static uint64_t hash_of(so_slice text)
{
    uint64_t hash = 14695981039346656037U; /* FNV-1a */

    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ ((const uint8_t *)text.bytes)[i]) * 1099511628211U;
    return hash;
}

/* The ufrags in USERNAME say of which generation a question is. */
static unsigned generation_of(sim_side *e, so_slice username)
{
    uint64_t hash = hash_of(username);
    unsigned oldest = e->generation_count < SIM_GENERATIONS ? 0 : e->generation_count - SIM_GENERATIONS;

    for (unsigned i = e->generation_count; i > oldest; i--)
        if (e->generations[(i - 1) % SIM_GENERATIONS] == hash)
            return i;
    e->generations[e->generation_count++ % SIM_GENERATIONS] = hash;
    return e->generation_count;
}

static sim_question *find_question(sim_side *e, const uint8_t *id)
{
    uint64_t part;

    memcpy(&part, id, sizeof part);
    for (unsigned i = 0; i < SIM_QUESTIONS; i++)
        if (e->questions[i].generation != 0 && e->questions[i].id == part)
            return &e->questions[i];
    return NULL;
}

static void note_question(sim_side *e, const uint8_t *bytes, size_t len)
{
    so_stun_message m;
    sim_question *q;

    if (so_stun_parse(&m, bytes, len) != SO_OK || m.kind != SO_STUN_REQUEST || m.username.bytes == NULL ||
        find_question(e, m.id) != NULL)
        return;
    q = &e->questions[e->question_count++ % SIM_QUESTIONS];
    *q = (sim_question){.generation = generation_of(e, m.username)};
    memcpy(&q->id, m.id, sizeof q->id);
}

/* A success answer: two class bits, 0x0110 among the type's. One that comes twice, or to a question that was sent
 * twice, counts the first time. */
static void note_answer(sim_side *e, const sim_packet *packet)
{
    sim_question *q;

    if (packet->len < 20 || packet->bytes[0] != 1 || packet->bytes[1] != 1)
        return;
    q = find_question(e, packet->bytes + 8);
    if (q == NULL || q->answered)
        return;
    q->answered = true;
    e->answered_at = sim_now();
    if (q->generation < e->newest_answered)
        return;
    e->newest_answered = q->generation;
    e->newest_answered_at = sim_now();
}

/*
 * FINGERPRINT ends a message of ours: 2 bytes of type, 2 of length, 4 of value. MESSAGE-INTEGRITY does not cover it.
 * With another value or length the answer is discarded (RFC 8489 §6.3), and the next one to that question counts; with
 * another type it is no FINGERPRINT, but something after MESSAGE-INTEGRITY that is ignored (§14.5).
 */
static bool is_authentic(const sim_packet *packet)
{
    return !packet->spoiled || (packet->spoiled_at + 8 >= packet->len && packet->spoiled_at + 6 < packet->len);
}

static void deliver(void *user, unsigned host, const so_address *local, sim_packet *packet)
{
    sim_pair *pair = user;
    sim_side *e = &pair->ends[host];
    so_peer_facts before;

    if (e->peer == NULL)
        return;
    so_peer_facts_of(e->peer, &before);
    if (packet->from != SIM_SERVER && is_authentic(packet))
        note_answer(e, packet);
    if (packet->spoiled && so_demux_of(packet->bytes, packet->len) == SO_DEMUX_DTLS)
        e->spoiled_dtls++;
    so_peer_receive(e->peer, sim_now(), local, &packet->src, packet->bytes, packet->len);
    sim_side_arrived(e, packet, before.stray);
    sim_side_drain(e);
}

bool sim_pair_open(sim_pair *pair, uint64_t seed)
{
    so_error err;

    memset(pair, 0, sizeof *pair);
    sim_begin(seed);
    sim_set(1000 + seed % 5000);
    sim_world_open(&pair->world);
    pair->world.deliver = deliver;
    pair->world.user = pair;
    for (unsigned i = 0; i < 2; i++) {
        sim_side *e = &pair->ends[i];

        e->number = i;
        e->pair = pair;
        e->began_at = e->open_at = e->failed_at = e->path_lost_at = e->restart_at = SIM_NEVER;
        e->talk_at = e->refused_at = e->draft_at = e->pictures.show_at = e->data.say_at = SIM_NEVER;
        e->pictures.rate = 500000;
        e->pictures.key_wanted = true;
        e->pictures.sent = calloc(SIM_PICTURES, sizeof *e->pictures.sent);
        e->sent = calloc(SIM_FRAMES, sizeof *e->sent);
        e->data.sent = calloc(SIM_MESSAGES, sizeof *e->data.sent);
        if (e->sent == NULL || e->pictures.sent == NULL || e->data.sent == NULL)
            return sim_blame(&pair->world, "no memory");
    }
    if (so_engine_open(&pair->engine, &err) != SO_OK)
        return sim_blame(&pair->world, "no engine: %s", err.text);
    return true;
}

static bool start_end(sim_pair *pair, sim_side *e, so_sdp_direction direction)
{
    const sim_host *h = &pair->world.hosts[e->number];
    so_peer_config config = {.engine = &pair->engine,
                             .random = sim_random(),
                             .now = sim_now(),
                             .unix_ms = (uint64_t)SIM_EPOCH * 1000 + sim_now(),
                             .polite = e->number == 1,
                             .abilities = pair->video ? &so_sdp_video : NULL};
    so_error err = {.text = ""};

    e->direction = direction;
    if (so_peer_new(&e->peer, &config, &err) != SO_OK ||
        so_peer_add_track(e->peer, SO_SDP_AUDIO, direction, "stream", "track", &e->track) != SO_OK ||
        (pair->video &&
         so_peer_add_track(e->peer, SO_SDP_VIDEO, direction, "stream", "picture", &e->pictures.track) != SO_OK) ||
        (pair->data && !sim_side_begin_data(e)))
        return sim_blame(&pair->world, "no peer: %s", err.text);
    for (unsigned i = 0; i < h->base_count; i++)
        if (so_peer_add_base(e->peer, sim_now(), &h->bases[i]) != SO_OK)
            return sim_blame(&pair->world, "no base");
    for (unsigned i = 0; i < 2; i++)
        if (pair->world.servers[i].family != 0 &&
            so_peer_add_stun_server(e->peer, sim_now(), &pair->world.servers[i]) != SO_OK)
            return sim_blame(&pair->world, "no server");
    so_peer_no_more_bases(e->peer, sim_now());
    sim_side_drain(e);
    return true;
}

bool sim_pair_start(sim_pair *pair, so_sdp_direction direction)
{
    return start_end(pair, &pair->ends[0], direction) && start_end(pair, &pair->ends[1], direction);
}

void sim_pair_close(sim_pair *pair)
{
    for (unsigned i = 0; i < 2; i++) {
        so_peer_free(pair->ends[i].peer);
        free(pair->ends[i].sent);
        free(pair->ends[i].pictures.sent);
        free(pair->ends[i].data.sent);
        free(pair->ends[i].draft);
    }
    sim_notes_free(pair);
    sim_world_close(&pair->world);
    so_engine_close(&pair->engine);
    sim_end();
}

/* ---- what an end says ---- */

/* No end is open whose own check has not held. */
static void check_open(sim_side *e)
{
    const sim_side *other = &e->pair->ends[1 - e->number];
    so_peer_facts facts, theirs;

    so_peer_facts_of(e->peer, &facts);
    so_peer_facts_of(other->peer, &theirs);
    if (facts.seen.hash == SO_HASH_NONE || !so_fingerprint_equal(&facts.seen, &facts.signaled) ||
        !so_fingerprint_equal(&facts.seen, &theirs.mine))
        (void)sim_blame(&e->pair->world, "%c is open with another certificate than the promised one", "AB"[e->number]);
    if (facts.srtp_profile == NULL || facts.dtls_version == NULL)
        (void)sim_blame(&e->pair->world, "%c is open without keys", "AB"[e->number]);
    e->open_at = sim_now();
}

static void state_event(sim_side *e)
{
    static const char *const names[] = {"awaits remote", "awaits path", "awaits handshake", "open", "closed", "failed"};
    so_peer_state state = so_peer_state_of(e->peer);
    const so_peer_failure *failure = so_peer_failure_of(e->peer);

    sim_trace(&e->pair->world, "%c is: %s%s%s", "AB"[e->number], names[state], failure == NULL ? "" : ": ",
              failure == NULL ? "" : failure->code);
    e->states |= 1U << state;
    if (state == SO_PEER_OPEN)
        check_open(e);
    if (state == SO_PEER_FAILED)
        e->failed_at = sim_now();
}

static void ice_event(sim_side *e)
{
    so_ice_state before = e->ice;
    bool good;

    e->ice = so_peer_ice(e->peer);
    if (e->ice == before)
        return;
    good = e->ice == SO_ICE_CONNECTED || e->ice == SO_ICE_COMPLETED;
    sim_trace(&e->pair->world, "%c path: %s", "AB"[e->number], so_ice_state_name(e->ice));
    if (good) {
        e->restart_at = e->path_lost_at = SIM_NEVER;
        e->settled = e->ice == SO_ICE_COMPLETED;
    }
    if (e->ice != SO_ICE_DISCONNECTED && e->ice != SO_ICE_FAILED)
        return;
    if (e->path_lost_at == SIM_NEVER)
        e->path_lost_at = sim_now();
    if (e->pair->heals && e->open_at != SIM_NEVER)
        e->restart_at = sim_now() + (e->ice == SO_ICE_FAILED ? 0 : PATIENCE) + (e->number == 0 ? 0 : PATIENCE / 2);
}

static void take_event(sim_side *e, const so_peer_event *event)
{
    switch (event->kind) {
    case SO_PEER_STATE_CHANGED:
        state_event(e);
        break;
    case SO_PEER_ICE_CHANGED:
        ice_event(e);
        break;
    case SO_PEER_NEGOTIATE:
        e->must_offer = true;
        break;
    case SO_PEER_CANDIDATE:
        sim_side_candidate(e, event);
        break;
    case SO_PEER_WANT_KEY:
        e->pictures.key_wanted = true;
        break;
    case SO_PEER_DATA:
        sim_side_take_data(e, event->data);
        break;
    case SO_PEER_RATE:
        e->pictures.rate = event->rate;
        sim_trace(&e->pair->world, "%c may send %u bits a second", "AB"[e->number], (unsigned)event -> rate);
        break;
    case SO_PEER_TRACK:
        if (event->track != e->track)
            break;
        sim_trace(&e->pair->world, "%c %s", "AB"[e->number], event -> receiving ? "hears" : "no longer hears");
        e->receiving = event->receiving;
        break;
    case SO_PEER_FRAME:
        if (event->track == e->track)
            sim_side_take_frame(e, event);
        else
            sim_side_take_picture(e, event);
        break;
    case SO_PEER_RELAY_FAILED:
        (void)sim_blame(&e->pair->world, "%c has no relay: %s", "AB"[e->number], event -> relay_code);
        break;
    case SO_PEER_TRACK_BYE:
        e->bye = true;
        break;
    }
}

/* The payload types of our own offers. */
static bool is_sound(uint8_t type)
{
    for (size_t i = 0; i < so_sdp_sound.codec_count; i++)
        if (so_sdp_sound.codecs[i].type == type)
            return true;
    return false;
}

static bool send_all(sim_side *e)
{
    sim_pair *pair = e->pair;
    so_peer_facts facts;
    so_datagram out;
    bool any = false;

    while (so_peer_transmit(e->peer, sim_now(), &out)) {
        bool open = e->open_at != SIM_NEVER || so_peer_state_of(e->peer) == SO_PEER_OPEN;
        bool quiet = sim_pair_is_open(pair) && sim_now() > pair->ends[0].open_at + HANDSHAKE_ECHO &&
                     sim_now() > pair->ends[1].open_at + HANDSHAKE_ECHO;
        bool sound = so_demux_of(out.bytes, out.len) == SO_DEMUX_RTP && is_sound(out.bytes[1] & 0x7f);

        so_peer_facts_of(e->peer, &facts);
        sim_watch_out(&pair->world, &e->watch, open,
                      facts.srtp_profile != NULL && strncmp(facts.srtp_profile, "AEAD", 4) == 0, quiet, out.bytes,
                      out.len);
        note_question(e, out.bytes, out.len);
        sim_world_send(&pair->world, e->number, &out.local, &out.remote, out.bytes, out.len, sound ? e->tag : 0);
        any = true;
    }
    return any;
}

void sim_side_drain(sim_side *e)
{
    so_peer_event event;

    for (unsigned i = 0;; i++) {
        bool any = send_all(e);

        /* What is said belongs to a description: before there is one nobody is told. */
        while (e->begun && so_peer_event_next(e->peer, sim_now(), &event)) {
            take_event(e, &event);
            any = true;
        }
        if (e->must_offer && !e->withholds && so_peer_signaling(e->peer) == SO_SDP_STABLE) {
            sim_side_offer(e);
            any = true;
        }
        if (!any || i > STEPS_AT_ONCE)
            break;
    }
}

/* ---- what is done to it ---- */

void sim_pair_offer(sim_pair *pair, unsigned end)
{
    sim_side_offer(&pair->ends[end]);
    sim_side_drain(&pair->ends[end]);
}

void sim_pair_restart(sim_pair *pair, unsigned end)
{
    sim_side *e = &pair->ends[end];

    if (so_peer_restart_ice(e->peer, sim_now()) == SO_OK) {
        sim_trace(&pair->world, "%c restarts ICE", "AB"[end]);
        e->restarts++;
    }
    sim_side_drain(e);
}

void sim_pair_direct(sim_pair *pair, unsigned end, so_sdp_direction direction)
{
    sim_side *e = &pair->ends[end];

    sim_trace(&pair->world, "%c wants direction %d", "AB"[end], (int)direction);
    e->direction = direction;
    so_peer_direct_track(e->peer, e->track, direction);
    if (pair->video)
        so_peer_direct_track(e->peer, e->pictures.track, direction);
    sim_side_drain(e);
}

void sim_pair_talk(sim_pair *pair, unsigned end, so_msec ms)
{
    sim_side *e = &pair->ends[end];

    e->talk_at = sim_now();
    e->talk_until = e->pictures.show_until = sim_now() + ms;
    e->pictures.show_at = pair->video ? sim_now() : SIM_NEVER;
    e->data.say_until = sim_now() + ms;
    e->data.say_at = pair->data ? sim_now() : SIM_NEVER;
}

void sim_pair_vanish(sim_pair *pair, unsigned end)
{
    sim_trace(&pair->world, "%c is gone", "AB"[end]);
    pair->world.hosts[end].gone = true;
    pair->ends[end].gone = true;
}

void sim_pair_hang_up(sim_pair *pair, unsigned end)
{
    so_peer_close(pair->ends[end].peer, sim_now());
    sim_side_drain(&pair->ends[end]);
}

/* ---- time ---- */

static void sooner(so_msec *at, so_msec when)
{
    if (when < *at)
        *at = when;
}

static so_msec end_next(const sim_side *e)
{
    so_msec at = SIM_NEVER;

    if (e->peer == NULL || e->gone)
        return SIM_NEVER;
    sooner(&at, so_peer_deadline(e->peer, sim_now()));
    sooner(&at, e->talk_at);
    sooner(&at, e->pictures.show_at);
    sooner(&at, e->data.say_at);
    sooner(&at, e->restart_at);
    sooner(&at, e->draft_at);
    return at;
}

static void end_step(sim_side *e)
{
    if (e->peer == NULL || e->gone)
        return;
    if (so_peer_deadline(e->peer, sim_now()) <= sim_now()) {
        so_peer_tick(e->peer, sim_now());
        sim_side_drain(e);
    }
    if (e->restart_at <= sim_now()) {
        e->restart_at = sim_now() + SIM_RESTART_AGAIN;
        sim_pair_restart(e->pair, e->number);
    }
    if (e->talk_at <= sim_now())
        sim_side_talk(e);
    if (e->pictures.show_at <= sim_now())
        sim_side_show(e);
    if (e->data.say_at <= sim_now())
        sim_side_write(e);
    if (e->draft_at <= sim_now()) {
        sim_side_say_draft(e);
        sim_side_drain(e);
    }
}

static so_msec pair_next(const sim_pair *pair)
{
    so_msec at = sim_world_next(&pair->world);

    sooner(&at, sim_notes_next(pair));
    sooner(&at, end_next(&pair->ends[0]));
    sooner(&at, end_next(&pair->ends[1]));
    return at;
}

bool sim_pair_until(sim_pair *pair, bool (*holds)(const sim_pair *pair), so_msec ms)
{
    so_msec until = sim_now() + ms;
    unsigned steps = 0;

    while (sim_is_fine(&pair->world)) {
        so_msec at = pair_next(pair);

        if (holds != NULL && holds(pair))
            return true;
        if (at > until)
            break;
        steps = at > sim_now() ? 0 : steps + 1;
        if (steps > STEPS_AT_ONCE)
            return sim_blame(&pair->world, "a deadline stays in the past (A %lld, B %lld ms)",
                             (long long)(end_next(&pair->ends[0]) - sim_now()),
                             (long long)(end_next(&pair->ends[1]) - sim_now()));
        if (at > sim_now())
            sim_set(at);
        sim_world_step(&pair->world);
        sim_notes_step(pair);
        end_step(&pair->ends[0]);
        end_step(&pair->ends[1]);
    }
    if (until > sim_now())
        sim_set(until);
    return holds == NULL;
}

void sim_pair_run(sim_pair *pair, so_msec ms)
{
    (void)sim_pair_until(pair, NULL, ms);
}

bool sim_pair_is_open(const sim_pair *pair)
{
    return pair->ends[0].open_at != SIM_NEVER && pair->ends[1].open_at != SIM_NEVER;
}

static bool has_path(const sim_side *e)
{
    so_ice_state state = so_peer_ice(e->peer);

    return state == SO_ICE_CONNECTED || state == SO_ICE_COMPLETED;
}

bool sim_pair_has_path(const sim_pair *pair)
{
    return has_path(&pair->ends[0]) && has_path(&pair->ends[1]);
}

bool sim_pair_is_stable(const sim_pair *pair)
{
    for (unsigned i = 0; i < 2; i++)
        if (so_peer_signaling(pair->ends[i].peer) != SO_SDP_STABLE || pair->ends[i].must_offer ||
            pair->ends[i].withholds)
            return false;
    return pair->note_count == 0;
}
