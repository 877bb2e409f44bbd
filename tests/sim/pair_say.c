/* Signaling between the two peers of a pair. */
#include "pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DRAFT_MAX 32768
/* Nobody waits for a STUN server for good. */
#define DRAFT_MS 3000

static char *copy_of(const char *text)
{
    char *copy = strdup(text);

    if (copy == NULL)
        abort();
    return copy;
}

void sim_side_say(sim_side *e, sim_note_kind kind, const char *text, const char *ufrag)
{
    sim_pair *pair = e->pair;
    sim_note *n = &pair->notes[pair->note_count];
    so_msec at = sim_now() + pair->signaling[e->number];
    /* Only of a first description can candidates come too early: the agent keeps them until any credentials are there.
     */
    bool early = pair->trickle == SIM_TRICKLE_EARLY && !so_peer_had_remote(pair->ends[1 - e->number].peer);
    bool skewed = (pair->trickle == SIM_TRICKLE_LATE && kind == SIM_CANDIDATE) || (early && kind != SIM_CANDIDATE);

    if (pair->note_count == SIM_NOTES) {
        (void)sim_blame(&pair->world, "more than %d messages are under way", SIM_NOTES);
        return;
    }
    /* In order, but for the skew: descriptions among themselves, and candidates. */
    at += skewed ? pair->skew : 0;
    if (pair->trickle != SIM_TRICKLE_LATE && !early) {
        at = at > pair->last_note[e->number] ? at : pair->last_note[e->number];
        pair->last_note[e->number] = at;
    }
    pair->note_count++;
    *n = (sim_note){.at = at, .order = pair->note_orders++, .from = e->number, .kind = kind, .text = copy_of(text)};
    if (ufrag != NULL)
        n->ufrag = copy_of(ufrag);
}

/* ---- descriptions that wait for their candidates ---- */

static const char *ufrag_of(const char *sdp, size_t *len)
{
    static const char line[] = "a=ice-ufrag:";
    const char *at = strstr(sdp, line);

    at = at == NULL ? "" : at + strlen(line);
    *len = strcspn(at, "\r\n");
    return at;
}

void sim_side_say_draft(sim_side *e)
{
    sim_side_say(e, e->withheld == SO_SDP_OFFER ? SIM_OFFER : SIM_ANSWER, e->draft, NULL);
    free(e->draft);
    e->draft = NULL;
    e->withholds = false;
    e->draft_at = SIM_NEVER;
}

static void say_description(sim_side *e, so_sdp_type type, const char *sdp)
{
    /* One without any candidate is of credentials whose candidates are known at the other end. */
    bool is_whole = strstr(sdp, "a=end-of-candidates") != NULL || (e->begun && strstr(sdp, "a=candidate:") == NULL);

    size_t len;
    const char *ufrag = ufrag_of(sdp, &len);

    e->begun = true;
    (void)snprintf(e->said_ufrag, sizeof e->said_ufrag, "%.*s", (int)len, ufrag);
    if (e->pair->trickle != SIM_WHOLE || is_whole) {
        sim_side_say(e, type == SO_SDP_OFFER ? SIM_OFFER : SIM_ANSWER, sdp, NULL);
        return;
    }
    free(e->draft);
    e->draft = calloc(1, DRAFT_MAX);
    if (e->draft == NULL)
        abort();
    memcpy(e->draft, sdp, strlen(sdp));
    e->withheld = type;
    e->withholds = true;
    e->draft_at = sim_now() + DRAFT_MS;
}

/* At the end of the first m-line, whose path all share. */
static void put_line(char *sdp, const char *attribute)
{
    char line[SO_PEER_CANDIDATE_MAX + 8], *first = strstr(sdp, "\r\nm=");
    char *next = first == NULL ? NULL : strstr(first + 4, "\r\nm=");
    char *at = next == NULL ? sdp + strlen(sdp) : next + 2;
    size_t len = (size_t)snprintf(line, sizeof line, "a=%s\r\n", attribute);

    if (strlen(sdp) + len >= DRAFT_MAX)
        abort();
    memmove(at + len, at, strlen(at) + 1);
    memcpy(at, line, len);
}

void sim_side_candidate(sim_side *e, const so_peer_event *event)
{
    size_t len;

    if (strcmp(event->ufrag, e->said_ufrag) != 0)
        (void)sim_blame(&e->pair->world, "%c has a candidate of credentials that no description has named",
                        "AB"[e->number]);
    sim_trace(&e->pair->world, "%c has %s", "AB"[e->number],
              event -> candidate[0] == '\0' ? "no more candidates" : event->candidate);
    if (!e->withholds || strncmp(ufrag_of(e->draft, &len), event->ufrag, strlen(event->ufrag)) != 0) {
        sim_side_say(e, SIM_CANDIDATE, event->candidate, event->ufrag);
        return;
    }
    put_line(e->draft, event->candidate[0] == '\0' ? "end-of-candidates" : event->candidate);
    if (event->candidate[0] == '\0')
        sim_side_say_draft(e);
}

void sim_side_offer(sim_side *e)
{
    char *sdp = malloc(SO_PEER_SDP_MAX);
    so_error err = {.text = ""};

    if (sdp == NULL)
        abort();
    e->must_offer = false;
    if (e->began_at == SIM_NEVER)
        e->began_at = sim_now();
    if (so_peer_offer(e->peer, sim_now(), sdp, SO_PEER_SDP_MAX, &err) == SO_OK) {
        sim_trace(&e->pair->world, "%c offers", "AB"[e->number]);
        say_description(e, SO_SDP_OFFER, sdp);
    } else {
        (void)sim_blame(&e->pair->world, "no offer: %s", err.text);
    }
    free(sdp);
}

/* ---- what arrives ---- */

static void answer(sim_side *e)
{
    char *sdp = malloc(SO_PEER_SDP_MAX);
    so_error err = {.text = ""};

    if (sdp == NULL)
        abort();
    if (so_peer_answer(e->peer, sim_now(), sdp, SO_PEER_SDP_MAX, &err) == SO_OK) {
        sim_trace(&e->pair->world, "%c answers", "AB"[e->number]);
        say_description(e, SO_SDP_ANSWER, sdp);
    } else {
        (void)sim_blame(&e->pair->world, "no answer: %s", err.text);
    }
    free(sdp);
}

/* Another certificate's fingerprint, as well-formed as ours, in every m-line. */
static void tamper(char *sdp)
{
    static const char line[] = "a=fingerprint:sha-256 ";

    for (char *at = strstr(sdp, line); at != NULL; at = strstr(at, line)) {
        at += strlen(line);
        *at = *at == '0' ? '1' : '0';
    }
}

static void take_description(sim_pair *pair, sim_side *e, sim_note *n)
{
    so_sdp_type type = n->kind == SIM_OFFER ? SO_SDP_OFFER : SO_SDP_ANSWER;
    so_sdp_taken taken;
    so_error err = {.text = ""};

    if (pair->tampers && n->from == 0)
        tamper(n->text);
    if (so_peer_take(e->peer, sim_now(), type, n->text, strlen(n->text), &taken, &err) != SO_OK) {
        if (so_peer_state_of(e->peer) != SO_PEER_FAILED || !pair->tampers)
            (void)sim_blame(&pair->world, "%c can't take the other end's description: %s", "AB"[e->number], err.text);
        return;
    }
    sim_trace(&pair->world, "%c takes an %s%s%s%s", "AB"[e->number], type == SO_SDP_OFFER ? "offer" : "answer",
              taken.ignored ? ", and ignores it" : "", taken.rolled_back ? ", and takes its own back" : "",
              taken.restarted ? " that restarts ICE" : "");
    if (type == SO_SDP_ANSWER || taken.ignored)
        return;
    free(e->draft);
    e->draft = NULL;
    e->withholds = false;
    e->draft_at = SIM_NEVER;
    e->begun = true;
    /* The other end looks for a path already: a restart of ours would only take its result away. */
    if (taken.restarted && e->restart_at != SIM_NEVER)
        e->restart_at = sim_now() + SIM_RESTART_AGAIN + 500 * e->number;
    answer(e);
}

static void take_note(sim_pair *pair, sim_note *n)
{
    sim_side *e = &pair->ends[1 - n->from];

    if (e->gone || so_peer_state_of(e->peer) == SO_PEER_FAILED || so_peer_state_of(e->peer) == SO_PEER_CLOSED)
        return;
    if (n->kind != SIM_CANDIDATE)
        take_description(pair, e, n);
    else if (so_peer_add_candidate(e->peer, sim_now(), n->text, n->ufrag) != SO_OK)
        (void)sim_blame(&pair->world, "%c can't take a candidate: %s", "AB"[e->number], n -> text);
    sim_side_drain(e);
}

static unsigned first_note(const sim_pair *pair)
{
    unsigned first = 0;

    for (unsigned i = 1; i < pair->note_count; i++)
        if (pair->notes[i].at < pair->notes[first].at ||
            (pair->notes[i].at == pair->notes[first].at && pair->notes[i].order < pair->notes[first].order))
            first = i;
    return first;
}

so_msec sim_notes_next(const sim_pair *pair)
{
    return pair->note_count == 0 ? SIM_NEVER : pair->notes[first_note(pair)].at;
}

void sim_notes_step(sim_pair *pair)
{
    while (sim_notes_next(pair) <= sim_now()) {
        unsigned first = first_note(pair);
        sim_note n = pair->notes[first];

        pair->notes[first] = pair->notes[--pair->note_count];
        take_note(pair, &n);
        free(n.text);
        free(n.ufrag);
    }
}

void sim_notes_free(sim_pair *pair)
{
    for (unsigned i = 0; i < pair->note_count; i++) {
        free(pair->notes[i].text);
        free(pair->notes[i].ufrag);
    }
    pair->note_count = 0;
}
