#include "meeting.h"

#include "peer/demux.h"

#include <stdlib.h>
#include <string.h>

#define STEPS_AT_ONCE 20000
#define SOUND_MS 20
#define RECONNECT_MS 1000
#define SOUND_TIME 960

static void drain(sim_guest *g);

/* ---- datagrams ---- */

static void deliver(void *user, unsigned host, const so_address *local, sim_packet *packet)
{
    sim_meeting *m = user;

    for (unsigned i = 0; i < SIM_GUESTS; i++) {
        sim_guest *g = &m->guests[i];

        if (g->call == NULL || g->host != host ||
            !(so_address_equal(&g->base, local) || so_address_equal(&g->other, local)))
            continue;
        so_call_receive(g->call, sim_now(), local, &packet->src, packet->bytes, packet->len);
        drain(g);
    }
}

/* May media leave this end now? Its peer, and not the call's state, says so: that follows an event later. */
static bool may_send(const sim_guest *g)
{
    const so_peer *peer = so_call_peer(g->call);
    so_peer_facts facts;

    if (peer == NULL)
        return false;
    so_peer_facts_of(peer, &facts);
    return facts.seen.hash != SO_HASH_NONE && so_fingerprint_equal(&facts.seen, &facts.signaled) &&
           (so_peer_state_of(peer) == SO_PEER_OPEN || so_peer_state_of(peer) == SO_PEER_CLOSED);
}

static bool has_aead(const sim_guest *g)
{
    const so_peer *peer = so_call_peer(g->call);
    so_peer_facts facts = {.srtp_profile = NULL};

    if (peer != NULL)
        so_peer_facts_of(peer, &facts);
    return facts.srtp_profile == NULL || strncmp(facts.srtp_profile, "AEAD", 4) == 0;
}

static bool send_all(sim_guest *g)
{
    sim_meeting *m = g->meeting;
    so_datagram out;
    bool any = false;

    while (so_call_transmit(g->call, sim_now(), &out)) {
        sim_watch_out(&m->world, &g->watch, may_send(g), has_aead(g), false, out.bytes, out.len);
        sim_world_send(&m->world, g->host, &out.local, &out.remote, out.bytes, out.len, 0);
        any = true;
    }
    return any;
}

/* ---- sound ---- */

static void talk(sim_guest *g)
{
    uint8_t bytes[SIM_FRAME_MOST];
    so_peer_frame frame = {.bytes = bytes, .time = g->sent * SOUND_TIME};
    so_status status;

    g->talk_at = g->talks ? sim_now() + SOUND_MS : SIM_NEVER;
    if (g->call == NULL || g->sent == SIM_SOUNDS)
        return;
    frame.len = sim_frame_fill(g->number, g->sent, bytes);
    status = so_call_send(g->call, sim_now(), SO_SDP_AUDIO, &frame);
    if (status == SO_OK)
        g->sent++;
    if (status == SO_OK && !may_send(g))
        (void)sim_blame(&g->meeting->world, "%c takes a frame before its check", "ABC"[g->number]);
    drain(g);
}

static void hear(sim_guest *g, const so_call_event *event)
{
    sim_meeting *m = g->meeting;

    for (unsigned i = 0; i < SIM_GUESTS; i++) {
        sim_guest *speaker = &m->guests[i];
        uint32_t number;

        if (i == g->number || !sim_frame_read(i, event->frame.bytes, event->frame.len, &number))
            continue;
        if (number >= speaker->sent || (g->speaker == i && number < g->next) || speaker->heard[number])
            (void)sim_blame(&m->world, "%c hears frame %u of %c out of turn", "ABC"[g->number], number, "ABC"[i]);
        g->speaker = i;
        g->next = number + 1;
        g->taken++;
        if (number < SIM_SOUNDS)
            speaker->heard[number] = true;
        return;
    }
    (void)sim_blame(&m->world, "%c hears what nobody said", "ABC"[g->number]);
}

/* ---- events ---- */

static void take_notice(sim_guest *g, const char *what)
{
    static const char *const words[] = {"path-lost", "signaling-lost", "peer-away", "peer-left"};

    sim_trace(&g->meeting->world, "%c notices: %s", "ABC"[g->number], what);
    (void)snprintf(g->notice, sizeof g->notice, "%s", what);
    for (unsigned i = 0; i < 4; i++)
        if (strcmp(what, words[i]) == 0)
            g->notices |= 1U << i;
}

static void take_state(sim_guest *g, const char *reason)
{
    g->state = so_call_state_of(g->call);
    g->states |= 1U << g->state;
    (void)snprintf(g->reason, sizeof g->reason, "%s", reason);
    sim_trace(&g->meeting->world, "%c is: %s %s", "ABC"[g->number], so_call_state_name(g->state), reason);
    if (g->state == SO_CALL_OPEN) {
        g->open_at = sim_now();
        if (!may_send(g))
            (void)sim_blame(&g->meeting->world, "%c is in a call whose check has not held", "ABC"[g->number]);
    }
    if (so_call_is_over(g->call) && g->over_at == SIM_NEVER)
        g->over_at = sim_now();
}

static void read_line(sim_guest *g, const so_sctp_event *event)
{
    if (event->kind != SO_SCTP_MESSAGE || event->channel != SO_CALL_CHAT)
        return;
    if (g->state != SO_CALL_OPEN)
        (void)sim_blame(&g->meeting->world, "%c reads a line and is not in a call", "ABC"[g->number]);
    g->lines++;
    (void)snprintf(g->last_line, sizeof g->last_line, "%.*s", (int)event->bytes.len, (const char *)event->bytes.bytes);
}

static void drain(sim_guest *g)
{
    so_call_event event;
    const char *text;
    size_t len;
    bool any = true;

    for (unsigned i = 0; any; i++) {
        any = send_all(g);
        while (so_call_text(g->call, &text, &len)) {
            sim_text_put(g->meeting, g->number, true, text, len);
            any = true;
        }
        while (so_call_event_next(g->call, sim_now(), &event)) {
            any = true;
            if (event.kind == SO_CALL_STATE)
                take_state(g, event.reason);
            else if (event.kind == SO_CALL_NOTICE)
                take_notice(g, event.reason);
            else if (event.kind == SO_CALL_FRAME && event.media == SO_SDP_AUDIO)
                hear(g, &event);
            else if (event.kind == SO_CALL_WANT_KEY)
                g->keys_wanted++;
            else if (event.kind == SO_CALL_DATA)
                read_line(g, event.data);
        }
        if (i > STEPS_AT_ONCE) {
            (void)sim_blame(&g->meeting->world, "%c never has said all", "ABC"[g->number]);
            return;
        }
    }
}

/* ---- texts, in order and each on its own connection ---- */

void sim_text_put(sim_meeting *m, unsigned guest, bool to_server, const char *bytes, size_t len)
{
    sim_text *t = &m->texts[m->text_count];

    if (!m->guests[guest].line.up)
        return;
    if (m->text_count == SIM_TEXTS) {
        (void)sim_blame(&m->world, "more than %d texts are under way", SIM_TEXTS);
        return;
    }
    *t = (sim_text){.at = sim_now() + m->line_delay,
                    .order = m->orders++,
                    .guest = guest,
                    .generation = m->guests[guest].line.generation,
                    .to_server = to_server,
                    .len = len,
                    .bytes = malloc(len + 1)};
    if (t->bytes == NULL)
        abort();
    memcpy(t->bytes, bytes, len);
    m->text_count++;
}

static unsigned first_text(const sim_meeting *m)
{
    unsigned first = 0;

    for (unsigned i = 1; i < m->text_count; i++)
        if (m->texts[i].at < m->texts[first].at ||
            (m->texts[i].at == m->texts[first].at && m->texts[i].order < m->texts[first].order))
            first = i;
    return first;
}

static void step_texts(sim_meeting *m)
{
    while (m->text_count > 0) {
        unsigned first = first_text(m);
        sim_text t = m->texts[first];
        sim_guest *g = &m->guests[t.guest];

        if (t.at > sim_now())
            return;
        m->texts[first] = m->texts[--m->text_count];
        if (g->line.up && g->line.generation == t.generation && g->call != NULL) {
            if (t.to_server) {
                sim_server_text(m, t.guest, t.bytes, t.len);
            } else {
                so_call_receive_text(g->call, sim_now(), t.bytes, t.len);
                drain(g);
            }
        }
        free(t.bytes);
    }
}

/* ---- coming and going ---- */

bool sim_meeting_open(sim_meeting *m, uint64_t seed, const sim_link *link)
{
    so_random random;
    so_error err;

    memset(m, 0, sizeof *m);
    sim_begin(seed);
    sim_set(1000 + seed % 5000);
    sim_world_open(&m->world);
    m->world.deliver = deliver;
    m->world.user = m;
    m->line_delay = 30;
    random = sim_random();
    for (unsigned i = 0; i < SIM_GUESTS; i++) {
        sim_guest *g = &m->guests[i];

        g->number = i;
        g->meeting = m;
        so_policy_default(&g->policy);
        g->connect_at = g->closing_at = g->talk_at = g->open_at = g->over_at = SIM_NEVER;
    }
    m->world.hosts[0].out = m->world.hosts[1].out = *link;
    sim_world_base(&m->world, 0, "198.51.100.1", 5000);
    sim_world_base(&m->world, 1, "198.51.100.2", 5001);
    sim_world_base(&m->world, 1, "198.51.100.2", 5002);
    if (so_engine_open(&m->engine, &err) != SO_OK || so_invite_make(&m->invite, &random) != SO_OK)
        return sim_blame(&m->world, "no engine, or no link");
    return sim_server_open(m);
}

void sim_meeting_close(sim_meeting *m)
{
    for (unsigned i = 0; i < SIM_GUESTS; i++)
        so_call_free(m->guests[i].call);
    for (unsigned i = 0; i < m->text_count; i++)
        free(m->texts[i].bytes);
    so_rooms_free(m->rooms);
    sim_world_close(&m->world);
    so_engine_close(&m->engine);
    so_invite_wipe(&m->invite);
    sim_end();
}

static void connect_line(sim_guest *g)
{
    static const so_call_signaling signaling = {"TLSv1.3", "TLS_AES_128_GCM_SHA256", "x25519", NULL};

    g->connect_at = SIM_NEVER;
    if (g->call == NULL || so_call_is_over(g->call))
        return;
    g->line.up = true;
    g->line.generation++;
    so_call_connected(g->call, sim_now(), &signaling);
    drain(g);
}

void sim_meeting_come(sim_meeting *m, unsigned guest, unsigned host)
{
    static const char *const ips[] = {"198.51.100.1", "198.51.100.2"};
    sim_guest *g = &m->guests[guest];
    so_call_config config = {.engine = &m->engine,
                             .random = sim_random(),
                             .invite = &m->invite,
                             .now = sim_now(),
                             .unix_ms = (uint64_t)SIM_EPOCH * 1000 + sim_now(),
                             .sound = {true, true},
                             .picture = {g->pictures, g->pictures},
                             .identity = g->identity,
                             .known = g->known,
                             .expect = g->expect,
                             .policy = &g->policy,
                             .records = g->records,
                             .nobody_compares = g->nobody_compares};
    so_error err = {.text = ""};

    g->host = host;
    g->base = sim_address(ips[host], (uint16_t)(5000 + guest));
    if (so_call_new(&g->call, &config, &err) != SO_OK || so_call_add_base(g->call, sim_now(), &g->base) != SO_OK) {
        (void)sim_blame(&m->world, "no call: %s", err.text);
        return;
    }
    sim_trace(&m->world, "%c comes", "ABC"[guest]);
    connect_line(g);
}

void sim_meeting_lose_base(sim_meeting *m, unsigned guest)
{
    sim_guest *g = &m->guests[guest];

    sim_trace(&m->world, "%c loses its address", "ABC"[guest]);
    so_call_remove_base(g->call, sim_now(), &g->base);
    g->base = g->other;
    g->other = (so_address){0};
    drain(g);
}

void sim_meeting_gain_base(sim_meeting *m, unsigned guest)
{
    sim_guest *g = &m->guests[guest];
    char ip[16];

    (void)snprintf(ip, sizeof ip, "198.51.100.%u", 10 + g->host + 2 * ++g->moves);
    g->other = sim_address(ip, (uint16_t)(6000 + guest));
    sim_world_base(&m->world, g->host, ip, g->other.port);
    sim_trace(&m->world, "%c gains an address", "ABC"[guest]);
    if (so_call_add_base(g->call, sim_now(), &g->other) != SO_OK)
        (void)sim_blame(&m->world, "a base is not taken");
    if (g->base.family == 0) {
        g->base = g->other;
        g->other = (so_address){0};
    }
    drain(g);
}

static void cut_line(sim_meeting *m, sim_guest *g)
{
    sim_server_lost(m, g->number);
    g->line.up = false;
    g->closing_at = SIM_NEVER;
}

void sim_meeting_kill(sim_meeting *m, unsigned guest)
{
    sim_guest *g = &m->guests[guest];

    sim_trace(&m->world, "%c is killed", "ABC"[guest]);
    cut_line(m, g);
    so_call_free(g->call);
    g->call = NULL;
    g->connect_at = g->closing_at = g->talk_at = SIM_NEVER;
}

void sim_meeting_cut(sim_meeting *m, unsigned guest, so_msec away)
{
    sim_guest *g = &m->guests[guest];

    if (g->call == NULL || !g->line.up)
        return;
    sim_trace(&m->world, "the line of %c is cut for %u ms", "ABC"[guest], (unsigned)away);
    cut_line(m, g);
    so_call_disconnected(g->call, sim_now(), "server-unreachable");
    g->connect_at = sim_now() + away;
    drain(g);
}

void sim_meeting_restart_server(sim_meeting *m)
{
    sim_trace(&m->world, "the server starts again");
    for (unsigned i = 0; i < SIM_GUESTS; i++)
        sim_meeting_cut(m, i, 500 + 100 * i);
    (void)sim_server_open(m);
}

void sim_meeting_hang_up(sim_meeting *m, unsigned guest)
{
    so_call_hang_up(m->guests[guest].call, sim_now());
    drain(&m->guests[guest]);
}

void sim_meeting_compare(sim_meeting *m, unsigned guest, bool same)
{
    so_call_compare(m->guests[guest].call, sim_now(), same);
    drain(&m->guests[guest]);
}

void sim_meeting_decide(sim_meeting *m, unsigned guest, bool go_on)
{
    so_call_decide(m->guests[guest].call, sim_now(), go_on);
    drain(&m->guests[guest]);
}

void sim_meeting_chat(sim_meeting *m, unsigned guest, const char *line)
{
    sim_guest *g = &m->guests[guest];

    if (so_call_send_message(g->call, sim_now(), SO_CALL_CHAT, true, (so_slice){line, strlen(line)}) != SO_OK)
        (void)sim_blame(&m->world, "%c can't send a line", "ABC"[guest]);
    drain(g);
}

void sim_meeting_talk(sim_meeting *m, unsigned guest, bool talks)
{
    m->guests[guest].talks = talks;
    m->guests[guest].talk_at = talks ? sim_now() : SIM_NEVER;
}

/* ---- time ---- */

static void sooner(so_msec *at, so_msec when)
{
    if (when < *at)
        *at = when;
}

static so_msec next_of(sim_meeting *m)
{
    so_msec at = sim_world_next(&m->world), rooms = so_rooms_tick(m->rooms, sim_now());

    if (m->text_count > 0)
        sooner(&at, m->texts[first_text(m)].at);
    if (rooms != 0)
        sooner(&at, rooms);
    for (unsigned i = 0; i < SIM_GUESTS; i++) {
        const sim_guest *g = &m->guests[i];

        if (g->call == NULL)
            continue;
        sooner(&at, so_call_deadline(g->call, sim_now()));
        sooner(&at, g->connect_at);
        sooner(&at, g->closing_at);
        sooner(&at, g->talk_at);
    }
    return at;
}

static void step_guest(sim_guest *g)
{
    if (g->call == NULL)
        return;
    if (so_call_deadline(g->call, sim_now()) <= sim_now()) {
        so_call_tick(g->call, sim_now());
        drain(g);
    }
    if (g->closing_at <= sim_now())
        sim_meeting_cut(g->meeting, g->number, RECONNECT_MS);
    if (g->connect_at <= sim_now())
        connect_line(g);
    if (g->talk_at <= sim_now())
        talk(g);
}

static bool run_until(sim_meeting *m, so_msec until, const sim_guest *wanted, so_call_state state)
{
    unsigned steps = 0;

    while (sim_is_fine(&m->world)) {
        so_msec at = next_of(m);

        if (wanted != NULL && wanted->call != NULL && so_call_state_of(wanted->call) == state)
            return true;
        if (at > until)
            break;
        steps = at > sim_now() ? 0 : steps + 1;
        if (steps > STEPS_AT_ONCE)
            return sim_blame(&m->world, "a deadline stays in the past");
        if (at > sim_now())
            sim_set(at);
        sim_world_step(&m->world);
        step_texts(m);
        for (unsigned i = 0; i < SIM_GUESTS; i++)
            step_guest(&m->guests[i]);
    }
    if (until > sim_now())
        sim_set(until);
    return false;
}

void sim_meeting_run(sim_meeting *m, so_msec ms)
{
    (void)run_until(m, sim_now() + ms, NULL, SO_CALL_OPEN);
}

bool sim_meeting_until(sim_meeting *m, unsigned guest, so_call_state state, so_msec ms)
{
    return run_until(m, sim_now() + ms, &m->guests[guest], state);
}
