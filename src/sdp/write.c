#include "sdp/sdp.h"

#include <string.h>

/* Texts may be longer than so_write_format takes; these parts may not. */
static void attribute(so_writer *w, const char *name, const char *value)
{
    so_write_text(w, "a=");
    so_write_text(w, name);
    so_write_text(w, value);
    so_write_text(w, "\r\n");
}

static void flag(so_writer *w, const char *name, bool set)
{
    if (set)
        attribute(w, name, "");
}

static void write_fingerprint(so_writer *w, const so_fingerprint *fingerprint)
{
    char text[SO_FINGERPRINT_TEXT_MAX];

    so_fingerprint_text(fingerprint, text);
    attribute(w, "fingerprint:", text);
}

/* RFC 8866 §9 orders the session's lines; groups first among attributes, as browsers have them. */
static void write_session(const so_sdp *sdp, so_writer *w)
{
    bool bundled = false;

    so_write_text(w, "v=0\r\no=- ");
    so_write_text(w, sdp->session_id);
    /* RFC 9429 §5.2.1: no address of ours here */
    so_write_format(w, " %llu IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n", (unsigned long long)sdp->version);
    for (size_t i = 0; i < sdp->media_count; i++)
        bundled |= sdp->media[i].bundled;
    if (bundled) {
        so_write_text(w, "a=group:BUNDLE");
        /* RFC 9143 §7.3: the tagged one first */
        if (sdp->media[sdp->tag].bundled) {
            so_write_text(w, " ");
            so_write_text(w, sdp->media[sdp->tag].mid);
        }
        for (size_t i = 0; i < sdp->media_count; i++) {
            if (!sdp->media[i].bundled || i == sdp->tag)
                continue;
            so_write_text(w, " ");
            so_write_text(w, sdp->media[i].mid);
        }
        so_write_text(w, "\r\n");
    }
    flag(w, "ice-lite", sdp->ice_lite);
    flag(w, "ice-options:trickle", sdp->trickle);
    so_write_text(w, "a=msid-semantic:WMS *\r\n");
    if (sdp->tag == sdp->media_count)
        write_fingerprint(w, &sdp->fingerprint);
}

/* RFC 9143 §7.1.3: what is of the transport is said again in each m-line, as browsers do, so that none needs another.
 */
static void write_transport(const so_sdp *sdp, so_writer *w)
{
    static const char *const setups[] = {"", "actpass", "active", "passive"};

    if (sdp->ufrag != NULL)
        attribute(w, "ice-ufrag:", sdp->ufrag);
    if (sdp->pwd != NULL)
        attribute(w, "ice-pwd:", sdp->pwd);
    write_fingerprint(w, &sdp->fingerprint);
    if (sdp->setup != SO_SDP_NO_SETUP)
        attribute(w, "setup:", setups[sdp->setup]);
}

static void write_candidates(const so_sdp_media *m, so_writer *w)
{
    for (size_t i = 0; i < m->candidate_count; i++)
        attribute(w, m->candidates[i], "");
    flag(w, "end-of-candidates", m->end_of_candidates);
}

static void write_codec(const so_sdp_media *m, const so_sdp_codec *codec, so_writer *w)
{
    if (codec->clock != 0) {
        so_write_format(w, "a=rtpmap:%u ", codec->type);
        so_write_text(w, codec->name);
        so_write_format(w, codec->channels > 1 ? "/%u/%u\r\n" : "/%u\r\n", codec->clock, codec->channels);
    }
    for (size_t i = 0; i < m->feedback_count; i++) {
        if (m->feedback[i].type != codec->type)
            continue;
        so_write_format(w, "a=rtcp-fb:%u ", codec->type);
        so_write_text(w, m->feedback[i].what);
        so_write_text(w, "\r\n");
    }
    if (codec->fmtp != NULL) {
        so_write_format(w, "a=fmtp:%u ", codec->type);
        so_write_text(w, codec->fmtp);
        so_write_text(w, "\r\n");
    }
}

static void write_msid(so_writer *w, const char *stream, const char *track)
{
    so_write_text(w, "msid:");
    so_write_text(w, stream);
    if (track != NULL) {
        so_write_text(w, " ");
        so_write_text(w, track);
    }
    so_write_text(w, "\r\n");
}

static void write_sources(const so_sdp_media *m, so_writer *w)
{
    for (size_t i = 0; i < m->group_count; i++) {
        so_write_text(w, "a=ssrc-group:");
        so_write_text(w, m->groups[i].semantics);
        for (size_t k = 0; k < m->groups[i].count; k++)
            so_write_format(w, " %u", m->groups[i].ssrcs[k]);
        so_write_text(w, "\r\n");
    }
    for (size_t i = 0; i < m->source_count; i++) {
        const so_sdp_source *source = &m->sources[i];
        if (source->cname != NULL) {
            so_write_format(w, "a=ssrc:%u cname:", source->ssrc);
            so_write_text(w, source->cname);
            so_write_text(w, "\r\n");
        }
        if (source->stream != NULL) {
            so_write_format(w, "a=ssrc:%u ", source->ssrc);
            write_msid(w, source->stream, source->track);
        }
    }
}

static void write_rtp(const so_sdp_media *m, so_writer *w)
{
    flag(w, "rtcp-mux", m->rtcp_mux);
    flag(w, "rtcp-rsize", m->rtcp_rsize);
    flag(w, "extmap-allow-mixed", m->mixed);
    flag(w, "cryptex", m->cryptex);
    for (size_t i = 0; i < m->extension_count; i++) {
        const so_sdp_extension *x = &m->extensions[i];
        so_write_format(w, "a=extmap:%u", x->id);
        if (x->direction != SO_SDP_SENDRECV)
            so_write_format(w, "/%s", so_sdp_direction_name(x->direction));
        so_write_text(w, " ");
        so_write_text(w, x->uri);
        so_write_text(w, "\r\n");
    }
    if (m->stream != NULL) {
        so_write_text(w, "a=");
        write_msid(w, m->stream, m->track);
    }
    for (size_t i = 0; i < m->feedback_count; i++)
        if (m->feedback[i].type < 0)
            attribute(w, "rtcp-fb:* ", m->feedback[i].what);
    for (size_t i = 0; i < m->codec_count; i++)
        write_codec(m, &m->codecs[i], w);
    for (size_t i = 0; i < m->rid_count; i++) {
        so_write_text(w, "a=rid:");
        so_write_text(w, m->rids[i].id);
        so_write_text(w, m->rids[i].send ? " send" : " recv");
        if (m->rids[i].restrictions != NULL) {
            so_write_text(w, " ");
            so_write_text(w, m->rids[i].restrictions);
        }
        so_write_text(w, "\r\n");
    }
    if (m->simulcast != NULL)
        attribute(w, "simulcast:", m->simulcast);
    write_sources(m, w);
}

static void write_media(const so_sdp *sdp, const so_sdp_media *m, so_writer *w)
{
    so_write_text(w, "m=");
    so_write_text(w, m->kind_name);
    so_write_format(w, " %u ", m->port);
    so_write_text(w, m->protocol);
    so_write_text(w, " ");
    so_write_text(w, m->formats);
    /* RFC 9429 §5.2.1: port 9 and 0.0.0.0 stand for "candidates will say" */
    so_write_text(w, "\r\nc=IN IP4 0.0.0.0\r\n");
    if (m->mid != NULL)
        attribute(w, "mid:", m->mid);
    if (m->kind != SO_SDP_APPLICATION || m->rejected)
        attribute(w, so_sdp_direction_name(m->rejected ? SO_SDP_INACTIVE : m->direction), "");
    if (m->rejected) {
        /* Nobody needs it (RFC 3264 §6), but GStreamer's webrtcbin refuses the whole description without; Chromium has
         * it too. */
        if (sdp->tag < sdp->media_count)
            write_transport(sdp, w);
        return;
    }
    flag(w, "bundle-only", m->bundle_only);
    write_transport(sdp, w);
    write_candidates(m, w);
    if (m->profile != SO_SDP_SCTP) {
        write_rtp(m, w);
        return;
    }
    if (m->sctp_port != 0)
        so_write_format(w, "a=sctp-port:%u\r\n", m->sctp_port);
    so_write_format(w, "a=max-message-size:%llu\r\n", (unsigned long long)m->max_message_size);
}

so_status so_sdp_write(const so_sdp *sdp, so_writer *w)
{
    write_session(sdp, w);
    for (size_t i = 0; i < sdp->media_count; i++)
        write_media(sdp, &sdp->media[i], w);
    return w->failed ? SO_TOO_LONG : SO_OK;
}
