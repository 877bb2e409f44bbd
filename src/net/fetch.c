#include "net/fetch.h"

#include "net/stream.h"

#include <string.h>

#define HEAD_MAX 16384
#define BODY_MAX ((size_t)1 << 20)

typedef struct fetch {
    const so_fetch_request *request;
    so_loop loop;
    so_stream *stream; /* NULL once it is closed */
    so_http *http;
    uv_timer_t timer;
    so_error *err;
    bool whole, failed;
} fetch;

static void fail(fetch *f, so_status status, const char *layer, const char *text)
{
    /* What happens to the connection once the answer is whole concerns nobody. */
    if (f->failed || f->whole)
        return;
    (void)so_fail(f->err, status, layer, "%s", text);
    f->failed = true;
}

static void on_open(so_stream *stream, void *user)
{
    fetch *f = user;
    char head[1024];
    int len =
        snprintf(head, sizeof head, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nUser-Agent: sotto/%s\r\n\r\n",
                 f->request->target, f->request->url->origin + strlen("https://"), SOTTO_VERSION);

    so_stream_write(stream, head, (size_t)len);
}

static void on_data(so_stream *stream, void *user, const uint8_t *bytes, size_t len)
{
    fetch *f = user;
    size_t taken;
    so_http_result result;

    if (f->whole || f->failed)
        return;
    result = so_http_feed(f->http, bytes, len, &taken);
    if (result == SO_HTTP_BAD)
        fail(f, SO_BAD_INPUT, "HTTP", "the server's answer is not HTTP/1.1, or larger than any page of Sotto's");
    f->whole = result == SO_HTTP_MESSAGE;
    if (result != SO_HTTP_MORE)
        so_stream_finish(stream);
}

static void on_closed(so_stream *stream, void *user, const so_error *why)
{
    fetch *f = user;

    (void)stream;
    if (why->status != SO_OK)
        fail(f, why->status, why->layer, why->text);
    else if (!f->whole)
        fail(f, SO_IO, "HTTP", "the server closed the connection before its answer was whole; try again");
    f->stream = NULL;
    if (!uv_is_closing((uv_handle_t *)&f->timer))
        uv_close((uv_handle_t *)&f->timer, NULL);
}

static void on_timeout(uv_timer_t *timer)
{
    fetch *f = timer->data;

    fail(f, SO_IO, "connection", "the server did not answer in time; is it running, and the network there?");
    if (f->stream != NULL)
        so_stream_abort(f->stream);
}

static const so_stream_events events = {.open = on_open, .data = on_data, .closed = on_closed};

so_status so_fetch(const so_fetch_request *request, so_http **answer, so_error *err)
{
    fetch f = {.request = request, .err = err};

    if (so_loop_open(&f.loop) != SO_OK)
        return so_fail(err, SO_NO_MEMORY, "network", "not enough memory for a connection");
    f.http = so_http_new(SO_HTTP_RESPONSES, HEAD_MAX, BODY_MAX);
    (void)uv_timer_init(&f.loop.uv, &f.timer);
    f.timer.data = &f;
    if (f.http == NULL || so_stream_connect(&f.stream, &f.loop, request->ctx, request->url->host, request->url->port,
                                            request->connect_to, &events, &f) != SO_OK) {
        fail(&f, SO_NO_MEMORY, "network", "not enough memory for a connection");
        uv_close((uv_handle_t *)&f.timer, NULL);
    } else {
        (void)uv_timer_start(&f.timer, on_timeout, request->timeout, 0);
    }
    so_loop_run(&f.loop);
    so_loop_close(&f.loop);
    if (f.failed) {
        so_http_free(f.http);
        return err == NULL ? SO_IO : err->status;
    }
    *answer = f.http;
    return SO_OK;
}
