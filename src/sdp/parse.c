#include "sdp/model.h"

#include <string.h>

so_status so_sdp_bad_line(so_sdp_parser *p, const char *what)
{
    /* Never the line itself: it may hold an address or a password. */
    return so_sdp_fail(p->fault, p->err, SO_SDP_MALFORMED, "line %zu: %s", p->line, what);
}

bool so_sdp_number(const char *text, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;

    if (text == NULL || *text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        uint64_t digit = (uint64_t)(*text - '0');
        if (*text < '0' || *text > '9' || v > (max - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *out = v;
    return v <= max;
}

char *so_sdp_word(char **rest)
{
    char *word = *rest + strspn(*rest, " ");
    size_t len = strcspn(word, " ");

    if (len == 0)
        return NULL;
    *rest = word + len;
    if (**rest != '\0')
        *(*rest)++ = '\0';
    return word;
}

/* The next line of [*at, end) without its end, or NULL. RFC 8866 §5: CRLF, and a lone LF is taken. */
static const char *next_line(const char **at, const char *end, size_t *len)
{
    const char *line = *at, *stop;

    if (line == end)
        return NULL;
    stop = memchr(line, '\n', (size_t)(end - line));
    *at = stop == NULL ? end : stop + 1;
    if (stop == NULL)
        stop = end;
    if (stop > line && stop[-1] == '\r')
        stop--;
    *len = (size_t)(stop - line);
    return line;
}

static bool begins(const char *line, size_t len, const char *with)
{
    size_t n = strlen(with);
    return len >= n && memcmp(line, with, n) == 0;
}

/* An upper bound of what each line can add. */
static void count_line(so_sdp_sizes *n, const char *line, size_t len)
{
    if (begins(line, len, "m=")) {
        n->media++;
        for (size_t i = 0; i < len; i++)
            n->codecs += line[i] == ' ';
    }
    n->feedback += begins(line, len, "a=rtcp-fb:");
    n->extensions += begins(line, len, "a=extmap:");
    n->sources += begins(line, len, "a=ssrc:");
    n->groups += begins(line, len, "a=ssrc-group:");
    n->rids += begins(line, len, "a=rid:");
    n->candidates += begins(line, len, "a=candidate:");
}

static so_status measure(so_sdp_sizes *n, const char *text, size_t len, so_sdp_fault *fault, so_error *err)
{
    const char *at = text, *line;
    size_t line_len, count = 0;

    *n = (so_sdp_sizes){.text = len + 1};
    if (len > SO_SDP_MAX)
        return so_sdp_fail(fault, err, SO_SDP_TOO_LARGE, "it is longer than %zu bytes", SO_SDP_MAX);
    while ((line = next_line(&at, text + len, &line_len)) != NULL) {
        count++;
        for (size_t i = 0; i < line_len; i++)
            if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
                return so_sdp_fail(fault, err, SO_SDP_MALFORMED, "line %zu: a control character", count);
        count_line(n, line, line_len);
    }
    if (n->media > SO_SDP_MEDIA_MAX)
        return so_sdp_fail(fault, err, SO_SDP_TOO_LARGE, "it has more than %d m-lines", SO_SDP_MEDIA_MAX);
    if (n->media == 0)
        return so_sdp_fail(fault, err, SO_SDP_MALFORMED, "it has no m-line");
    return SO_OK;
}

static so_status read_origin(so_sdp_parser *p, char *rest)
{
    const char *user = so_sdp_word(&rest), *id = so_sdp_word(&rest), *version = so_sdp_word(&rest);

    if (user == NULL || id == NULL || !so_sdp_number(version, UINT64_MAX, &p->sdp->version) ||
        so_sdp_word(&rest) == NULL || so_sdp_word(&rest) == NULL || so_sdp_word(&rest) == NULL)
        return so_sdp_bad_line(p, "not an origin (o=)");
    p->sdp->session_id = id;
    return SO_OK;
}

static so_sdp_kind kind_of(const char *name)
{
    return strcmp(name, "audio") == 0         ? SO_SDP_AUDIO
           : strcmp(name, "video") == 0       ? SO_SDP_VIDEO
           : strcmp(name, "application") == 0 ? SO_SDP_APPLICATION
                                              : SO_SDP_OTHER;
}

/* RFC 8827 §6.5, RFC 8841 §4: each of these is under DTLS; RTP/SAVPF and the like are not, and fall to the default. */
static so_sdp_profile profile_of(const char *name)
{
    return strcmp(name, "UDP/TLS/RTP/SAVPF") == 0 ? SO_SDP_SAVPF
           : strcmp(name, "UDP/DTLS/SCTP") == 0   ? SO_SDP_SCTP
                                                  : SO_SDP_UNPROTECTED;
}

/* RFC 3551 §6: payload types that need no rtpmap. */
static so_sdp_codec static_codec(uint8_t type)
{
    static const so_sdp_codec known[] = {
        {0, 1, 8000, "PCMU", NULL},
        {8, 1, 8000, "PCMA", NULL},
        {9, 1, 8000, "G722", NULL},
        {13, 1, 8000, "CN", NULL},
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].type == type)
            return known[i];
    return (so_sdp_codec){.type = type, .channels = 1, .name = ""};
}

/* The payload types of an m-line, each once. The words are read where they are, since formats keeps them all. */
static bool read_types(so_sdp_parser *p, const char *formats)
{
    so_sdp_media *m = p->at;

    while (*formats != '\0') {
        unsigned type = 0;
        size_t len = strcspn(formats, " ");
        if (len == 0 || len > 3 || strspn(formats, "0123456789") < len)
            return false;
        for (size_t i = 0; i < len; i++)
            type = type * 10 + (unsigned)(formats[i] - '0');
        if (type > 127 || so_sdp_codec_of(m, type) != NULL)
            return false;
        m->codecs[m->codec_count++] = static_codec((uint8_t)type);
        p->pools.codecs++;
        formats += len;
        formats += *formats == ' ';
    }
    return true;
}

/* What can only be said once the whole m-line was read. */
static so_status end_media(so_sdp_parser *p)
{
    so_sdp_media *m = p->at;

    if (m == &p->session)
        return SO_OK;
    /* RFC 9143 §6: port 0 in an offer with bundle-only is no rejection. */
    m->rejected = m->port == 0 && !(m->bundle_only && p->sdp->type == SO_SDP_OFFER);
    if (m->profile == SO_SDP_SCTP)
        m->mixed = m->cryptex = false; /* what the session says of RTP is not of this */
    if (m->rejected)
        m->codec_count = 0;
    else if (p->bad_formats)
        return so_sdp_bad_line(p, "the m-line before has something else than payload types");
    return SO_OK;
}

static void begin_media(so_sdp_parser *p)
{
    so_sdp_media *m = &p->sdp->media[p->sdp->media_count++];

    *m = p->session;
    m->max_message_size = 65536; /* RFC 8841 §6.1: "the default value is 64K" */
    m->codecs = p->pools.codecs;
    m->feedback = p->pools.feedback;
    m->extensions = p->pools.extensions;
    m->sources = p->pools.sources;
    m->groups = p->pools.groups;
    m->rids = p->pools.rids;
    m->candidates = p->pools.candidates;
    p->at = m;
    p->said = 0;
    p->bad_formats = false;
}

static so_status read_media(so_sdp_parser *p, char *rest)
{
    so_status status = end_media(p);
    const char *kind = so_sdp_word(&rest), *port_text = so_sdp_word(&rest), *protocol = so_sdp_word(&rest);
    uint64_t port = 0;

    if (status != SO_OK)
        return status;
    if (protocol == NULL || *rest == '\0' || !so_sdp_number(port_text, 65535, &port))
        return so_sdp_bad_line(p, "not a media description (m=)");
    begin_media(p);
    p->at->kind = kind_of(kind);
    p->at->kind_name = kind;
    p->at->port = (uint16_t)port;
    p->at->protocol = protocol;
    p->at->profile = profile_of(protocol);
    p->at->formats = rest;
    if (p->at->profile == SO_SDP_SAVPF)
        p->bad_formats = !read_types(p, rest);
    return SO_OK;
}

static so_status read_line(so_sdp_parser *p, char *line, size_t len)
{
    p->line++;
    if (len == 0 && p->line > 2) /* the first two are what must be there */
        return SO_OK;
    if (len < 2 || line[0] < 'a' || line[0] > 'z' || line[1] != '=')
        return so_sdp_bad_line(p, "not a letter and an equals sign");
    if (p->line == 1)
        return strcmp(line, "v=0") == 0 ? SO_OK : so_sdp_bad_line(p, "not v=0");
    if (p->line == 2)
        return line[0] == 'o' ? read_origin(p, line + 2) : so_sdp_bad_line(p, "not an origin (o=)");
    switch (line[0]) {
    case 'v':
    case 'o':
        return so_sdp_bad_line(p, "said twice");
    case 'k': /* RFC 8866 §5.12 */
        return so_sdp_fail(p->fault, p->err, SO_SDP_SDES, "it carries a key in the open (k=)");
    case 'm':
        return read_media(p, line + 2);
    case 'a':
        return so_sdp_attribute(p, line + 2);
    default:
        return SO_OK;
    }
}

static so_status read_lines(so_sdp_parser *p, char *text, size_t len)
{
    const char *at = text;
    so_status status = SO_OK;
    size_t line_len;

    while (status == SO_OK) {
        const char *line = next_line(&at, text + len, &line_len);
        if (line == NULL)
            break;
        text[(size_t)(line - text) + line_len] = '\0';
        status = read_line(p, text + (line - text), line_len);
    }
    if (status == SO_OK)
        status = end_media(p);
    return status; /* the m-line that measure() saw came after an origin, or status says that it did not */
}

so_status so_sdp_parse(so_sdp **sdp, so_sdp_type type, const char *text, size_t len, so_sdp_fault *fault, so_error *err)
{
    so_sdp_parser p = {.fault = fault, .err = err};
    so_sdp_sizes sizes;
    so_status status;
    char *copy;

    *sdp = NULL;
    *fault = SO_SDP_FINE;
    status = measure(&sizes, text, len, fault, err);
    if (status != SO_OK)
        return status;
    p.sdp = so_sdp_make(&sizes, &p.pools);
    if (p.sdp == NULL)
        return so_fail(err, SO_NO_MEMORY, "media", "no memory is left to read a description; end other programs");
    p.sdp->type = type;
    p.session.direction = SO_SDP_SENDRECV; /* RFC 8866 §6.7: the default */
    p.at = &p.session;
    copy = p.pools.text;
    memcpy(copy, text, len);
    status = read_lines(&p, copy, len);
    if (status == SO_OK)
        status = so_sdp_check(p.sdp, &p.prints, p.bundle, fault, err);
    if (status == SO_OK)
        *sdp = p.sdp;
    else
        so_sdp_free(p.sdp);
    return status;
}
