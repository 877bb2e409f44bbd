/* `sotto call`: one end of a call in a terminal or under a program. */
#include "cli/call_files.h"
#include "cli/call_lines.h"
#include "cli/call_media.h"
#include "cli/call_panel.h"
#include "cli/call_people.h"
#include "cli/commands.h"
#include "server/policy.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct command {
    call_options options;
    so_loop loop;
    so_engine engine;
    SSL_CTX *ctx;
    so_caller *caller; /* NULL between two calls */
    call_media *media; /* of the running call */
    call_panel *panel; /* NULL: no terminal */
    call_files *files;
    call_people *people;
    call_lines *lines; /* NULL: nobody is listened to */
    uv_timer_t pace, deadline;
    uv_signal_t interrupt, terminate;
    bool open, stopping;
    unsigned calls; /* that came to be open */
    bool reported;  /* --report has been written */
    int code;
} command;

static void start_call(command *c);

/* Above the panel, which would be drawn over it. */
static void say_fault(void *user, const so_error *err)
{
    command *c = user;

    call_panel_hide(c->panel);
    call_say_fault(&c->options, err);
}

static void fault(command *c, const so_error *err, int code)
{
    say_fault(c, err);
    c->code = code;
}

/* ---- what is sent, at the pace of its time ---- */

static void on_pace(uv_timer_t *timer)
{
    command *c = timer->data;
    so_msec now, next;

    if (c->caller == NULL || c->media == NULL)
        return;
    next = call_media_next(c->media, c->caller);
    if (next == UINT64_MAX || c->caller == NULL || !c->open)
        return;
    now = so_caller_now(c->caller);
    (void)uv_timer_start(&c->pace, on_pace, next > now ? next - now : 0, 0);
}

static void on_asked(void *user)
{
    command *c = user;

    on_pace(&c->pace);
}

static void on_window_closed(void *user)
{
    command *c = user;

    if (c->caller != NULL)
        so_caller_hang_up(c->caller, NULL);
}

static void on_deadline(uv_timer_t *timer)
{
    command *c = timer->data;

    if (c->caller != NULL)
        so_caller_hang_up(c->caller, c->open ? NULL : "nobody-came");
}

static void set_deadline(command *c, unsigned seconds)
{
    if (seconds == 0)
        (void)uv_timer_stop(&c->deadline);
    else
        (void)uv_timer_start(&c->deadline, on_deadline, (uint64_t)seconds * 1000, 0);
}

/* ---- lines of text, and files ---- */

static void on_line(void *user, const char *line, size_t len)
{
    command *c = user;
    so_error err;

    if (call_people_wait(c->people)) {
        call_people_answer(c->people, line, len);
        return;
    }
    if (!c->options.chat || len == 0 || c->caller == NULL ||
        so_caller_send_message(c->caller, SO_CALL_CHAT, true, (so_slice){line, len}) == SO_OK)
        return;
    (void)so_fail(&err, SO_IO, "chat", "a line was not sent; the other end is not there any more, or is too slow");
    say_fault(c, &err);
}

static void on_lines_end(void *user)
{
    command *c = user;

    /* Ctrl-D; the end of a pipe says nothing about the call. */
    if (call_lines_are_typed(c->lines) && c->caller != NULL)
        so_caller_hang_up(c->caller, NULL);
}

static void on_chat(command *c, const so_sctp_event *event)
{
    if (event->kind == SO_SCTP_CONNECTED && c->options.chat) {
        call_lines_read(c->lines, true);
    } else if (event->kind == SO_SCTP_ENDED) {
        call_lines_read(c->lines, false);
    } else if (event->kind == SO_SCTP_MESSAGE && event->channel == SO_CALL_CHAT && event->text &&
               event->bytes.len > 0 && event->bytes.len <= CALL_LINE_MAX) {
        call_panel_hide(c->panel);
        call_say_chat(&c->options, event->bytes);
    }
}

static void before_print(void *user)
{
    command *c = user;

    call_panel_hide(c->panel);
}

/* Does anything go on when the files are through? */
static bool only_sends_files(const call_options *o)
{
    return o->in_count + o->out_count == 0 && o->rtp_in == NULL && o->rtp_out == NULL && o->data_out == NULL &&
           !o->echo && !o->chat && o->duration == 0;
}

static void on_files_done(void *user)
{
    command *c = user;

    if (only_sends_files(&c->options) && c->caller != NULL)
        so_caller_hang_up(c->caller, NULL);
}

/* Does somebody sit there who could answer a question? */
static bool may_read(const command *c)
{
    return c->panel == NULL && !c->options.json && call_options_stdin_files(&c->options) == 0 && isatty(STDIN_FILENO);
}

static so_status open_data(command *c, so_error *err)
{
    call_files_asks asks = {.print = before_print, .done = on_files_done, .fault = say_fault, .user = c};
    call_lines_handler handler = {.line = on_line, .end = on_lines_end, .user = c};
    call_people_seat seat = {.shown = c->panel != NULL, .fault = say_fault, .user = c};
    /* --sas is in the policy too; --data-in - leaves no input to answer by. */
    bool compares = so_policy_wants(&c->options.policy, SO_RULE_COMPARE) && call_options_stdin_files(&c->options) == 0;
    bool must_read = c->options.chat || (compares && c->panel == NULL);
    so_status status = call_files_open(&c->files, &c->options, &c->loop.uv, &asks, err);

    if (status == SO_OK && (must_read || may_read(c)))
        c->lines = call_lines_open(&c->loop.uv, &handler);
    if (status == SO_OK && must_read && c->lines == NULL)
        status = so_fail(err, SO_IO, "chat", "there is no standard input to read lines from; give one");
    seat.asked = seat.shown || compares || call_lines_are_typed(c->lines);
    return status == SO_OK ? call_people_open(&c->people, &c->options, &seat, err) : status;
}

/* ---- what the call tells ---- */

/* The call goes no further for want of something on this machine. */
static void give_up(command *c, const so_error *err)
{
    fault(c, err, SO_EXIT_FAILED);
    c->stopping = true;
    so_caller_hang_up(c->caller, NULL);
}

static void on_open(command *c)
{
    so_error err;

    if (!c->open) {
        c->open = true;
        c->calls++;
        set_deadline(c, c->options.duration);
    }
    /* On a terminal the panel has the doors, and they are printed at the end. */
    if (c->panel == NULL)
        call_say_open(&c->options, so_call_report(so_caller_call(c->caller), so_caller_now(c->caller)));
    if (call_media_begin(c->media, c->caller, &err) != SO_OK)
        give_up(c, &err);
    else
        (void)uv_timer_start(&c->pace, on_pace, 0, 0);
}

/* What is printed above the panel stays; what the panel itself has is not printed. */
static void say(command *c, const so_call_event *event)
{
    bool live = c->panel != NULL;

    if (event->kind == SO_CALL_NOTICE || event->kind == SO_CALL_RELAY)
        call_panel_hide(c->panel);
    switch (event->kind) {
    case SO_CALL_STATE:
        if (!live)
            call_say_state(&c->options, so_call_state_of(so_caller_call(c->caller)), event->reason);
        break;
    case SO_CALL_NOTICE:
        call_say_notice(&c->options, event->reason);
        break;
    case SO_CALL_OTHER:
        call_say_other(&c->options, event->audio, event->video, event->screen);
        break;
    case SO_CALL_RATE:
        call_say_rate(&c->options, event->rate);
        break;
    case SO_CALL_RELAY:
        call_say_relay(&c->options, event->reason, event->why);
        break;
    default:
        break;
    }
}

static void on_event(void *user, const so_call_event *event)
{
    command *c = user;
    so_call_state state = so_call_state_of(so_caller_call(c->caller));
    so_error err;

    if (event->kind != SO_CALL_STATE || state != SO_CALL_OPEN)
        say(c, event);
    switch (event->kind) {
    case SO_CALL_STATE:
        if (state == SO_CALL_OPEN)
            on_open(c);
        /* Who was there and left without a farewell has ended the call, for who came for one. */
        else if (state == SO_CALL_WAITING && c->open)
            so_caller_hang_up(c->caller, NULL);
        break;
    case SO_CALL_PERSON:
        call_people_event(c->people, event);
        if (call_people_wait(c->people))
            call_lines_read(c->lines, true);
        break;
    case SO_CALL_DATA:
        on_chat(c, event->data);
        call_files_event(c->files, event->data);
        break;
    case SO_CALL_OTHER:
    case SO_CALL_RATE:
    case SO_CALL_FRAME:
    case SO_CALL_WANT_KEY:
        if (call_media_event(c->media, c->caller, event, &err) != SO_OK)
            give_up(c, &err);
        break;
    default:
        break;
    }
    call_panel_event(c->panel, event);
}

/* Worth another try, for who waits for callers: whatever one caller did or met. */
static bool goes_on(const command *c, int code)
{
    return c->options.answer && !c->stopping &&
           (code == SO_EXIT_OK || code == SO_EXIT_SEAL || code == SO_EXIT_FINGERPRINT || code == SO_EXIT_MEDIA ||
            code == SO_EXIT_PEER || code == SO_EXIT_PERSON);
}

static void stop(command *c)
{
    call_panel_close(c->panel);
    c->panel = NULL;
    call_lines_close(c->lines);
    c->lines = NULL;
    call_files_close(c->files);
    c->files = NULL;
    call_people_close(c->people);
    c->people = NULL;
    uv_close((uv_handle_t *)&c->pace, NULL);
    uv_close((uv_handle_t *)&c->deadline, NULL);
    uv_close((uv_handle_t *)&c->interrupt, NULL);
    uv_close((uv_handle_t *)&c->terminate, NULL);
}

static void on_closed(void *user)
{
    command *c = user;
    so_call *call = so_caller_call(c->caller);
    const so_report *report = so_call_report(call, so_caller_now(c->caller));
    call_totals totals = {0};
    int code = call_exit_code(so_call_reason(call));
    so_error err;

    /* 0 says that a call was held; who only waits for callers may be stopped without one. */
    if (code == SO_EXIT_OK && !c->open && !c->options.answer)
        code = SO_EXIT_NOBODY;
    call_panel_call(c->panel, NULL, false, false);
    call_lines_read(c->lines, false);
    call_files_call(c->files, NULL);
    call_people_call(c->people, NULL);
    call_media_totals(c->media, &totals);
    (void)so_call_track_facts(call, SO_SDP_AUDIO, &totals.sound);
    (void)so_call_track_facts(call, SO_SDP_VIDEO, &totals.picture);
    if (call_media_close(c->media, &err) != SO_OK)
        fault(c, &err, SO_EXIT_FAILED);
    c->media = NULL;
    if (c->panel != NULL && c->open)
        call_say_doors(report);
    call_say_end(&c->options, report, &totals, code);
    /* Who waits for callers and is stopped meanwhile has nothing to add to the report of the last one. */
    if (c->open || !c->reported || code != SO_EXIT_OK) {
        c->reported = true;
        if (call_write_report(&c->options, report, call_people_identity(c->people)) != SO_OK)
            c->code = SO_EXIT_FAILED;
    }
    so_caller_free(c->caller);
    c->caller = NULL;
    (void)uv_timer_stop(&c->pace);
    (void)uv_timer_stop(&c->deadline);
    if (c->code == SO_EXIT_OK && !goes_on(c, code))
        c->code = code;
    if (c->code == SO_EXIT_OK && call_files_failed(c->files) && !goes_on(c, code))
        c->code = SO_EXIT_FAILED;
    if (c->code == SO_EXIT_OK && goes_on(c, code))
        start_call(c);
    else
        stop(c);
}

/* Does anything of the other end's go anywhere but into the loudspeaker and the window? */
static bool records(const call_options *o)
{
    for (size_t i = 0; i < o->out_count; i++)
        if (!call_options_is_device(o->out[i]))
            return true;
    return o->rtp_out != NULL;
}

static void start_call(command *c)
{
    so_caller_config config = {.loop = &c->loop,
                               .engine = &c->engine,
                               .ctx = c->ctx,
                               .url = &c->options.url,
                               .connect_to = c->options.connect_to,
                               .invite = &c->options.invite,
                               .loopback = c->options.loopback,
                               .policy = &c->options.policy,
                               .records = records(&c->options),
                               .addresses = c->options.report_addresses,
                               .event = on_event,
                               .closed = on_closed,
                               .user = c};
    call_media_asks asks = {.send = on_asked, .hang_up = on_window_closed, .fault = say_fault, .user = c};
    so_error err;

    c->open = false;
    if (call_media_open(&c->media, &c->options, c->calls + 1, &c->loop.uv, &asks, &err) != SO_OK) {
        fault(c, &err, SO_EXIT_FAILED);
        stop(c);
        return;
    }
    call_media_config(c->media, &config);
    call_people_config(c->people, &config);
    if (so_caller_start(&c->caller, &config, &err) != SO_OK) {
        fault(c, &err, SO_EXIT_FAILED);
        if (call_media_close(c->media, NULL) != SO_OK)
            c->code = SO_EXIT_FAILED;
        c->media = NULL;
        stop(c);
        return;
    }
    call_panel_call(c->panel, c->caller, config.sound.sends, config.picture.sends);
    call_files_call(c->files, c->caller);
    call_people_call(c->people, c->caller);
    set_deadline(c, c->options.wait);
}

static void hang_up(void *user)
{
    command *c = user;

    c->stopping = true;
    if (c->caller != NULL)
        so_caller_hang_up(c->caller, NULL);
}

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    hang_up(handle->data);
}

static so_status read_policy(call_options *o, so_error *err)
{
    so_status status = so_policy_load(&o->policy, o->policy_file, err);

    if (o->sas)
        so_policy_ask(&o->policy, SO_RULE_COMPARE);
    if (o->relay)
        so_policy_ask(&o->policy, SO_RULE_RELAY_ONLY);
    return status;
}

static int run(command *c)
{
    so_error err;
    uv_loop_t *uv = &c->loop.uv;

    if (so_loop_open(&c->loop) != SO_OK) {
        (void)fprintf(stderr, "sotto call: the system gives no event loop; end other programs\n");
        return SO_EXIT_FAILED;
    }
    (void)uv_timer_init(uv, &c->pace);
    (void)uv_timer_init(uv, &c->deadline);
    (void)uv_signal_init(uv, &c->interrupt);
    (void)uv_signal_init(uv, &c->terminate);
    c->pace.data = c->deadline.data = c->interrupt.data = c->terminate.data = c;
    (void)uv_signal_start(&c->interrupt, on_signal, SIGINT);
    (void)uv_signal_start(&c->terminate, on_signal, SIGTERM);
    c->panel = call_panel_open(&c->options, uv, hang_up, c);
    if (read_policy(&c->options, &err) != SO_OK || so_tls_client(&c->ctx, c->options.ca, &err) != SO_OK ||
        so_policy_limit(&c->options.policy, c->ctx, false, &err) != SO_OK ||
        so_engine_open(&c->engine, &err) != SO_OK || open_data(c, &err) != SO_OK) {
        fault(c, &err, SO_EXIT_FAILED);
        stop(c);
    } else {
        call_panel_people(c->panel, c->people);
        start_call(c);
    }
    so_loop_run(&c->loop);
    so_loop_close(&c->loop);
    so_engine_close(&c->engine);
    SSL_CTX_free(c->ctx);
    return c->code;
}

/* Where a file goes to standard output, all that is said goes to standard error. */
static void divert(call_options *o)
{
    if (o->data_out == NULL || strcmp(o->data_out, "-") != 0)
        return;
    (void)fflush(stdout);
    o->data_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    (void)dup2(STDERR_FILENO, STDOUT_FILENO);
}

int so_cli_call(int argc, char **argv)
{
    command c = {.code = SO_EXIT_OK};
    int code = call_options_parse(&c.options, argc, argv);

    if (code < 0) {
        (void)signal(SIGPIPE, SIG_IGN);
        divert(&c.options);
        code = run(&c);
    }
    if (c.options.data_fd >= 0)
        (void)close(c.options.data_fd);
    so_invite_wipe(&c.options.invite);
    return code;
}
