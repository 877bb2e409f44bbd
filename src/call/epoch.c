/* What goes on in an epoch of the seal (docs/protocol.md, section 4): payloads opened and sealed. */
#include "call/inside.h"

#include "base/text.h"
#include "trust/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLAIN_MAX 32768

static void put_counts(so_call *c)
{
    so_report_put_number(&c->report, SO_DOOR_SEAL, "sealed", c->sealed);
    so_report_put_number(&c->report, SO_DOOR_SEAL, "opened", c->opened);
    so_report_put_number(&c->report, SO_DOOR_SEAL, "stale", c->seal.stale);
}

bool so_call_seal(so_call *c, so_msec now, so_seal_kind kind, so_slice text, so_slice offer)
{
    uint8_t *payload;
    size_t len;
    so_status status;

    (void)now;
    if (c->seal.state != SO_SEAL_IN_EPOCH)
        return false;
    payload = malloc(text.len + SO_SEAL_OVERHEAD);
    if (payload == NULL) {
        c->starved = true;
        return false;
    }
    status = so_seal_make(&c->seal, kind, text, offer, payload, &len);
    if (status == SO_OK) {
        c->sealed++;
        so_call_deliver(c, payload, len);
        put_counts(c);
    }
    free(payload);
    return status == SO_OK;
}

bool so_call_shares(const so_call *c, so_sdp_kind kind)
{
    return c->wishes[kind].sends && !c->muted[kind];
}

void so_call_say_state(so_call *c, so_msec now)
{
    uint8_t bytes[256];
    so_writer w = so_writer_of(bytes, sizeof bytes);
    const char *running =
        c->epoch.agreed ? (c->peer != NULL && so_peer_had_remote(c->peer) ? c->peer_id : "") : c->epoch.mine;

    so_said_write_state(&w, running[0] == '\0' ? NULL : running, so_call_shares(c, SO_SDP_AUDIO),
                        so_call_shares(c, SO_SDP_VIDEO), c->screen && so_call_shares(c, SO_SDP_VIDEO));
    if (!w.failed)
        (void)so_call_seal(c, now, SO_SEAL_STATE, (so_slice){bytes, so_writer_len(&w)}, (so_slice){NULL, 0});
}

void so_call_say_bye(so_call *c, so_msec now, const char *reason)
{
    uint8_t bytes[128];
    so_writer w = so_writer_of(bytes, sizeof bytes);

    so_said_write_bye(&w, reason);
    if (!w.failed)
        (void)so_call_seal(c, now, SO_SEAL_BYE, (so_slice){bytes, so_writer_len(&w)}, (so_slice){NULL, 0});
}

void so_call_open_epoch(so_call *c, so_msec now)
{
    uint8_t hello[SO_HELLO_LEN];

    if (so_seal_open_epoch(&c->seal, hello) == SO_OK)
        so_call_deliver(c, hello, sizeof hello);
    else
        so_call_fail(c, now, SO_DOOR_SEAL, "seal-failed", NULL);
}

/* Is there a call that can go on? One that the other end has closed waits for its farewell, or for a new one. */
static bool is_running(const so_call *c)
{
    return c->peer != NULL && so_peer_had_remote(c->peer) && so_peer_state_of(c->peer) != SO_PEER_CLOSED;
}

/* Both sids are known: the first thing said is which call runs here. */
static void begin(so_call *c, so_msec now)
{
    c->epoch = (call_epoch){.live = true, .opener = c->seal.opener};
    if (so_seal_call_id(&c->seal, c->epoch.id) != SO_OK) {
        so_call_fail(c, now, SO_DOOR_SEAL, "seal-failed", NULL);
        return;
    }
    (void)snprintf(c->epoch.mine, sizeof c->epoch.mine, "%s", is_running(c) ? c->peer_id : "");
    so_call_say_state(c, now);
}

static void start_or_go_on(so_call *c, so_msec now, const char *theirs)
{
    bool same = is_running(c) && c->epoch.mine[0] != '\0' && theirs != NULL && strcmp(theirs, c->epoch.mine) == 0;

    if (same) {
        so_report_note(&c->report, SO_NO_DOOR, "the running call goes on under the same certificates");
    } else {
        if (c->peer != NULL && so_peer_had_remote(c->peer))
            so_report_note(&c->report, SO_NO_DOOR, "the call starts anew, and so does the verdict");
        so_call_drop_peer(c, now);
        if (!so_call_new_peer(c, now))
            return;
    }
    so_call_begin_epoch(c, now);
}

static void take_state(so_call *c, so_msec now, const so_said *said)
{
    bool first = !c->epoch.agreed;

    if (first) {
        const char *agent = said->agent != NULL && strcmp(said->agent, "native") == 0 ? "the Sotto program"
                                                                                      : "a browser with the call page";

        c->epoch.agreed = true;
        c->epochs++;
        so_report_put(&c->report, SO_DOOR_SEAL, "cipher", "AES-256-GCM, keys from the link (HKDF-SHA256)", NULL);
        so_report_put_number(&c->report, SO_DOOR_SEAL, "epoch", c->epochs);
        so_report_put(&c->report, SO_DOOR_SEAL, "agent", agent, NULL);
        so_report_set(&c->report, SO_DOOR_SEAL, SO_DOOR_HELD, "the other end holds the link");
        so_report_note(&c->report, SO_DOOR_SEAL, "key epoch %u began", c->epochs);
        start_or_go_on(c, now, said->call);
    }
    if (first || said->audio != c->says_audio || said->video != c->says_video || said->screen != c->says_screen)
        c->other_told = false;
    c->says_audio = said->audio;
    c->says_video = said->video;
    c->says_screen = said->screen;
}

static void take_bye(so_call *c, so_msec now, const char *reason)
{
    const char *known = so_words_of(reason == NULL ? "" : reason)->code;
    so_error why;

    if (reason != NULL && strcmp(reason, "hangup") == 0) {
        so_call_finish(c, now, SO_CALL_ENDED, "peer-hangup");
        return;
    }
    /* A path takes two: this end would have found the same a moment later. */
    if (strcmp(known, "no-path") == 0 && !c->peer_open) {
        so_call_fail(c, now, SO_DOOR_PATH, "no-path", NULL);
        return;
    }
    (void)so_fail(&why, SO_REFUSED, "call",
                  "the other end ended the call because a check of its own failed; it said: %s", known);
    so_report_fail(&c->report, SO_NO_DOOR, "peer-refused", &why);
    so_call_finish(c, now, SO_CALL_FAILED, "peer-refused");
}

static void take_message(so_call *c, so_msec now, so_seal_kind kind, so_slice text)
{
    so_said said;

    if (so_said_parse(&said, text.bytes, text.len) != SO_OK || (!c->epoch.agreed && kind != SO_SEAL_STATE)) {
        so_said_free(&said);
        so_call_fail(c, now, SO_DOOR_SEAL, "seal-malformed", NULL);
        return;
    }
    c->opened++;
    switch (kind) {
    case SO_SEAL_STATE:
        take_state(c, now, &said);
        break;
    case SO_SEAL_OFFER:
        so_call_take_offer(c, now, &said, text);
        break;
    case SO_SEAL_ANSWER:
        so_call_take_answer(c, now, &said);
        break;
    case SO_SEAL_CANDIDATE:
        so_call_take_candidate(c, now, &said);
        break;
    case SO_SEAL_BYE:
        take_bye(c, now, said.reason);
        break;
    }
    so_said_free(&said);
}

static void broken(so_call *c, so_msec now, so_seal_result result)
{
    char code[32];

    (void)snprintf(code, sizeof code, "seal-%s", so_seal_result_name(result));
    so_call_fail(c, now, SO_DOOR_SEAL, code, NULL);
}

void so_call_take_payload(so_call *c, so_msec now, const char *payload, size_t len)
{
    size_t cap = len, bytes_len, text_len;
    uint8_t hello[SO_HELLO_LEN], *bytes = malloc(cap + 1), *text = malloc(cap + 1);
    so_seal_kind kind = SO_SEAL_STATE;
    so_seal_result result = SO_SEAL_FAILED;
    bool reply = false;

    if (bytes != NULL && text != NULL)
        result = so_base64url_decode(bytes, cap, &bytes_len, payload, len) == SO_OK
                     ? so_seal_take(&c->seal, bytes, bytes_len, &kind, text, &text_len, hello, &reply)
                     : SO_SEAL_MALFORMED;
    switch (result) {
    case SO_SEAL_HELLO:
        if (reply)
            so_call_deliver(c, hello, sizeof hello);
        begin(c, now);
        break;
    case SO_SEAL_OPENED:
        take_message(c, now, kind, (so_slice){text, text_len});
        break;
    case SO_SEAL_STALE:
        break;
    default:
        broken(c, now, result);
    }
    put_counts(c);
    if (text != NULL)
        so_wipe(text, cap + 1);
    free(text);
    free(bytes);
}
