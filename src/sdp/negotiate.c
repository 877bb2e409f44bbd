#include "sdp/match.h"
#include "sdp/model.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* A description under construction. Its own texts are in the model's text pool. */
typedef struct builder {
    const so_sdp_abilities *abilities;
    const so_sdp_own *own;
    so_sdp *sdp;
    so_sdp_pools pools;
    so_writer text;
} builder;

static bool is_rtp(so_sdp_kind kind)
{
    return kind == SO_SDP_AUDIO || kind == SO_SDP_VIDEO;
}

static so_status begin(builder *b, so_sdp_type type, size_t lines)
{
    const so_sdp_abilities *abilities = b->abilities;
    so_sdp_sizes sizes = {.media = lines,
                          .codecs = lines * abilities->codec_count,
                          .extensions = lines * abilities->extension_count,
                          .sources = 2 * lines,
                          .groups = lines,
                          .candidates = b->own->candidate_count};

    if (lines > SO_SDP_MEDIA_MAX || abilities->codec_count > SO_SDP_ABILITIES_MAX ||
        abilities->extension_count > SO_SDP_ABILITIES_MAX)
        return SO_TOO_LONG;
    for (size_t i = 0; i < abilities->codec_count; i++)
        for (size_t k = 0; abilities->codecs[i].feedback != NULL && abilities->codecs[i].feedback[k] != NULL; k++)
            sizes.feedback += lines;
    /* of each m-line: a mid, a payload type of at most 4 characters and an fmtp of at most 8 for each codec */
    sizes.text = 24 + lines * (24 + abilities->codec_count * (4 + 8));
    b->sdp = so_sdp_make(&sizes, &b->pools);
    if (b->sdp == NULL)
        return SO_NO_MEMORY;
    b->text = so_writer_of(b->pools.text, sizes.text);
    b->sdp->type = type;
    b->sdp->session_id = b->pools.text;
    so_write_format(&b->text, "%llu", (unsigned long long)b->own->session_id);
    so_write_u8(&b->text, 0);
    b->sdp->version = b->own->version;
    b->sdp->trickle = true;
    b->sdp->ufrag = b->own->ufrag;
    b->sdp->pwd = b->own->pwd;
    b->sdp->fingerprint = b->own->fingerprint;
    b->sdp->media_count = lines;
    b->sdp->tag = lines;
    return SO_OK;
}

static so_status finish(builder *b, so_writer *w)
{
    so_status status = b->text.failed ? SO_TOO_LONG : SO_OK;

    if (status == SO_OK && b->sdp->tag < b->sdp->media_count) {
        so_sdp_media *tag = &b->sdp->media[b->sdp->tag];
        tag->candidates = b->pools.candidates;
        for (size_t i = 0; i < b->own->candidate_count; i++)
            tag->candidates[tag->candidate_count++] = b->own->candidates[i];
        tag->end_of_candidates = b->own->end_of_candidates;
    }
    if (status == SO_OK)
        status = so_sdp_write(b->sdp, w);
    so_sdp_free(b->sdp);
    return status;
}

/* RFC 9429 §5.3.1: what is rejected keeps its place, its mid and a format. */
static void reject(so_sdp_media *m, const so_sdp_media *like)
{
    *m = (so_sdp_media){.kind = like->kind,
                        .kind_name = like->kind_name,
                        .profile = like->profile,
                        .protocol = like->protocol,
                        .formats = like->formats,
                        .mid = like->mid,
                        .rejected = true};
}

static void add_feedback(builder *b, so_sdp_media *m, const so_sdp_ability *ability, uint8_t type,
                         const so_sdp_media *offered)
{
    for (size_t i = 0; ability->feedback != NULL && ability->feedback[i] != NULL; i++) {
        bool wanted = offered == NULL;
        for (size_t k = 0; !wanted && k < offered->feedback_count; k++)
            wanted = (offered->feedback[k].type == type || offered->feedback[k].type < 0) &&
                     strcmp(offered->feedback[k].what, ability->feedback[i]) == 0;
        if (!wanted)
            continue;
        m->feedback[m->feedback_count++] = (so_sdp_feedback){.type = type, .what = ability->feedback[i]};
        b->pools.feedback++;
    }
}

/* repaired: the payload type that an rtx repairs, or a red repeats. offered: the m-line that is answered, or NULL. */
static void add_codec(builder *b, so_sdp_media *m, const so_sdp_ability *ability, uint8_t type, uint8_t repaired,
                      const so_sdp_media *offered)
{
    so_sdp_codec codec = {.type = type,
                          .channels = ability->channels,
                          .clock = ability->clock,
                          .name = ability->name,
                          .fmtp = ability->fmtp};

    if (ability->repairs != 0) {
        codec.fmtp = (const char *)b->text.at;
        if (strcasecmp(ability->name, "red") == 0)
            so_write_format(&b->text, "%u/%u", repaired, repaired);
        else
            so_write_format(&b->text, "apt=%u", repaired);
        so_write_u8(&b->text, 0);
    }
    m->codecs[m->codec_count++] = codec;
    b->pools.codecs++;
    add_feedback(b, m, ability, type, offered);
}

static void write_formats(builder *b, so_sdp_media *m)
{
    m->formats = (const char *)b->text.at;
    for (size_t i = 0; i < m->codec_count; i++)
        so_write_format(&b->text, i == 0 ? "%u" : " %u", m->codecs[i].type);
    so_write_u8(&b->text, 0);
}

/*
 * RFC 8830 and RFC 5576: which stream and track this is, and what its packets say of themselves. Sources that were once
 * named stay named while nothing is sent: Chromium forgets them else, and shows nothing of them when they come back.
 */
static void add_sources(builder *b, so_sdp_media *m, const so_sdp_transceiver *t)
{
    bool sends = (m->direction & SO_SDP_SENDONLY) != 0;
    const char *stream = t->track == NULL || !sends ? NULL : t->stream == NULL ? "-" : t->stream;
    const uint32_t ssrcs[] = {t->ssrc, t->rtx_ssrc};

    if (!sends && !t->named)
        return;
    m->stream = stream;
    m->track = sends ? t->track : NULL;
    for (size_t i = 0; i < 2 && ssrcs[i] != 0 && b->own->cname != NULL; i++) {
        m->sources[m->source_count++] =
            (so_sdp_source){.ssrc = ssrcs[i], .cname = b->own->cname, .stream = stream, .track = m->track};
        b->pools.sources++;
    }
    if (m->source_count == 2) {
        m->groups[m->group_count++] = (so_sdp_group){.semantics = "FID", .ssrcs = {ssrcs[0], ssrcs[1]}, .count = 2};
        b->pools.groups++;
    }
}

/* What an offer and an answer have alike. */
static void begin_line(builder *b, so_sdp_media *m, const so_sdp_transceiver *t)
{
    static const char *const names[] = {"audio", "video", "application", ""};

    *m = (so_sdp_media){.kind = t->kind,
                        .kind_name = names[t->kind],
                        .profile = is_rtp(t->kind) ? SO_SDP_SAVPF : SO_SDP_SCTP,
                        .protocol = is_rtp(t->kind) ? "UDP/TLS/RTP/SAVPF" : "UDP/DTLS/SCTP",
                        .formats = "webrtc-datachannel",
                        .port = 9,
                        .rtcp_mux = is_rtp(t->kind),
                        .rtcp_rsize = is_rtp(t->kind), /* RFC 5506; RFC 9429 §5.2.1 wants it said */
                        .codecs = b->pools.codecs,
                        .feedback = b->pools.feedback,
                        .extensions = b->pools.extensions,
                        .sources = b->pools.sources,
                        .groups = b->pools.groups};
    if (t->kind == SO_SDP_APPLICATION) {
        m->sctp_port = b->abilities->sctp_port;
        m->max_message_size = b->abilities->max_message_size;
    }
}

/* The numbers that an offer gives to our abilities: those in use stay, the others must not take any in use. */
typedef struct numbers {
    int types[SO_SDP_ABILITIES_MAX]; /* -1: none is free */
    int ids[SO_SDP_ABILITIES_MAX];
} numbers;

static int free_number(const bool *used, int wanted, int from, int to)
{
    if (!used[wanted])
        return wanted;
    for (int i = from; i <= to; i++)
        if (!used[i])
            return i;
    return -1;
}

static int in_use(const so_sdp_abilities *abilities, size_t ability, const so_sdp *previous)
{
    for (size_t i = 0; previous != NULL && i < previous->media_count; i++) {
        const so_sdp_codec *codec = so_sdp_find(abilities, ability, &previous->media[i]);
        if (codec != NULL)
            return codec->type;
    }
    return -1;
}

/* RFC 9429 §5.2.2: payload types keep their meaning for as long as the session lasts. */
static void choose_types(numbers *n, const so_sdp_abilities *abilities, const so_sdp *previous)
{
    bool used[128] = {false};

    for (size_t i = 0; previous != NULL && i < previous->media_count; i++)
        for (size_t k = 0; k < previous->media[i].codec_count; k++)
            used[previous->media[i].codecs[k].type] = true;
    for (size_t i = 0; i < abilities->codec_count; i++) {
        n->types[i] = in_use(abilities, i, previous);
        if (n->types[i] < 0)
            n->types[i] = free_number(used, abilities->codecs[i].type & 127, 96, 127);
        if (n->types[i] < 0) /* RFC 5761 §4: 64 to 95 would look like RTCP */
            n->types[i] = free_number(used, 35, 35, 63);
        if (n->types[i] >= 0)
            used[n->types[i]] = true;
    }
}

/* RFC 8285 §5: so do the ids of extensions. Only 1 to 14 fit the one-byte form (§4.2). */
static void choose_ids(numbers *n, const so_sdp_abilities *abilities, const so_sdp *previous)
{
    bool used[256] = {false};

    for (size_t k = 0; k < abilities->extension_count; k++)
        n->ids[k] = -1;
    for (size_t i = 0; previous != NULL && i < previous->media_count; i++) {
        const so_sdp_media *m = &previous->media[i];
        for (size_t k = 0; k < m->extension_count; k++) {
            size_t ability = so_sdp_extension_ability_of(abilities, m, &m->extensions[k]);
            used[m->extensions[k].id] = true;
            if (ability < abilities->extension_count)
                n->ids[ability] = m->extensions[k].id;
        }
    }
    for (size_t k = 0; k < abilities->extension_count; k++) {
        if (n->ids[k] < 0)
            n->ids[k] = free_number(used, abilities->extensions[k].id, 1, 14);
        if (n->ids[k] >= 0)
            used[n->ids[k]] = true;
    }
}

static void offer_codecs(builder *b, so_sdp_media *m, const numbers *n)
{
    const so_sdp_abilities *abilities = b->abilities;

    for (size_t i = 0; i < abilities->codec_count; i++) {
        const so_sdp_ability *a = &abilities->codecs[i];
        int repaired = -1;
        for (size_t k = 0; a->repairs != 0 && k < abilities->codec_count; k++)
            if (abilities->codecs[k].type == a->repairs && abilities->codecs[k].repairs == 0)
                repaired = n->types[k];
        if (a->kind == m->kind && n->types[i] >= 0 && (a->repairs == 0 || repaired >= 0))
            add_codec(b, m, a, (uint8_t)n->types[i], (uint8_t)(repaired & 127), NULL);
    }
    write_formats(b, m);
    for (size_t i = 0; i < abilities->extension_count; i++) {
        if ((abilities->extensions[i].kinds & 1u << m->kind) == 0 || n->ids[i] < 0)
            continue;
        m->extensions[m->extension_count++] = (so_sdp_extension){.id = (uint8_t)n->ids[i],
                                                                 .direction = abilities->extensions[i].direction,
                                                                 .uri = abilities->extensions[i].uri};
        b->pools.extensions++;
    }
}

/* The lowest number that no m-line before has for a mid. */
static const char *fresh_mid(builder *b, const so_sdp *previous, size_t line)
{
    char mid[24];
    const char *here = (const char *)b->text.at;

    for (size_t n = line;; n++) {
        bool taken = false;
        (void)snprintf(mid, sizeof mid, "%zu", n);
        taken = previous != NULL && so_sdp_media_of(previous, mid) != NULL;
        for (size_t i = 0; i < line && !taken; i++)
            taken = b->sdp->media[i].mid != NULL && strcmp(b->sdp->media[i].mid, mid) == 0;
        if (!taken)
            break;
    }
    so_write_text(&b->text, mid);
    so_write_u8(&b->text, 0);
    return here;
}

bool so_sdp_able(const so_sdp_abilities *abilities, so_sdp_kind kind)
{
    if (kind == SO_SDP_APPLICATION)
        return abilities->sctp_port != 0;
    for (size_t i = 0; i < abilities->codec_count; i++)
        if (abilities->codecs[i].kind == kind && abilities->codecs[i].repairs == 0)
            return true;
    return false;
}

static so_status offer_line(builder *b, size_t i, const so_sdp_transceiver *t, const so_sdp *previous, const numbers *n)
{
    so_sdp_media *m = &b->sdp->media[i];
    const so_sdp_media *before = previous != NULL && i < previous->media_count ? &previous->media[i] : NULL;

    if (t == NULL || t->stopped || !so_sdp_able(b->abilities, t->kind)) {
        if (before == NULL)
            return SO_BAD_INPUT;
        reject(m, before);
        return SO_OK;
    }
    begin_line(b, m, t);
    m->direction = t->direction;
    m->mid = before != NULL && before->mid != NULL ? before->mid : fresh_mid(b, previous, i);
    m->bundled = true;
    if (is_rtp(t->kind))
        offer_codecs(b, m, n);
    add_sources(b, m, t);
    if (b->sdp->tag == b->sdp->media_count || (previous != NULL && i == previous->tag))
        b->sdp->tag = i;
    return SO_OK;
}

so_status so_sdp_write_offer(so_writer *w, const so_sdp_abilities *abilities, const so_sdp_own *own,
                             const so_sdp_transceiver *const *lines, size_t count, const so_sdp *previous)
{
    builder b = {.abilities = abilities, .own = own};
    numbers n;
    so_status status;

    if (count == 0 || (previous != NULL && count < previous->media_count))
        return SO_BAD_INPUT;
    status = begin(&b, SO_SDP_OFFER, count);
    if (status != SO_OK)
        return status;
    /* RFC 8842 §5.5, RFC 9429 §5.2.2: actpass in later offers too; the answerer keeps the role that it has. */
    b.sdp->setup = SO_SDP_ACTPASS;
    choose_types(&n, abilities, previous);
    choose_ids(&n, abilities, previous);
    for (size_t i = 0; i < count && status == SO_OK; i++)
        status = offer_line(&b, i, lines[i], previous, &n);
    if (status != SO_OK) {
        so_sdp_free(b.sdp);
        return status;
    }
    return finish(&b, w);
}

bool so_sdp_acceptable(const so_sdp_abilities *abilities, const so_sdp_media *offered)
{
    if (offered->rejected)
        return false;
    if (offered->kind == SO_SDP_APPLICATION) /* RFC 8841 §5.3: without a port there is nothing to talk to */
        return abilities->sctp_port != 0 && offered->sctp_port != 0;
    for (size_t i = 0; i < abilities->codec_count; i++)
        if (abilities->codecs[i].repairs == 0 && so_sdp_find(abilities, i, offered) != NULL)
            return true;
    return false;
}

so_sdp_setup so_sdp_answer_role(so_sdp_setup offered)
{
    return offered == SO_SDP_ACTIVE ? SO_SDP_PASSIVE : SO_SDP_ACTIVE;
}

/* RFC 3264 §6.1: payload types are those of the offer, and so is the order. */
static void answer_codecs(builder *b, so_sdp_media *m, const so_sdp_media *offered)
{
    const so_sdp_abilities *abilities = b->abilities;

    for (size_t i = 0; i < offered->codec_count; i++) {
        size_t ability = so_sdp_ability_of(abilities, offered, &offered->codecs[i]);
        const so_sdp_codec *repaired = NULL;
        if (ability == abilities->codec_count)
            continue;
        for (size_t k = 0; abilities->codecs[ability].repairs != 0 && k < abilities->codec_count; k++)
            if (abilities->codecs[k].type == abilities->codecs[ability].repairs && abilities->codecs[k].repairs == 0)
                repaired = so_sdp_find(abilities, k, offered);
        add_codec(b, m, &abilities->codecs[ability], offered->codecs[i].type, repaired == NULL ? 0 : repaired->type,
                  offered);
    }
    write_formats(b, m);
}

/* RFC 8285 §5 and §8: the ids of the offer, each way only what both ends do. */
static void answer_extensions(builder *b, so_sdp_media *m, const so_sdp_media *offered)
{
    for (size_t i = 0; i < offered->extension_count; i++) {
        const so_sdp_extension *x = &offered->extensions[i];
        size_t ability = so_sdp_extension_ability_of(b->abilities, offered, x);
        so_sdp_direction direction;
        if (ability == b->abilities->extension_count || x->id > 14)
            continue;
        direction = so_sdp_reverse(x->direction) & b->abilities->extensions[ability].direction;
        if (direction == SO_SDP_INACTIVE)
            continue;
        m->extensions[m->extension_count++] = (so_sdp_extension){.id = x->id, .direction = direction, .uri = x->uri};
        b->pools.extensions++;
    }
}

static void answer_line(builder *b, size_t i, const so_sdp_transceiver *t, const so_sdp *offer)
{
    so_sdp_media *m = &b->sdp->media[i];
    const so_sdp_media *offered = &offer->media[i];

    if (t == NULL || t->stopped || t->kind != offered->kind || !so_sdp_acceptable(b->abilities, offered)) {
        reject(m, offered);
        return;
    }
    begin_line(b, m, t);
    m->profile = offered->profile;
    m->protocol = offered->protocol;
    m->rtcp_rsize = offered->rtcp_rsize; /* RFC 5506 §5.1: only when both ends say it */
    m->direction = so_sdp_reverse(offered->direction) & t->direction;
    m->mid = offered->mid;
    m->bundled = offered->bundled;
    if (is_rtp(t->kind)) {
        answer_codecs(b, m, offered);
        answer_extensions(b, m, offered);
    }
    add_sources(b, m, t);
    if (b->sdp->tag == b->sdp->media_count || i == offer->tag)
        b->sdp->tag = i;
}

so_status so_sdp_write_answer(so_writer *w, const so_sdp_abilities *abilities, const so_sdp_own *own,
                              const so_sdp_transceiver *const *lines, const so_sdp *offer)
{
    builder b = {.abilities = abilities, .own = own};
    so_status status = begin(&b, SO_SDP_ANSWER, offer->media_count);

    if (status != SO_OK)
        return status;
    b.sdp->setup = own->role;
    for (size_t i = 0; i < offer->media_count; i++)
        answer_line(&b, i, lines[i], offer);
    return finish(&b, w);
}
