#include "server/serve.h"

#include "net/stream.h"
#include "net/url.h"
#include "server/console.h"
#include "server/identity.h"
#include "server/listen.h"
#include "server/redirect.h"
#include "server/session.h"
#include "server/settings.h"

#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define MINUTE 60000
#define SETTLE 200 /* certificate and key are written one after the other: wait until both are there */
#define WATCHES 2
#define KEPT_MEMORY (8 << 20)
#define SPARE_FILES 64 /* listeners, certificate files, the loop's own */

typedef struct connection connection;

typedef struct server {
    const so_options *options;
    so_loop loop;
    so_hub hub;
    so_console console;
    so_identity identity;
    so_listeners listeners;
    so_redirect *redirect;
    connection *connections;
    size_t live;
    uv_signal_t term, interrupt, hangup;
    uv_timer_t away, upkeep, settle, drain;
    uv_fs_event_t watches[WATCHES];
    char public_origin[300];
    so_settings settings;
    unsigned minutes;
    bool stopping;
} server;

struct connection {
    server *server;
    so_stream *stream;
    so_session *session;
    uv_timer_t timer;
    so_msec armed;
    connection *next, *prev;
};

static void tell_time(server *sv)
{
    sv->hub.now = so_loop_now(&sv->loop);
    sv->hub.unix_now = (so_unix)time(NULL);
}

/* ---- connections ---- */

static void on_deadline(uv_timer_t *timer);

static void arm(connection *c)
{
    so_msec deadline = so_session_deadline(c->session);

    if (deadline == c->armed)
        return;
    c->armed = deadline;
    if (deadline == UINT64_MAX)
        (void)uv_timer_stop(&c->timer);
    else
        (void)uv_timer_start(&c->timer, on_deadline, deadline > c->server->hub.now ? deadline - c->server->hub.now : 0,
                             0);
}

static void on_deadline(uv_timer_t *timer)
{
    connection *c = timer->data;

    tell_time(c->server);
    c->armed = 0;
    so_session_tick(c->session);
    arm(c);
}

static void arm_away(server *sv);

static void on_away(uv_timer_t *timer)
{
    tell_time(timer->data);
    arm_away(timer->data);
}

static void arm_away(server *sv)
{
    so_msec at = so_rooms_tick(sv->hub.rooms, sv->hub.now);

    if (at != 0 && !uv_is_active((uv_handle_t *)&sv->away))
        (void)uv_timer_start(&sv->away, on_away, at > sv->hub.now ? at - sv->hub.now : 0, 0);
}

static void on_open(so_stream *stream, void *user)
{
    connection *c = user;

    (void)stream;
    tell_time(c->server);
    so_session_opened(c->session);
    arm(c);
}

static void on_data(so_stream *stream, void *user, const uint8_t *bytes, size_t len)
{
    connection *c = user;

    (void)stream;
    tell_time(c->server);
    so_session_data(c->session, bytes, len);
    arm(c);
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void stop_if_empty(server *sv)
{
    if (sv->stopping && sv->live == 0)
        so_loop_stop(&sv->loop);
}

static void on_closed(so_stream *stream, void *user, const so_error *why)
{
    connection *c = user;
    server *sv = c->server;

    (void)stream;
    tell_time(sv);
    if (why->status != SO_OK)
        so_log_line(&sv->console.log, SO_LOG_DEBUG, why->layer, "%s", why->text);
    so_session_closed(c->session);
    *(c->prev != NULL ? &c->prev->next : &sv->connections) = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    uv_close((uv_handle_t *)&c->timer, on_timer_closed);
    sv->live--;
    arm_away(sv);
    stop_if_empty(sv);
}

static const so_stream_events stream_events = {.open = on_open, .data = on_data, .closed = on_closed};

static void io_write(void *user, const void *bytes, size_t len)
{
    so_stream_write(((connection *)user)->stream, bytes, len);
}

static void io_finish(void *user)
{
    so_stream_finish(((connection *)user)->stream);
}

static void io_abort(void *user)
{
    so_stream_abort(((connection *)user)->stream);
}

static size_t io_backlog(void *user)
{
    return so_stream_backlog(((connection *)user)->stream);
}

static so_tls_facts io_facts(void *user)
{
    return so_stream_facts(((connection *)user)->stream);
}

static const so_session_io session_io = {
    .write = io_write, .finish = io_finish, .abort = io_abort, .backlog = io_backlog, .facts = io_facts};

/* Bound to its connection only if all goes well; until then its end concerns nobody. */
static void on_orphan_closed(so_stream *stream, void *user, const so_error *why)
{
    (void)stream;
    (void)user;
    (void)why;
}

static const so_stream_events orphan_events = {.open = NULL, .data = NULL, .closed = on_orphan_closed};

static void admit(server *sv, so_stream *stream, connection *c)
{
    uint8_t address[16] = {0}; /* a peer that is gone already has none */
    so_source *source = NULL;
    so_admission admission = SO_TURNED_AWAY;

    if (so_stream_peer(stream, address) == SO_OK)
        admission = so_limits_enter(sv->hub.limits, address, &source);
    so_console_connection(&sv->console, address, admission);
    if (source != NULL)
        c->session = so_session_new(&sv->hub, &session_io, c, source, admission == SO_ADMITTED_TO_BE_TOLD);
    if (c->session == NULL) {
        if (source != NULL)
            so_limits_leave(sv->hub.limits, source, sv->hub.now);
        free(c);
        so_stream_abort(stream);
        return;
    }
    c->server = sv;
    c->stream = stream;
    (void)uv_timer_init(&sv->loop.uv, &c->timer);
    c->timer.data = c;
    c->next = sv->connections;
    if (c->next != NULL)
        c->next->prev = c;
    sv->connections = c;
    sv->live++;
    so_stream_bind(stream, &stream_events, c);
    arm(c);
}

static void on_incoming(uv_stream_t *listener, void *user)
{
    server *sv = user;
    so_stream *stream = so_stream_accept(&sv->loop, listener, sv->identity.ctx, &orphan_events, NULL);
    connection *c;

    if (stream == NULL) {
        so_listener_turn_away(listener);
        return;
    }
    tell_time(sv);
    c = calloc(1, sizeof *c);
    if (c == NULL)
        so_stream_abort(stream);
    else
        admit(sv, stream, c);
}

/* ---- certificate ---- */

static bool host_is_ours(void *user, const char *host, size_t len)
{
    return so_identity_names(&((server *)user)->identity, host, len);
}

static void watch_certificate(server *sv);

static so_status load_identity(server *sv, so_identity *identity, so_error *err)
{
    so_status status = so_identity_load(identity, sv->options, sv->hub.unix_now, err);

    if (status == SO_OK && (status = so_policy_limit(&sv->settings.policy, identity->ctx, true, err)) != SO_OK)
        so_identity_free(identity);
    return status;
}

/* quiet: say nothing where nothing changed. */
static void reload(server *sv, const char *why, bool quiet)
{
    so_identity fresh;
    so_error err;
    bool same;

    tell_time(sv);
    if (load_identity(sv, &fresh, &err) != SO_OK) {
        so_console_reload(&sv->console, why, &err, NULL);
        watch_certificate(sv); /* the folder may be another one by now */
        return;
    }
    same = strcmp(fresh.sha256, sv->identity.sha256) == 0;
    /* Connections hold their own reference to the old context: none is dropped. */
    so_identity_free(&sv->identity);
    sv->identity = fresh;
    if (!same || !quiet || fresh.note_warns)
        so_console_reload(&sv->console, why, NULL, &sv->identity);
    watch_certificate(sv);
}

static void on_hangup(uv_signal_t *handle, int number)
{
    (void)number;
    reload(handle->data, "SIGHUP", false);
}

static void on_settled(uv_timer_t *timer)
{
    reload(timer->data, "the files changed", true);
}

/* Does an event in its folder concern this file? Also when the folder itself went (its own name), and when what links
   in it point through was swapped (..data, as Kubernetes does). */
static bool concerns(const char *path, const char *filename)
{
    const char *base = strrchr(path, '/');
    const char *folder_end = base == NULL ? path : base, *folder = folder_end;

    while (folder > path && folder[-1] != '/')
        folder--;
    return strcmp(filename, base == NULL ? path : base + 1) == 0 || strncmp(filename, "..", 2) == 0 ||
           (strlen(filename) == (size_t)(folder_end - folder) &&
            memcmp(filename, folder, (size_t)(folder_end - folder)) == 0);
}

static void on_change(uv_fs_event_t *watch, const char *filename, int events, int status)
{
    server *sv = watch->data;

    (void)events;
    if (status == 0 && filename != NULL && !concerns(sv->identity.cert_file, filename) &&
        !concerns(sv->identity.key_file, filename))
        return;
    (void)uv_timer_start(&sv->settle, on_settled, SETTLE, 0);
}

/* The folders, not the files: a file that is replaced by rename is another file. */
static void watch_certificate(server *sv)
{
    const char *const files[WATCHES] = {sv->identity.cert_file, sv->identity.key_file};

    for (unsigned i = 0; i < WATCHES; i++) {
        char *folder = strdup(files[i]), *slash = folder == NULL ? NULL : strrchr(folder, '/');

        (void)uv_fs_event_stop(&sv->watches[i]);
        if (slash != NULL)
            slash[slash == folder] = '\0';
        if (folder != NULL)
            (void)uv_fs_event_start(&sv->watches[i], on_change, slash == NULL ? "." : folder, 0);
        free(folder);
    }
}

static void on_upkeep(uv_timer_t *timer)
{
    server *sv = timer->data;

    tell_time(sv);
    so_limits_sweep(sv->hub.limits, sv->hub.now);
    if (++sv->minutes % 60 == 0)
        reload(sv, "hourly check", true); /* a leaf of the local CA is renewed in time */
}

/* ---- the way down ---- */

static void on_drained(uv_timer_t *timer)
{
    server *sv = timer->data;

    for (connection *c = sv->connections; c != NULL; c = c->next)
        so_stream_abort(c->stream);
    stop_if_empty(sv);
}

static void drain(server *sv, const char *why)
{
    if (sv->stopping) {
        on_drained(&sv->drain); /* asked twice: at once */
        return;
    }
    tell_time(sv);
    sv->stopping = sv->hub.draining = true;
    so_console_draining(&sv->console, why, sv->live);
    so_listeners_close(&sv->listeners);
    so_redirect_close(sv->redirect);
    sv->redirect = NULL;
    for (connection *c = sv->connections, *next; c != NULL; c = next) {
        next = c->next;
        so_session_drain(c->session);
        arm(c);
    }
    (void)uv_timer_start(&sv->drain, on_drained, (uint64_t)(sv->options->drain_timeout * 1000), 0);
    stop_if_empty(sv);
}

static void on_terminate(uv_signal_t *handle, int number)
{
    drain(handle->data, number == SIGINT ? "SIGINT" : "SIGTERM");
}

/* ---- the way up ---- */

static so_status make_hub(server *sv, so_error *err)
{
    static const so_rooms_events rooms_events = {.send = so_session_send, .displaced = so_session_displaced};
    const so_options *o = sv->options;
    uint8_t seed[16];
    so_status status;

    if (so_random_fill(&so_random_system, seed, sizeof seed) != SO_OK)
        return so_fail(err, SO_CRYPTO, "server", "the system gives no random numbers; nothing can be kept secret here");
    sv->hub.options = o;
    sv->hub.log = &sv->console.log;
    sv->hub.public_origin = sv->public_origin;
    sv->hub.host_is_ours = host_is_ours;
    sv->hub.user = sv;
    sv->hub.rooms = so_rooms_new(so_random_system, o->max_rooms, (so_msec)(o->resume_timeout * 1000), &rooms_events);
    sv->hub.limits = so_limits_new(seed, o->max_connections, o->connections_per_address, o->joins_per_minute);
    sv->hub.ws_pool = so_ws_pool_new(false, o->max_message, &so_session_ws_events);
    if (sv->hub.rooms == NULL || sv->hub.limits == NULL || sv->hub.ws_pool == NULL)
        return so_fail(err, SO_NO_MEMORY, "server", "not enough memory to start");
    status = so_settings_read(&sv->settings, o, sv->hub.unix_now, err);
    sv->hub.ice = sv->settings.ice;
    sv->hub.rehearsal_token = so_pem_slice(&sv->settings.rehearsal_token);
    sv->hub.policy = sv->settings.policy_text[0] == '\0' ? NULL : sv->settings.policy_text;
    return status;
}

static so_status settle_public_origin(server *sv, so_error *err)
{
    so_url url;
    so_status status = SO_OK;

    if (sv->options->public_url == NULL) {
        (void)snprintf(sv->public_origin, sizeof sv->public_origin, "https://localhost:%u", sv->listeners.first_port);
        return SO_OK;
    }
    status = so_url_parse(&url, sv->options->public_url, err);
    if (status == SO_OK)
        (void)snprintf(sv->public_origin, sizeof sv->public_origin, "%s", url.origin);
    return status;
}

/* Ten thousand calls are ten thousand sockets: take as many as the system allows without asking. */
static void raise_file_limit(const server *sv)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < sv->options->max_connections + SPARE_FILES)
        so_log_line(&sv->console.log, SO_LOG_WARN, "server",
                    "the system allows %llu open files, fewer than --max-connections %u needs; raise ulimit -n or "
                    "lower --max-connections",
                    (unsigned long long)files.rlim_cur, sv->options->max_connections);
}

/*
 * Each handshake and each record takes buffers of 16 kB from the top of the heap and gives them back. As it comes,
 * glibc hands them on to the kernel each time and fetches them again page by page: up to a tenth of a handshake's cost.
 */
static void keep_freed_memory(void)
{
#ifdef M_TRIM_THRESHOLD
    (void)mallopt(M_TRIM_THRESHOLD, KEPT_MEMORY);
#endif
}

static void start_handles(server *sv)
{
    uv_loop_t *uv = &sv->loop.uv;
    uv_timer_t *timers[] = {&sv->away, &sv->upkeep, &sv->settle, &sv->drain};
    uv_signal_t *signals[] = {&sv->term, &sv->interrupt, &sv->hangup};

    for (size_t i = 0; i < sizeof timers / sizeof timers[0]; i++) {
        (void)uv_timer_init(uv, timers[i]);
        timers[i]->data = sv;
    }
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        (void)uv_signal_init(uv, signals[i]);
        signals[i]->data = sv;
    }
    for (unsigned i = 0; i < WATCHES; i++) {
        (void)uv_fs_event_init(uv, &sv->watches[i]);
        sv->watches[i].data = sv;
    }
    (void)uv_signal_start(&sv->term, on_terminate, SIGTERM);
    (void)uv_signal_start(&sv->interrupt, on_terminate, SIGINT);
    (void)uv_signal_start(&sv->hangup, on_hangup, SIGHUP);
    (void)uv_timer_start(&sv->upkeep, on_upkeep, MINUTE, MINUTE);
}

static void close_handle(uv_handle_t *handle, void *user)
{
    (void)user;
    if (!uv_is_closing(handle) && handle->type != UV_TCP && handle->type != UV_PREPARE && handle->type != UV_CHECK)
        uv_close(handle, NULL);
}

static so_status start(server *sv, so_error *err)
{
    so_status status;

    tell_time(sv);
    status = make_hub(sv, err);
    if (status == SO_OK)
        status = load_identity(sv, &sv->identity, err);
    if (status == SO_OK)
        status = so_listeners_open(&sv->listeners, &sv->loop, &sv->options->listen, on_incoming, sv, err);
    if (status == SO_OK)
        status = settle_public_origin(sv, err);
    if (status == SO_OK && sv->options->http != NULL)
        status = so_redirect_open(&sv->redirect, &sv->loop, sv->options->http, &sv->hub, err);
    return status;
}

static void tear_down(server *sv)
{
    so_listeners_close(&sv->listeners);
    so_redirect_close(sv->redirect);
    uv_walk(&sv->loop.uv, close_handle, NULL);
    so_loop_close(&sv->loop);
    so_rooms_free(sv->hub.rooms);
    so_limits_free(sv->hub.limits);
    so_ws_pool_free(sv->hub.ws_pool);
    so_identity_free(&sv->identity);
    so_settings_free(&sv->settings);
}

int so_serve(const so_options *options, so_error *err)
{
    server *sv = calloc(1, sizeof *sv);
    so_status status;

    if (sv == NULL || so_loop_open(&sv->loop) != SO_OK) {
        free(sv);
        (void)so_fail(err, SO_NO_MEMORY, "server", "not enough memory to start");
        return 1;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    keep_freed_memory();
    sv->options = options;
    status = so_console_init(&sv->console, options, err);
    start_handles(sv);
    if (status == SO_OK)
        status = start(sv, err);
    if (status == SO_OK) {
        watch_certificate(sv);
        so_console_listening(&sv->console, sv->public_origin, &sv->identity, &sv->listeners,
                             sv->redirect == NULL ? 0 : so_redirect_port(sv->redirect));
        raise_file_limit(sv);
        so_loop_run(&sv->loop);
        so_console_stopped(&sv->console, &sv->hub.counters);
    }
    tear_down(sv);
    free(sv);
    return status == SO_OK ? 0 : 1;
}
