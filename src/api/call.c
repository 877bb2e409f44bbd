#include "api/inside.h"

#include <stdlib.h>
#include <string.h>

#define SAME(mine, theirs) _Static_assert((int)(mine) == (int)(theirs), #mine)
SAME(SOTTO_CALL_CONNECTING, SO_CALL_CONNECTING);
SAME(SOTTO_CALL_WAITING, SO_CALL_WAITING);
SAME(SOTTO_CALL_OPEN, SO_CALL_OPEN);
SAME(SOTTO_CALL_ENDED, SO_CALL_ENDED);
SAME(SOTTO_CALL_FAILED, SO_CALL_FAILED);

struct sotto_call {
    so_caller *caller;
    so_url url;
    char *connect_to;
    sotto_call_options options;
    so_sdp_choice choice;
    api_people people;
    bool closed; /* its sockets are; else freeing it waits for that */
    bool freed;  /* by its owner */
};

so_caller *api_caller(sotto_call *c)
{
    return c->caller;
}

/* With another than the one who is expected nothing goes on: there is nobody to ask. */
static void on_person(sotto_call *c)
{
    const so_person *person = so_call_person(so_caller_call(c->caller));
    bool alarm = person->alarm;
    sotto_person known = api_person(person);

    if (c->options.on_person != NULL)
        c->options.on_person(c->options.user, c, &known);
    if (alarm)
        so_caller_decide(c->caller, false);
}

static void on_event(void *user, const so_call_event *event)
{
    sotto_call *c = user;

    if (event->kind == SO_CALL_STATE && c->options.on_state != NULL) {
        so_call_state state = so_call_state_of(so_caller_call(c->caller));

        c->options.on_state(c->options.user, c, (sotto_call_state)state, event->reason);
    } else if (event->kind == SO_CALL_FRAME && c->options.on_frame != NULL) {
        sotto_frame frame = api_frame(&event->frame, event->lost);

        c->options.on_frame(c->options.user, c, &frame);
    } else if (event->kind == SO_CALL_WANT_KEY && c->options.on_key_wanted != NULL) {
        c->options.on_key_wanted(c->options.user, c);
    } else if (event->kind == SO_CALL_RATE && c->options.on_rate != NULL) {
        c->options.on_rate(c->options.user, c, event->rate);
    } else if (event->kind == SO_CALL_DATA && c->options.on_data != NULL) {
        sotto_data data = api_data(event->data);

        c->options.on_data(c->options.user, c, &data);
    } else if (event->kind == SO_CALL_PERSON) {
        on_person(c);
    }
}

static void free_call(sotto_call *c)
{
    so_caller_free(c->caller);
    api_drop_people(&c->people);
    free(c->connect_to);
    free(c);
}

static void on_closed(void *user)
{
    sotto_call *c = user;

    c->closed = true; /* the report is kept until sotto_call_free */
    if (c->freed)
        free_call(c);
}

static so_status take_policy(so_policy *policy, const sotto_call_options *options, so_error *err)
{
    so_status status = SO_OK;

    so_policy_default(policy);
    if (options->policy != NULL)
        status = so_policy_parse(policy, (so_slice){options->policy, strlen(options->policy)}, "the policy", err);
    if (options->relay_only)
        so_policy_ask(policy, SO_RULE_RELAY_ONLY);
    if (options->compare_first)
        so_policy_ask(policy, SO_RULE_COMPARE);
    return status;
}

sotto_status sotto_call_join(sotto_call **out, sotto_engine *engine, const sotto_call_options *options,
                             sotto_error *error)
{
    sotto_call *c = calloc(1, sizeof *c);
    so_error err = {.layer = "call"};
    so_invite invite = {0};
    so_policy policy;
    so_status status;

    *out = NULL;
    if (c == NULL || (options->connect_to != NULL && (c->connect_to = strdup(options->connect_to)) == NULL)) {
        free(c);
        return api_fail(error, so_fail(&err, SO_NO_MEMORY, "call", "no memory for a call; end other programs"), &err);
    }
    c->options = *options;
    c->options.link = c->options.connect_to = NULL;
    if (c->options.codecs == 0)
        c->options.codecs = SOTTO_CODEC(SOTTO_OPUS) | (options->shows || options->sees ? SOTTO_CODEC(SOTTO_VP8) : 0);
    status = api_read_link(&c->url, &invite, options->link, &err);
    if (status == SO_OK && !api_choose(&c->choice, c->options.codecs))
        status =
            so_fail(&err, SO_BAD_INPUT, "call", "none of these codecs is known here; give SOTTO_CODEC(SOTTO_OPUS)");
    if (status == SO_OK)
        status = take_policy(&policy, options, &err);
    if (status == SO_OK)
        status = api_take_people(&c->people, options, &err);
    if (status == SO_OK) {
        so_caller_config config = {.loop = &engine->loop,
                                   .engine = &engine->media,
                                   .ctx = engine->ctx,
                                   .url = &c->url,
                                   .connect_to = c->connect_to,
                                   .invite = &invite,
                                   .sound = {options->sends, options->receives},
                                   .picture = {options->shows, options->sees},
                                   .abilities = &c->choice.abilities,
                                   .loopback = options->loopback,
                                   .policy = &policy,
                                   .records = options->records,
                                   .addresses = options->report_addresses,
                                   .event = on_event,
                                   .closed = on_closed,
                                   .user = c};

        api_people_config(&c->people, options, &config);
        status = so_caller_start(&c->caller, &config, &err);
    }
    c->options.identity = c->options.expect_key = c->options.policy = NULL;
    so_invite_wipe(&invite);
    if (status != SO_OK) {
        free_call(c);
        return api_fail(error, status, &err);
    }
    *out = c;
    return SOTTO_OK;
}

/* How it is called in this call; NULL: not both ends have it. */
static const so_sdp_ability *ability(const sotto_call *c, sotto_codec codec)
{
    const char *name = api_codec_name(codec);

    return name == NULL ? NULL : so_call_codec_named(so_caller_call(c->caller), api_codec_kind(codec), name);
}

sotto_status sotto_call_send(sotto_call *c, const sotto_frame *frame)
{
    so_peer_frame out = {
        .bytes = frame->bytes, .len = frame->len, .time = frame->time, .codec = ability(c, frame->codec)};
    api_quiet quiet;
    so_status status;

    if (out.codec == NULL)
        return SOTTO_STATE;
    quiet = api_be_quiet();
    status = so_caller_send(c->caller, api_codec_kind(frame->codec), &out);
    api_end_quiet(&quiet);
    return api_status(status);
}

bool sotto_call_takes(const sotto_call *c, sotto_codec codec)
{
    return ability(c, codec) != NULL;
}

void sotto_call_want_key(sotto_call *c)
{
    api_quiet quiet = api_be_quiet();

    so_caller_want_key(c->caller);
    api_end_quiet(&quiet);
}

static void direct(sotto_call *c, so_sdp_kind kind, bool sends, bool receives)
{
    api_quiet quiet = api_be_quiet();

    so_caller_wish_for(c->caller, kind, (so_call_wish){sends, receives});
    api_end_quiet(&quiet);
}

void sotto_call_direct_audio(sotto_call *c, bool sends, bool receives)
{
    direct(c, SO_SDP_AUDIO, sends, receives);
}

sotto_status sotto_call_direct_video(sotto_call *c, bool shows, bool sees)
{
    if (!so_sdp_able(&c->choice.abilities, SO_SDP_VIDEO))
        return SOTTO_STATE;
    direct(c, SO_SDP_VIDEO, shows, sees);
    return SOTTO_OK;
}

void sotto_call_hang_up(sotto_call *c)
{
    api_quiet quiet = api_be_quiet();

    so_caller_hang_up(c->caller, NULL);
    api_end_quiet(&quiet);
}

sotto_status sotto_call_report(sotto_call *c, char *json, size_t cap)
{
    so_writer w = so_writer_of(json, cap);
    const so_report *report = so_call_report(so_caller_call(c->caller), so_caller_now(c->caller));
    so_status status = so_report_write_file(report, c->people.identity, &w, NULL);

    so_write_u8(&w, 0);
    return status == SO_OK && w.failed ? SOTTO_TOO_LONG : api_status(status);
}

void sotto_call_free(sotto_call *c)
{
    if (c == NULL)
        return;
    c->options.on_state = NULL;
    c->options.on_frame = NULL;
    c->options.on_key_wanted = NULL;
    c->options.on_rate = NULL;
    c->options.on_data = NULL;
    c->options.on_person = NULL;
    c->freed = true;
    if (c->closed)
        free_call(c);
    else
        sotto_call_hang_up(c);
}
