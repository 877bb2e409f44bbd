#include "cli/call_panel.h"

#include "cli/term.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK 500 /* ms */
/* Rates are means over this many ticks: steady enough to be read. */
#define SAMPLES 4

#define CTRL_C '\x03'
#define CTRL_Z '\x1a'

typedef struct sample {
    so_msec at;
    uint64_t bytes[4]; /* sound sent and heard, picture sent and seen */
} sample;

struct call_panel {
    const call_options *options;
    term *term;
    uv_timer_t tick;
    void (*hang_up)(void *user);
    void *user;
    so_caller *caller; /* NULL between two calls */
    call_people *people;
    panel_facts facts;
    panel_screen screen;
    so_msec opened;
    sample samples[SAMPLES + 1]; /* the newest last */
    size_t sample_count;
    char notice[32], from[128], into[128];
};

static void name_all(char *out, size_t cap, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(out);

        (void)snprintf(out + len, cap - len, "%s%s", len == 0 ? "" : ", ", names[i]);
    }
}

/* ---- what is so ---- */

static void gather(call_panel *p)
{
    so_call *call = so_caller_call(p->caller);
    so_msec now = so_caller_now(p->caller);
    panel_facts *f = &p->facts;

    f->report = so_call_report(call, now);
    f->state = so_call_state_of(call);
    f->reason = so_call_reason(call);
    f->person = so_call_peer(call) == NULL ? NULL : so_call_person(call);
    f->duration = f->open ? now - p->opened : 0;
    f->path_known = so_call_peer(call) != NULL;
    if (f->path_known)
        so_peer_facts_of(so_call_peer(call), &f->peer);
    (void)so_call_track_facts(call, SO_SDP_AUDIO, &f->sound.track);
    (void)so_call_track_facts(call, SO_SDP_VIDEO, &f->picture.track);
}

static uint64_t rate(const sample *from, const sample *to, size_t i)
{
    return to->at > from->at ? (to->bytes[i] - from->bytes[i]) * 8000 / (to->at - from->at) : 0;
}

static void measure(call_panel *p)
{
    const so_track_facts *sound = &p->facts.sound.track, *picture = &p->facts.picture.track;
    sample now = {.at = so_caller_now(p->caller),
                  .bytes = {sound->bytes_sent, sound->bytes_received, picture->bytes_sent, picture->bytes_received}};
    const sample *last = p->sample_count == 0 ? &now : &p->samples[p->sample_count - 1];

    /* Another peer of the same call counts from nought. */
    for (size_t i = 0; i < 4; i++)
        if (now.bytes[i] < last->bytes[i])
            p->sample_count = 0;
    if (p->sample_count > SAMPLES) {
        memmove(p->samples, p->samples + 1, SAMPLES * sizeof p->samples[0]);
        p->sample_count--;
    }
    p->samples[p->sample_count++] = now;
    p->facts.sound.sent_rate = rate(&p->samples[0], &now, 0);
    p->facts.sound.received_rate = rate(&p->samples[0], &now, 1);
    p->facts.picture.sent_rate = rate(&p->samples[0], &now, 2);
    p->facts.picture.received_rate = rate(&p->samples[0], &now, 3);
}

static void draw(call_panel *p)
{
    unsigned columns, rows;

    if (p->caller == NULL)
        return;
    gather(p);
    term_size(p->term, &columns, &rows);
    panel_draw(&p->screen, &p->facts, columns, rows);
    term_show(p->term, &p->screen);
}

static void on_tick(uv_timer_t *timer)
{
    call_panel *p = timer->data;

    if (p->caller == NULL)
        return;
    gather(p);
    measure(p);
    draw(p);
}

/* ---- keys ---- */

static void toggle(call_panel *p, panel_media *media, so_sdp_kind kind)
{
    if (!media->sends)
        return;
    media->muted = !media->muted;
    so_caller_mute(p->caller, kind, media->muted);
}

static void on_key(void *user, char key)
{
    call_panel *p = user;

    if (p->caller == NULL)
        return;
    switch (key) {
    case 'm':
        toggle(p, &p->facts.sound, SO_SDP_AUDIO);
        break;
    case 'v':
        toggle(p, &p->facts.picture, SO_SDP_VIDEO);
        break;
    case 's':
    case 'd':
        call_people_compare(p->people, key == 's');
        break;
    case 'g':
        call_people_decide(p->people, true);
        break;
    case 't':
        call_people_take_key(p->people);
        break;
    case '?':
        p->facts.help = !p->facts.help;
        break;
    case 'h':
    case 'q':
    case CTRL_C:
        p->facts.ending = true;
        draw(p);
        p->hang_up(p->user);
        return;
    case CTRL_Z:
        term_suspend(p->term);
        return;
    default:
        return;
    }
    draw(p);
}

static void on_changed(void *user)
{
    draw(user);
}

static void on_ended(void *user)
{
    call_panel *p = user;

    p->hang_up(p->user);
}

/* ---- the call ---- */

call_panel *call_panel_open(const call_options *o, uv_loop_t *loop, void (*hang_up)(void *user), void *user)
{
    term_handler handler = {.key = on_key, .changed = on_changed, .ended = on_ended};
    call_panel *p = o->json || o->chat || !term_is_there() ? NULL : calloc(1, sizeof *p);

    if (p == NULL)
        return NULL;
    handler.user = p;
    p->options = o;
    p->hang_up = hang_up;
    p->user = user;
    name_all(p->from, sizeof p->from, o->in, o->in_count);
    if (o->echo)
        (void)snprintf(p->from, sizeof p->from, "back what is heard and seen");
    if (o->rtp_in != NULL)
        (void)snprintf(p->from, sizeof p->from, "what another program gives");
    name_all(p->into, sizeof p->into, o->out, o->out_count);
    p->term = term_open(loop, &handler);
    if (p->term == NULL) {
        free(p);
        return NULL;
    }
    (void)uv_timer_init(loop, &p->tick);
    p->tick.data = p;
    (void)uv_timer_start(&p->tick, on_tick, TICK, TICK);
    return p;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void call_panel_close(call_panel *p)
{
    if (p == NULL)
        return;
    p->caller = NULL;
    term_close(p->term);
    uv_close((uv_handle_t *)&p->tick, on_closed);
}

void call_panel_call(call_panel *p, so_caller *caller, bool sound, bool picture)
{
    bool sound_muted, picture_muted;

    if (p == NULL)
        return;
    term_hide(p->term);
    /* Who has muted stays so: the next caller hears nothing by surprise. */
    sound_muted = p->facts.sound.muted;
    picture_muted = p->facts.picture.muted;
    p->facts = (panel_facts){.notice = p->notice, .from = p->from, .into = p->into, .keys = term_has_keys(p->term)};
    p->facts.sound = (panel_media){.sends = sound, .receives = true, .muted = sound_muted};
    p->facts.picture = (panel_media){.sends = picture, .muted = picture_muted};
    p->notice[0] = '\0';
    p->sample_count = 0;
    p->caller = caller;
    if (caller == NULL)
        return;
    if (sound_muted)
        so_caller_mute(caller, SO_SDP_AUDIO, true);
    if (picture_muted)
        so_caller_mute(caller, SO_SDP_VIDEO, true);
    draw(p);
}

void call_panel_people(call_panel *p, call_people *people)
{
    if (p != NULL)
        p->people = people;
}

void call_panel_event(call_panel *p, const so_call_event *event)
{
    panel_facts *f;

    if (p == NULL || p->caller == NULL)
        return;
    f = &p->facts;
    switch (event->kind) {
    case SO_CALL_STATE:
        if (so_call_state_of(so_caller_call(p->caller)) == SO_CALL_OPEN && !f->open) {
            f->open = true;
            p->opened = so_caller_now(p->caller);
        }
        break;
    case SO_CALL_NOTICE:
        (void)snprintf(p->notice, sizeof p->notice, "%s", event->reason);
        break;
    case SO_CALL_OTHER:
        f->other_known = true;
        f->other_audio = event->audio;
        f->other_video = event->video;
        break;
    case SO_CALL_RATE:
        f->path_rate = event->rate;
        return; /* the next tick tells it */
    case SO_CALL_FRAME:
    case SO_CALL_DATA:
    case SO_CALL_WANT_KEY:
    case SO_CALL_SERVER:
    case SO_CALL_STREAM:
    case SO_CALL_REPORT:
        return;
    case SO_CALL_PERSON:
        break;
    case SO_CALL_TRACK:
        if (event->media == SO_SDP_VIDEO)
            f->picture.receives |= event->receiving;
        break;
    case SO_CALL_RELAY:
        break;
    }
    draw(p);
}

void call_panel_hide(call_panel *p)
{
    if (p != NULL)
        term_hide(p->term);
}
