/* The attributes of RFC 9429's descriptions, one function each. All others are ignored (RFC 8866 §5.13). */
#include "sdp/model.h"

#include <string.h>
#include <strings.h>

/* Attributes that a section may say once: of two, each end could take another. */
enum {
    SAID_UFRAG = 1 << 0,
    SAID_PWD = 1 << 1,
    SAID_SETUP = 1 << 2,
    SAID_MID = 1 << 3,
    SAID_DIRECTION = 1 << 4,
    SAID_SCTP_PORT = 1 << 5,
    SAID_MESSAGE_SIZE = 1 << 6,
    SAID_SIMULCAST = 1 << 7,
};

static bool said_before(so_sdp_parser *p, unsigned what)
{
    bool before = (p->said & what) != 0;

    p->said |= what;
    return before;
}

static so_status too_many(so_sdp_parser *p, const char *what)
{
    return so_sdp_fail(p->fault, p->err, SO_SDP_TOO_LARGE, "line %zu: too many %s in one m-line", p->line, what);
}

/* The letters of RFC 8839 §5.4: ice-char = ALPHA / DIGIT / "+" / "/" */
static so_status read_ice(so_sdp_parser *p, const char *value, size_t least, const char **out)
{
    static const char ice_chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/";
    size_t len = strlen(value);

    if (len < least || len > SO_ICE_TEXT_MAX || strspn(value, ice_chars) != len)
        return so_sdp_fail(p->fault, p->err, SO_SDP_ICE,
                           "line %zu: ICE credentials too short, too long, or with characters that they can't have",
                           p->line);
    *out = value;
    return SO_OK;
}

static so_status read_ufrag(so_sdp_parser *p, char *value)
{
    if (said_before(p, SAID_UFRAG))
        return so_sdp_bad_line(p, "ice-ufrag is said twice");
    return read_ice(p, value, SO_ICE_UFRAG_MIN, &p->at->ufrag);
}

static so_status read_pwd(so_sdp_parser *p, char *value)
{
    if (said_before(p, SAID_PWD))
        return so_sdp_bad_line(p, "ice-pwd is said twice");
    return read_ice(p, value, SO_ICE_PWD_MIN, &p->at->pwd);
}

static so_status read_options(so_sdp_parser *p, char *value)
{
    const char *word;

    while ((word = so_sdp_word(&value)) != NULL)
        p->sdp->trickle |= strcmp(word, "trickle") == 0; /* RFC 8840 §4.1.1 */
    return SO_OK;
}

static so_status read_lite(so_sdp_parser *p, char *value)
{
    (void)value;
    p->sdp->ice_lite = true;
    return SO_OK;
}

static so_status read_setup(so_sdp_parser *p, char *value)
{
    static const char *const names[] = {
        [SO_SDP_ACTPASS] = "actpass", [SO_SDP_ACTIVE] = "active", [SO_SDP_PASSIVE] = "passive"};

    if (said_before(p, SAID_SETUP))
        return so_sdp_bad_line(p, "setup is said twice");
    for (so_sdp_setup setup = SO_SDP_ACTPASS; setup <= SO_SDP_PASSIVE; setup++)
        if (strcmp(value, names[setup]) == 0) {
            p->at->setup = setup;
            return SO_OK;
        }
    /* holdconn too: RFC 8842 §5.1 has no use for it */
    return so_sdp_fail(p->fault, p->err, SO_SDP_SETUP, "line %zu: setup says neither actpass, active nor passive",
                       p->line);
}

static so_status read_group(so_sdp_parser *p, char *value)
{
    const char *semantics = so_sdp_word(&value);

    if (semantics == NULL || strcmp(semantics, "BUNDLE") != 0 || p->at != &p->session)
        return SO_OK;
    if (p->bundle != NULL)
        return so_sdp_fail(p->fault, p->err, SO_SDP_NO_BUNDLE, "it has more than one BUNDLE group");
    p->bundle = value;
    return SO_OK;
}

/* RFC 5888 §4: a token. It is written into our own lines, so nothing else is taken. */
static so_status read_mid(so_sdp_parser *p, char *value)
{
    size_t len = strlen(value);

    if (said_before(p, SAID_MID))
        return so_sdp_bad_line(p, "mid is said twice");
    if (len == 0 || len > SO_SDP_MID_MAX)
        return so_sdp_bad_line(p, "mid is empty or too long");
    for (size_t i = 0; i < len; i++)
        if (value[i] <= ' ' || value[i] >= 0x7f || strchr("\"(),/:;<=>?@[\\]", value[i]) != NULL)
            return so_sdp_bad_line(p, "mid is no token");
    p->at->mid = value;
    return SO_OK;
}

static so_status set_direction(so_sdp_parser *p, so_sdp_direction direction)
{
    if (said_before(p, SAID_DIRECTION))
        return so_sdp_bad_line(p, "the direction is said twice");
    p->at->direction = direction;
    return SO_OK;
}

static so_status read_sendrecv(so_sdp_parser *p, char *value)
{
    (void)value;
    return set_direction(p, SO_SDP_SENDRECV);
}

static so_status read_sendonly(so_sdp_parser *p, char *value)
{
    (void)value;
    return set_direction(p, SO_SDP_SENDONLY);
}

static so_status read_recvonly(so_sdp_parser *p, char *value)
{
    (void)value;
    return set_direction(p, SO_SDP_RECVONLY);
}

static so_status read_inactive(so_sdp_parser *p, char *value)
{
    (void)value;
    return set_direction(p, SO_SDP_INACTIVE);
}

static so_status read_mux(so_sdp_parser *p, char *value)
{
    (void)value;
    p->at->rtcp_mux = true;
    return SO_OK;
}

static so_status read_rsize(so_sdp_parser *p, char *value)
{
    (void)value;
    p->at->rtcp_rsize = true;
    return SO_OK;
}

static so_status read_mixed(so_sdp_parser *p, char *value)
{
    (void)value;
    p->at->mixed = true;
    return SO_OK;
}

static so_status read_cryptex(so_sdp_parser *p, char *value)
{
    (void)value;
    p->at->cryptex = true;
    return SO_OK;
}

static so_status read_bundle_only(so_sdp_parser *p, char *value)
{
    (void)value;
    p->at->bundle_only = p->sdp->type == SO_SDP_OFFER; /* RFC 9143 §6: answers never have it */
    return SO_OK;
}

static so_status read_end(so_sdp_parser *p, char *value)
{
    (void)value;
    p->at->end_of_candidates = true;
    return SO_OK;
}

/* The codec that a line begins with the payload type of; NULL: none that the m-line lists. False: no payload type. */
static bool find_codec(so_sdp_parser *p, char **value, so_sdp_codec **codec)
{
    const char *word = so_sdp_word(value);
    uint64_t type;

    *codec = NULL;
    if (!so_sdp_number(word, 127, &type))
        return false;
    for (size_t i = 0; i < p->at->codec_count; i++)
        if (p->at->codecs[i].type == type)
            *codec = &p->at->codecs[i];
    return true;
}

/* RFC 8866 §6.6: <payload type> <name>/<clock rate>[/<channels>] */
static so_status read_rtpmap(so_sdp_parser *p, char *value)
{
    so_sdp_codec *codec;
    uint64_t clock, channels = 1;
    char *slash, *more;

    if (!find_codec(p, &value, &codec) || (slash = strchr(value, '/')) == NULL || slash == value)
        return so_sdp_bad_line(p, "not an rtpmap");
    *slash = '\0';
    more = strchr(slash + 1, '/');
    if (more != NULL)
        *more = '\0';
    if (!so_sdp_number(slash + 1, UINT32_MAX, &clock) || clock == 0 ||
        (more != NULL && (!so_sdp_number(more + 1, 255, &channels) || channels == 0)))
        return so_sdp_bad_line(p, "not an rtpmap");
    if (codec != NULL) {
        codec->name = value;
        codec->clock = (uint32_t)clock;
        codec->channels = (uint8_t)channels;
    }
    return SO_OK;
}

static so_status read_fmtp(so_sdp_parser *p, char *value)
{
    so_sdp_codec *codec;

    /* Not every fmtp is of a number (RFC 4566 only says "format"); those are of no codec here. */
    if (find_codec(p, &value, &codec) && codec != NULL && codec->fmtp == NULL)
        codec->fmtp = value + strspn(value, " ");
    return SO_OK;
}

static so_status read_feedback(so_sdp_parser *p, char *value)
{
    so_sdp_media *m = p->at;
    const char *word = so_sdp_word(&value);
    uint64_t type = 0;
    bool all = word != NULL && strcmp(word, "*") == 0;

    if (*value == '\0' || (!all && !so_sdp_number(word, 127, &type)))
        return so_sdp_bad_line(p, "not an rtcp-fb");
    if (m->feedback_count == SO_SDP_FEEDBACK_MAX)
        return too_many(p, "rtcp-fb lines");
    m->feedback[m->feedback_count++] = (so_sdp_feedback){.type = all ? -1 : (int)type, .what = value};
    p->pools.feedback++;
    return SO_OK;
}

/* RFC 8285 §8: <id>["/"<direction>] <URI> [<attributes>] */
static so_status read_extmap(so_sdp_parser *p, char *value)
{
    so_sdp_media *m = p->at;
    char *word = so_sdp_word(&value), *uri = so_sdp_word(&value), *slash = word == NULL ? NULL : strchr(word, '/');
    so_sdp_direction direction = SO_SDP_SENDRECV;
    uint64_t id;

    if (slash != NULL) {
        *slash = '\0';
        for (direction = SO_SDP_INACTIVE; direction <= SO_SDP_SENDRECV; direction++)
            if (strcmp(slash + 1, so_sdp_direction_name(direction)) == 0)
                break;
    }
    if (uri == NULL || direction > SO_SDP_SENDRECV || !so_sdp_number(word, 4351, &id) || id == 0 ||
        (id > 255 && id < 4096))
        return so_sdp_bad_line(p, "not an extmap");
    if (id > 255) /* RFC 8285 §6: an id that is still to be chosen; we need none of those */
        return SO_OK;
    if (m->extension_count == SO_SDP_EXTENSIONS_MAX)
        return too_many(p, "extmap lines");
    m->extensions[m->extension_count++] = (so_sdp_extension){.id = (uint8_t)id, .direction = direction, .uri = uri};
    p->pools.extensions++;
    return SO_OK;
}

static so_sdp_source *find_source(so_sdp_parser *p, uint32_t ssrc)
{
    so_sdp_media *m = p->at;

    for (size_t i = 0; i < m->source_count; i++)
        if (m->sources[i].ssrc == ssrc)
            return &m->sources[i];
    if (m->source_count == SO_SDP_SOURCES_MAX)
        return NULL;
    p->pools.sources++;
    m->sources[m->source_count] = (so_sdp_source){.ssrc = ssrc};
    return &m->sources[m->source_count++];
}

static void read_msid_words(char *value, const char **stream, const char **track)
{
    *stream = so_sdp_word(&value);
    *track = so_sdp_word(&value);
}

/* RFC 5576 §4.1: <ssrc> <attribute>[:<value>] */
static so_status read_ssrc(so_sdp_parser *p, char *value)
{
    const char *word = so_sdp_word(&value);
    so_sdp_source *source;
    uint64_t ssrc;

    if (!so_sdp_number(word, UINT32_MAX, &ssrc))
        return so_sdp_bad_line(p, "not an ssrc");
    source = find_source(p, (uint32_t)ssrc);
    if (source == NULL)
        return too_many(p, "ssrc lines");
    if (strncmp(value, "cname:", 6) == 0 && source->cname == NULL)
        source->cname = value + 6;
    else if (strncmp(value, "msid:", 5) == 0 && source->stream == NULL)
        read_msid_words(value + 5, &source->stream, &source->track);
    return SO_OK;
}

/* RFC 5576 §4.2: <semantics> <ssrc> ... */
static so_status read_ssrc_group(so_sdp_parser *p, char *value)
{
    so_sdp_media *m = p->at;
    so_sdp_group group = {.semantics = so_sdp_word(&value)};
    const char *word;

    if (group.semantics == NULL)
        return so_sdp_bad_line(p, "not an ssrc-group");
    while ((word = so_sdp_word(&value)) != NULL) {
        uint64_t ssrc;
        if (!so_sdp_number(word, UINT32_MAX, &ssrc))
            return so_sdp_bad_line(p, "not an ssrc-group");
        if (group.count == SO_SDP_GROUP_SOURCES_MAX)
            return too_many(p, "ssrcs of one ssrc-group");
        group.ssrcs[group.count++] = (uint32_t)ssrc;
    }
    if (m->group_count == SO_SDP_GROUPS_MAX)
        return too_many(p, "ssrc-group lines");
    m->groups[m->group_count++] = group;
    p->pools.groups++;
    return SO_OK;
}

static so_status read_msid(so_sdp_parser *p, char *value)
{
    if (p->at->stream == NULL)
        read_msid_words(value, &p->at->stream, &p->at->track);
    return SO_OK;
}

/* RFC 8851 §10: <id> send|recv [<restrictions>] */
static so_status read_rid(so_sdp_parser *p, char *value)
{
    so_sdp_media *m = p->at;
    const char *id = so_sdp_word(&value), *way = so_sdp_word(&value);

    if (way == NULL || (strcmp(way, "send") != 0 && strcmp(way, "recv") != 0))
        return so_sdp_bad_line(p, "not a rid");
    if (m->rid_count == SO_SDP_RIDS_MAX)
        return too_many(p, "rid lines");
    m->rids[m->rid_count++] =
        (so_sdp_rid){.id = id, .send = way[0] == 's', .restrictions = *value == '\0' ? NULL : value};
    p->pools.rids++;
    return SO_OK;
}

static so_status read_simulcast(so_sdp_parser *p, char *value)
{
    if (said_before(p, SAID_SIMULCAST))
        return so_sdp_bad_line(p, "simulcast is said twice");
    p->at->simulcast = value;
    return SO_OK;
}

static so_status read_sctp_port(so_sdp_parser *p, char *value)
{
    uint64_t port;

    if (said_before(p, SAID_SCTP_PORT) || !so_sdp_number(value, 65535, &port))
        return so_sdp_bad_line(p, "sctp-port is said twice, or is no port");
    p->at->sctp_port = (uint16_t)port;
    return SO_OK;
}

static so_status read_message_size(so_sdp_parser *p, char *value)
{
    if (said_before(p, SAID_MESSAGE_SIZE) || !so_sdp_number(value, UINT64_MAX, &p->at->max_message_size))
        return so_sdp_bad_line(p, "max-message-size is said twice, or is no number");
    return SO_OK;
}

static so_status read_candidate(so_sdp_parser *p, char *value)
{
    so_sdp_media *m = p->at;

    if (m->candidate_count == SO_SDP_CANDIDATES_MAX)
        return too_many(p, "candidates");
    value[-1] = ':'; /* the line whole again: the ICE module reads it */
    m->candidates[m->candidate_count++] = value - strlen("candidate:");
    p->pools.candidates++;
    return SO_OK;
}

enum { FLAG = 0, VALUE = 1, MEDIA = 2, OF_MEDIA = VALUE | MEDIA };

static const struct {
    const char *name;
    int form; /* VALUE: has one, else it stands alone. MEDIA: means something in an m-line only. */
    so_status (*read)(so_sdp_parser *p, char *value);
} attributes[] = {
    {"bundle-only", MEDIA, read_bundle_only},
    {"candidate", OF_MEDIA, read_candidate},
    {"cryptex", FLAG, read_cryptex},
    {"end-of-candidates", FLAG, read_end},
    {"extmap", OF_MEDIA, read_extmap},
    {"extmap-allow-mixed", FLAG, read_mixed},
    {"fmtp", OF_MEDIA, read_fmtp},
    {"group", VALUE, read_group},
    {"ice-lite", FLAG, read_lite},
    {"ice-options", VALUE, read_options},
    {"ice-pwd", VALUE, read_pwd},
    {"ice-ufrag", VALUE, read_ufrag},
    {"inactive", FLAG, read_inactive},
    {"max-message-size", OF_MEDIA, read_message_size},
    {"mid", OF_MEDIA, read_mid},
    {"msid", OF_MEDIA, read_msid},
    {"recvonly", FLAG, read_recvonly},
    {"rid", OF_MEDIA, read_rid},
    {"rtcp-fb", OF_MEDIA, read_feedback},
    {"rtcp-mux", MEDIA, read_mux},
    {"rtcp-rsize", MEDIA, read_rsize},
    {"rtpmap", OF_MEDIA, read_rtpmap},
    {"sctp-port", OF_MEDIA, read_sctp_port},
    {"sendonly", FLAG, read_sendonly},
    {"sendrecv", FLAG, read_sendrecv},
    {"setup", VALUE, read_setup},
    {"simulcast", OF_MEDIA, read_simulcast},
    {"ssrc", OF_MEDIA, read_ssrc},
    {"ssrc-group", OF_MEDIA, read_ssrc_group},
};

/* Is the line of this name, whatever its case and whatever ends the name? What guards keys is not to be spelt around.
 */
static bool named(const char *text, const char *name)
{
    size_t len = strlen(name);
    unsigned char next;

    if (strncasecmp(text, name, len) != 0)
        return false;
    next = (unsigned char)text[len];
    return !(next == '_' || (next >= '0' && next <= '9') || (next >= 'a' && next <= 'z') ||
             (next >= 'A' && next <= 'Z'));
}

so_status so_sdp_attribute(so_sdp_parser *p, char *text)
{
    char *colon;

    if (named(text, "crypto"))
        return so_sdp_fail(p->fault, p->err, SO_SDP_SDES, "it carries media keys in the open (a=crypto)");
    if (named(text, "fingerprint")) {
        static const char name[] = "fingerprint:";
        size_t section = p->at == &p->session ? 0 : p->sdp->media_count;
        if (strncmp(text, name, sizeof name - 1) != 0)
            return so_sdp_fail(p->fault, p->err, SO_SDP_FINGERPRINT_MALFORMED, "a fingerprint is not written as one");
        return so_sdp_prints_add(&p->prints, section, text + sizeof name - 1, p->fault, p->err);
    }
    colon = strchr(text, ':');
    if (colon != NULL)
        *colon = '\0';
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
        if (strcmp(text, attributes[i].name) != 0)
            continue;
        if ((attributes[i].form & MEDIA) != 0 && p->at == &p->session)
            return SO_OK;
        if (((attributes[i].form & VALUE) != 0) != (colon != NULL))
            return so_sdp_bad_line(p, "an attribute without its value, or with one that it can't have");
        return attributes[i].read(p, colon == NULL ? NULL : colon + 1);
    }
    return SO_OK;
}
