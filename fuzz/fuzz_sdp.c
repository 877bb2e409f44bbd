/*
 * sdp: what the other end may say. What parses can be written and read again, and answered; our answer fits it, and the
 * session that took it goes on.
 */
#include "sdp/state.h"

#include <stdlib.h>
#include <string.h>

static uint8_t text[2 * SO_SDP_MAX];

static void must(bool held)
{
    if (!held)
        abort();
}

static void rewrite(const so_sdp *sdp)
{
    so_writer w = so_writer_of(text, SO_SDP_MAX);
    so_sdp_fault fault;
    so_sdp *again;

    if (so_sdp_write(sdp, &w) != SO_OK)
        return; /* a session's lines are said again in each m-line: it may have grown too long */
    must(so_sdp_parse(&again, sdp->type, (char *)text, so_writer_len(&w), &fault, NULL) == SO_OK);
    must(so_fingerprint_equal(&sdp->fingerprint, &again->fingerprint));
    must(sdp->media_count == again->media_count && sdp->tag == again->tag && sdp->setup == again->setup);
    so_sdp_free(again);
}

static void begin(so_sdp_session *s)
{
    so_fingerprint own = {.hash = SO_HASH_SHA256, .bytes = {1}};
    so_sdp_transceiver voice = {.kind = SO_SDP_AUDIO, .direction = SO_SDP_SENDRECV, .track = "t", .ssrc = 1};

    must(so_sdp_session_start(s, &so_sdp_voice, true, 1, &own, "aaaa", "abcdefghijklmnopqrstuv", "end") == SO_OK);
    must(so_sdp_session_add(s, &voice, NULL) == SO_OK);
}

static void answer(const char *bytes, size_t len)
{
    so_writer w = so_writer_of(text, sizeof text);
    so_sdp_agreed agreed;
    so_sdp_taken taken;
    so_sdp_session s;
    so_status status;

    begin(&s);
    must(so_sdp_session_take(&s, SO_SDP_OFFER, bytes, len, &taken, NULL) == SO_OK);
    status = so_sdp_session_answer(&s, &w, NULL);
    must(status == SO_OK || status == SO_TOO_LONG);
    for (size_t i = 0; so_sdp_session_agreed(&s, i, &agreed, NULL) == SO_OK; i++)
        must(!agreed.accepted || (agreed.kind == SO_SDP_AUDIO && agreed.codec_count == 1) ||
             (agreed.kind == SO_SDP_APPLICATION && agreed.local->sctp_port != 0 && agreed.remote->sctp_port != 0));
    if (status == SO_OK && so_sdp_session_lines(&s) > 0 && s.current_local->tag < s.current_local->media_count) {
        w = so_writer_of(text, sizeof text);
        must(so_sdp_session_offer(&s, &w, NULL) == SO_OK);
    }
    so_sdp_session_close(&s);
}

/* The same bytes as the answer to an offer of ours. */
static void take_as_answer(const char *bytes, size_t len)
{
    so_writer w = so_writer_of(text, sizeof text);
    so_sdp_agreed agreed;
    so_sdp_taken taken;
    so_sdp_session s;

    begin(&s);
    must(so_sdp_session_offer(&s, &w, NULL) == SO_OK);
    if (so_sdp_session_take(&s, SO_SDP_ANSWER, bytes, len, &taken, NULL) == SO_OK) {
        must(so_sdp_session_agreed(&s, 0, &agreed, NULL) == SO_OK);
        must(!agreed.accepted || s.own.role == SO_SDP_ACTIVE || s.own.role == SO_SDP_PASSIVE);
        w = so_writer_of(text, sizeof text);
        (void)!so_sdp_session_offer(&s, &w, NULL);
    }
    so_sdp_session_close(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    for (so_sdp_type type = SO_SDP_OFFER; type <= SO_SDP_ANSWER; type++) {
        so_sdp_fault fault;
        so_error err;
        so_sdp *sdp;
        if (so_sdp_parse(&sdp, type, (const char *)bytes, len, &fault, &err) != SO_OK) {
            must(sdp == NULL && fault != SO_SDP_FINE);
            continue;
        }
        must(sdp->fingerprint.hash != SO_HASH_NONE);
        rewrite(sdp);
        so_sdp_free(sdp);
        if (type == SO_SDP_OFFER)
            answer((const char *)bytes, len);
    }
    take_as_answer((const char *)bytes, len);
    return 0;
}
