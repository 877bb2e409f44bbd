#include "api/inside.h"

#include <stdlib.h>
#include <string.h>

#define SAME(mine, theirs) _Static_assert((int)(mine) == (int)(theirs), #mine)
SAME(SOTTO_PEER_AWAITS_REMOTE, SO_PEER_AWAITS_REMOTE);
SAME(SOTTO_PEER_AWAITS_PATH, SO_PEER_AWAITS_PATH);
SAME(SOTTO_PEER_AWAITS_HANDSHAKE, SO_PEER_AWAITS_HANDSHAKE);
SAME(SOTTO_PEER_OPEN, SO_PEER_OPEN);
SAME(SOTTO_PEER_CLOSED, SO_PEER_CLOSED);
SAME(SOTTO_PEER_FAILED, SO_PEER_FAILED);
SAME(SOTTO_SDP_MAX, SO_PEER_SDP_MAX);

#define NO_TRACK SIZE_MAX

struct sotto_peer {
    so_peer *peer;
    so_sdp_choice choice;
    size_t tracks[2]; /* by so_sdp_kind; NO_TRACK: none */
    so_peer_event event;
};

so_peer *api_peer(sotto_peer *p)
{
    return p->peer;
}

static so_address in(const sotto_address *a)
{
    if (a->family != 4 && a->family != 6)
        return (so_address){0}; /* which is refused wherever an address is due */
    return so_address_of(a->ip, a->family == 4 ? 4 : 16, a->port);
}

static sotto_address out_of(const so_address *a)
{
    sotto_address address = {.family = a->family, .port = a->port};

    memcpy(address.ip, a->ip, sizeof address.ip);
    return address;
}

sotto_status sotto_address_parse(sotto_address *address, const char *ip, uint16_t port)
{
    so_address parsed;
    so_status status = so_address_parse(&parsed, ip, port);

    if (status == SO_OK)
        *address = out_of(&parsed);
    return api_status(status);
}

sotto_status sotto_peer_new(sotto_peer **out, sotto_engine *engine, const sotto_peer_options *options,
                            sotto_error *error)
{
    sotto_peer *p = calloc(1, sizeof *p);
    so_peer_config config = {.engine = &engine->media,
                             .random = so_random_system,
                             .now = options->now,
                             .unix_ms = options->unix_ms,
                             .polite = options->polite};
    so_error err = {.layer = "media"};
    so_status status = SO_OK;

    if (p == NULL) {
        status = so_fail(&err, SO_NO_MEMORY, "media", "no memory for a peer; end other programs");
    } else if (!api_choose(&p->choice, options->codecs == 0 ? SOTTO_CODEC(SOTTO_OPUS) : options->codecs)) {
        status =
            so_fail(&err, SO_BAD_INPUT, "media", "none of these codecs is known here; give SOTTO_CODEC(SOTTO_OPUS)");
    } else {
        p->tracks[SO_SDP_AUDIO] = p->tracks[SO_SDP_VIDEO] = NO_TRACK;
        config.abilities = &p->choice.abilities;
        status = so_peer_new(&p->peer, &config, &err);
    }
    *out = p;
    if (status != SO_OK) {
        free(p);
        *out = NULL;
    }
    return api_fail(error, status, &err);
}

void sotto_peer_free(sotto_peer *p)
{
    if (p == NULL)
        return;
    so_peer_free(p->peer);
    free(p);
}

void sotto_peer_close(sotto_peer *p, uint64_t now)
{
    so_peer_close(p->peer, now);
}

sotto_status sotto_peer_add_socket(sotto_peer *p, uint64_t now, const sotto_address *address)
{
    so_address base = in(address);

    return api_status(so_peer_add_base(p->peer, now, &base));
}

sotto_status sotto_peer_add_stun_server(sotto_peer *p, uint64_t now, const sotto_address *server)
{
    so_address address = in(server);

    return api_status(so_peer_add_stun_server(p->peer, now, &address));
}

sotto_status sotto_peer_add_turn_server(sotto_peer *p, uint64_t now, const sotto_address *server, const char *username,
                                        const char *credential)
{
    so_relay_server relay = {
        .way = SO_RELAY_UDP, .address = in(server), .username = username, .credential = credential};

    return api_status(so_peer_add_relay_server(p->peer, now, &relay));
}

void sotto_peer_no_more_sockets(sotto_peer *p, uint64_t now)
{
    so_peer_no_more_bases(p->peer, now);
}

static so_sdp_direction direction_of(bool sends, bool receives)
{
    return (sends ? SO_SDP_SENDONLY : 0) | (receives ? SO_SDP_RECVONLY : 0);
}

static sotto_status add_track(sotto_peer *p, so_sdp_kind kind, bool sends, bool receives)
{
    static const char *const names[] = {[SO_SDP_AUDIO] = "sound", [SO_SDP_VIDEO] = "picture"};

    if (p->tracks[kind] != NO_TRACK)
        return SOTTO_STATE;
    return api_status(
        so_peer_add_track(p->peer, kind, direction_of(sends, receives), "sotto", names[kind], &p->tracks[kind]));
}

static sotto_status direct_track(sotto_peer *p, so_sdp_kind kind, bool sends, bool receives)
{
    if (p->tracks[kind] == NO_TRACK)
        return SOTTO_STATE;
    so_peer_direct_track(p->peer, p->tracks[kind], direction_of(sends, receives));
    return SOTTO_OK;
}

sotto_status sotto_peer_add_audio(sotto_peer *p, bool sends, bool receives)
{
    return add_track(p, SO_SDP_AUDIO, sends, receives);
}

sotto_status sotto_peer_direct_audio(sotto_peer *p, bool sends, bool receives)
{
    return direct_track(p, SO_SDP_AUDIO, sends, receives);
}

sotto_status sotto_peer_add_video(sotto_peer *p, bool shows, bool sees)
{
    return add_track(p, SO_SDP_VIDEO, shows, sees);
}

sotto_status sotto_peer_direct_video(sotto_peer *p, bool shows, bool sees)
{
    return direct_track(p, SO_SDP_VIDEO, shows, sees);
}

sotto_status sotto_peer_offer(sotto_peer *p, uint64_t now, char *sdp, size_t cap, sotto_error *error)
{
    so_error err = {.layer = "media"};

    return api_fail(error, so_peer_offer(p->peer, now, sdp, cap, &err), &err);
}

sotto_status sotto_peer_answer(sotto_peer *p, uint64_t now, char *sdp, size_t cap, sotto_error *error)
{
    so_error err = {.layer = "media"};

    return api_fail(error, so_peer_answer(p->peer, now, sdp, cap, &err), &err);
}

sotto_status sotto_peer_take_offer(sotto_peer *p, uint64_t now, const char *sdp, bool *answer_due, sotto_error *error)
{
    so_sdp_taken taken;
    so_error err = {.layer = "media"};
    so_status status = so_peer_take(p->peer, now, SO_SDP_OFFER, sdp, strlen(sdp), &taken, &err);

    *answer_due = status == SO_OK && !taken.ignored;
    return api_fail(error, status, &err);
}

sotto_status sotto_peer_take_answer(sotto_peer *p, uint64_t now, const char *sdp, sotto_error *error)
{
    so_sdp_taken taken;
    so_error err = {.layer = "media"};

    return api_fail(error, so_peer_take(p->peer, now, SO_SDP_ANSWER, sdp, strlen(sdp), &taken, &err), &err);
}

sotto_status sotto_peer_add_candidate(sotto_peer *p, uint64_t now, const char *candidate, const char *ufrag)
{
    return api_status(so_peer_add_candidate(p->peer, now, candidate, ufrag));
}

sotto_status sotto_peer_restart_ice(sotto_peer *p, uint64_t now)
{
    return api_status(so_peer_restart_ice(p->peer, now));
}

void sotto_peer_receive(sotto_peer *p, uint64_t now, const sotto_address *local, const sotto_address *remote,
                        uint8_t *bytes, size_t len)
{
    so_address own = in(local), theirs = in(remote);

    so_peer_receive(p->peer, now, &own, &theirs, bytes, len);
}

void sotto_peer_tick(sotto_peer *p, uint64_t now)
{
    so_peer_tick(p->peer, now);
}

bool sotto_peer_transmit(sotto_peer *p, uint64_t now, sotto_datagram *out)
{
    so_datagram datagram;

    if (!so_peer_transmit(p->peer, now, &datagram))
        return false;
    *out = (sotto_datagram){out_of(&datagram.local), out_of(&datagram.remote), datagram.bytes, datagram.len};
    return true;
}

bool sotto_peer_event(sotto_peer *p, uint64_t now, sotto_event *out)
{
    const so_peer_event *e = &p->event;

    *out = (sotto_event){.kind = SOTTO_EVENT_OTHER};
    if (!so_peer_event_next(p->peer, now, &p->event))
        return false;
    switch (e->kind) {
    case SO_PEER_STATE_CHANGED:
        out->kind = SOTTO_EVENT_STATE;
        break;
    case SO_PEER_NEGOTIATE:
        out->kind = SOTTO_EVENT_OFFER_DUE;
        break;
    case SO_PEER_CANDIDATE:
        *out =
            (sotto_event){.kind = SOTTO_EVENT_CANDIDATE, .candidate = e->candidate, .mid = e->mid, .ufrag = e->ufrag};
        break;
    case SO_PEER_FRAME:
        out->kind = SOTTO_EVENT_FRAME;
        out->frame = api_frame(&e->frame, e->lost);
        break;
    case SO_PEER_WANT_KEY:
        out->kind = SOTTO_EVENT_KEY_WANTED;
        break;
    case SO_PEER_RATE:
        out->kind = SOTTO_EVENT_RATE;
        out->rate = e->rate;
        break;
    case SO_PEER_DATA:
        out->kind = SOTTO_EVENT_DATA;
        out->data = api_data(e->data);
        break;
    case SO_PEER_ICE_CHANGED:
    case SO_PEER_RELAY_FAILED:
    case SO_PEER_TRACK:
    case SO_PEER_TRACK_BYE:
        break;
    }
    return true;
}

uint64_t sotto_peer_deadline(const sotto_peer *p, uint64_t now)
{
    return so_peer_deadline(p->peer, now);
}

/* How it is called between these two; NULL: not both ends have it. */
static const so_sdp_ability *ability(const sotto_peer *p, sotto_codec codec)
{
    const char *name = api_codec_name(codec);

    return name == NULL ? NULL : so_peer_codec_named(p->peer, p->tracks[api_codec_kind(codec)], name);
}

sotto_status sotto_peer_send(sotto_peer *p, uint64_t now, const sotto_frame *frame)
{
    so_peer_frame out = {
        .bytes = frame->bytes, .len = frame->len, .time = frame->time, .codec = ability(p, frame->codec)};

    if (out.codec == NULL)
        return SOTTO_STATE;
    return api_status(so_peer_send(p->peer, now, p->tracks[api_codec_kind(frame->codec)], &out));
}

bool sotto_peer_takes(const sotto_peer *p, sotto_codec codec)
{
    return ability(p, codec) != NULL;
}

void sotto_peer_want_key(sotto_peer *p)
{
    so_peer_want_key(p->peer, p->tracks[SO_SDP_VIDEO]);
}

sotto_peer_state sotto_peer_state_of(const sotto_peer *p)
{
    return (sotto_peer_state)so_peer_state_of(p->peer);
}

const char *sotto_peer_error(const sotto_peer *p, const char **code)
{
    const so_peer_failure *failure = so_peer_failure_of(p->peer);

    if (code != NULL)
        *code = failure == NULL ? NULL : failure->code;
    return failure == NULL ? NULL : failure->error.text;
}

bool sotto_peer_failure(const sotto_peer *p, sotto_error *error, const char **door)
{
    const so_peer_failure *failure = so_peer_failure_of(p->peer);

    if (door != NULL)
        *door = failure == NULL ? NULL : so_door_name(failure->door);
    if (failure == NULL)
        return false;
    (void)api_fail(error, failure->error.status, &failure->error);
    return true;
}

void sotto_peer_facts(const sotto_peer *p, sotto_facts *out)
{
    so_peer_facts facts;

    _Static_assert(sizeof out->mine >= SO_FINGERPRINT_TEXT_MAX, "any fingerprint fits");
    so_peer_facts_of(p->peer, &facts);
    *out = (sotto_facts){.dtls_version = facts.dtls_version,
                         .dtls_cipher = facts.dtls_cipher,
                         .srtp_profile = facts.srtp_profile,
                         .equal = so_fingerprint_equal(&facts.seen, &facts.signaled)};
    so_fingerprint_text(&facts.mine, out->mine);
    so_fingerprint_text(&facts.seen, out->theirs);
}
