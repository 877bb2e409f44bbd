/* A server without its limits, and what it takes from its options. */
#include "weak/weak.h"

#include "net/http.h"
#include "net/ws.h"
#include "server/limits.h"
#include "server/serve.h"

#define FOR_EVER 3600

bool weak_serves;

int __real_so_serve(const so_options *options, so_error *err);
bool __real_so_bucket_take(so_bucket *bucket, unsigned rate, unsigned per, unsigned burst, so_msec now);
bool __real_so_limits_may_join(so_limits *limits, so_source *source, so_msec now);
so_limits *__real_so_limits_new(const uint8_t seed[16], unsigned max_connections, unsigned per_address,
                                unsigned joins_a_minute);
so_http *__real_so_http_new(so_http_side side, size_t limit, size_t body_limit);
so_ws_pool *__real_so_ws_pool_new(bool client, size_t message_limit, const so_ws_events *events);

int __wrap_so_serve(const so_options *options, so_error *err)
{
    so_options changed = *options;

    weak_serves = true;
    if (weak("slow-tls"))
        changed.tls_timeout = FOR_EVER;
    if (weak("slow-head"))
        changed.header_timeout = FOR_EVER;
    if (weak("slow-join"))
        changed.join_timeout = FOR_EVER;
    return __real_so_serve(&changed, err);
}

bool __wrap_so_bucket_take(so_bucket *bucket, unsigned rate, unsigned per, unsigned burst, so_msec now)
{
    return weak("limit-rate") || __real_so_bucket_take(bucket, rate, per, burst, now);
}

bool __wrap_so_limits_may_join(so_limits *limits, so_source *source, so_msec now)
{
    return weak("limit-joins") || __real_so_limits_may_join(limits, source, now);
}

so_limits *__wrap_so_limits_new(const uint8_t seed[16], unsigned max_connections, unsigned per_address,
                                unsigned joins_a_minute)
{
    return __real_so_limits_new(seed, max_connections, weak("limit-connections") ? max_connections : per_address,
                                joins_a_minute);
}

so_http *__wrap_so_http_new(so_http_side side, size_t limit, size_t body_limit)
{
    return __real_so_http_new(side, side == SO_HTTP_REQUESTS && weak("limit-head") ? 10 * limit : limit, body_limit);
}

so_ws_pool *__wrap_so_ws_pool_new(bool client, size_t message_limit, const so_ws_events *events)
{
    return __real_so_ws_pool_new(client, weak_server("limit-message") ? message_limit + 100 : message_limit, events);
}
