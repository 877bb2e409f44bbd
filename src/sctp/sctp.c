#include "sctp/inside.h"

#include <errno.h>
#include <stdlib.h>

/* How often the timers run: while something is under way, and else. */
#define STEP_BUSY 20
#define STEP_IDLE 1000
/* So long after the last packet an acknowledgement may still be due. */
#define LIVELY 500

/* Events that may wait; while there are more, packets are dropped, and the other end waits and sends them again. */
#define EVENTS_MAX 4096
#define EVENT_BYTES_MAX ((size_t)2 * 1024 * 1024)

/* usrsctp's own buffers. Two of the largest messages fit out; in, more than twice the point where it delivers in parts.
 */
#define SEND_BUFFER (2 * (int)SO_SCTP_MESSAGE_MAX)
#define RECEIVE_BUFFER (4 * (int)SO_SCTP_MESSAGE_MAX)

bool so_sctp_over(const so_sctp *s)
{
    return s->state == SO_SCTP_CLOSED || s->state == SO_SCTP_FAILED;
}

void so_sctp_fail(so_sctp *s, so_status status, const char *text)
{
    if (so_sctp_over(s))
        return;
    s->state = SO_SCTP_FAILED;
    (void)so_fail(&s->error, status, SO_SCTP_LAYER, "%s", text);
}

void so_sctp_tell(so_sctp *s, const so_sctp_event *event, void *memory)
{
    so_heard *heard = malloc(sizeof *heard);

    if (heard == NULL) {
        free(memory);
        so_sctp_fail(s, SO_NO_MEMORY, "no memory for what data channels bring; end other programs or calls");
        return;
    }
    *heard = (so_heard){.event = *event, .memory = memory};
    *s->last = heard;
    s->last = &heard->next;
    s->heard++;
    s->heard_bytes += event->bytes.len;
}

static void forget(so_heard *heard)
{
    if (heard != NULL)
        free(heard->memory);
    free(heard);
}

static bool set(so_sctp *s, int level, int name, const void *value, size_t len)
{
    return usrsctp_setsockopt(s->socket, level, name, value, (socklen_t)len) == 0;
}

static bool set_timers(so_sctp *s)
{
    struct sctp_initmsg init = {SO_SCTP_STREAMS, SO_SCTP_STREAMS, 50, 2000};
    struct sctp_rtoinfo rto = {.srto_initial = 500, .srto_max = 10000, .srto_min = 250};
    struct sctp_sack_info sack = {.sack_delay = 100, .sack_freq = 2};
    /* Whether there still is another end is consent's to find (RFC 7675), not a count of what was sent again. */
    struct sctp_assocparams patience = {.sasoc_asocmaxrxt = UINT16_MAX};

    return set(s, IPPROTO_SCTP, SCTP_INITMSG, &init, sizeof init) &&
           set(s, IPPROTO_SCTP, SCTP_RTOINFO, &rto, sizeof rto) &&
           set(s, IPPROTO_SCTP, SCTP_DELAYED_SACK, &sack, sizeof sack) &&
           set(s, IPPROTO_SCTP, SCTP_ASSOCINFO, &patience, sizeof patience);
}

static bool set_events(so_sctp *s)
{
    static const uint16_t kinds[] = {SCTP_ASSOC_CHANGE, SCTP_STREAM_RESET_EVENT, SCTP_SHUTDOWN_EVENT};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct sctp_event event = {.se_assoc_id = SCTP_FUTURE_ASSOC, .se_type = kinds[i], .se_on = 1};

        if (!set(s, IPPROTO_SCTP, SCTP_EVENT, &event, sizeof event))
            return false;
    }
    return true;
}

static bool set_up(so_sctp *s)
{
    struct linger linger = {1, 0}; /* closing is an ABORT, and then it is gone */
    struct sctp_assoc_value resets = {SCTP_FUTURE_ASSOC, SCTP_ENABLE_RESET_STREAM_REQ};
    struct sockaddr_conn address = so_sctp_address(s, s->config.local_port);
    int sending = SEND_BUFFER, receiving = RECEIVE_BUFFER, on = 1;
    /* Only what is longer than it may be comes in parts; so parts are a broken rule, and need no putting together. */
    uint32_t part = (uint32_t)s->config.receive_max + 1;

    s->socket = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, so_sctp_heard, NULL, 0, (void *)s->number);
    return s->socket != NULL && usrsctp_set_non_blocking(s->socket, 1) == 0 &&
           set(s, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) &&
           set(s, SOL_SOCKET, SO_SNDBUF, &sending, sizeof sending) &&
           set(s, SOL_SOCKET, SO_RCVBUF, &receiving, sizeof receiving) &&
           set(s, IPPROTO_SCTP, SCTP_PARTIAL_DELIVERY_POINT, &part, sizeof part) &&
           set(s, IPPROTO_SCTP, SCTP_NODELAY, &on, sizeof on) &&
           set(s, IPPROTO_SCTP, SCTP_ENABLE_STREAM_RESET, &resets, sizeof resets) && set_timers(s) && set_events(s) &&
           usrsctp_bind(s->socket, (struct sockaddr *)&address, sizeof address) == 0;
}

static bool is_sound(const so_sctp_config *config)
{
    return config->local_port != 0 && config->remote_port != 0 && config->receive_max > 0 &&
           config->receive_max <= SO_SCTP_MESSAGE_MAX && config->send_max > 0 &&
           config->send_max <= SO_SCTP_MESSAGE_MAX && config->queue_max >= config->send_max;
}

so_status so_sctp_new(so_sctp **out, const so_sctp_config *config, so_error *err)
{
    so_sctp *s;
    bool ok;

    *out = NULL;
    if (!is_sound(config))
        return so_fail(err, SO_BAD_INPUT, SO_SCTP_LAYER,
                       "a port is 0, or a limit of messages is none; take them from descriptions that were checked");
    s = calloc(1, sizeof *s);
    if (s == NULL)
        return so_fail(err, SO_NO_MEMORY, SO_SCTP_LAYER, "no memory for data channels; end other programs or calls");
    s->config = *config;
    s->streams_out = SO_SCTP_STREAMS;
    s->now = s->lively = config->now;
    s->last = &s->first;
    so_sctp_lock();
    so_sctp_join(s);
    ok = set_up(s);
    so_sctp_unlock();
    if (!ok) {
        so_sctp_free(s);
        return so_fail(err, SO_NO_MEMORY, SO_SCTP_LAYER,
                       "usrsctp can't begin an association; check that memory is free and usrsctp is whole");
    }
    *out = s;
    return SO_OK;
}

static void close_socket(so_sctp *s)
{
    struct socket *socket = s->socket;

    s->socket = NULL;
    if (socket != NULL)
        usrsctp_close(socket);
}

void so_sctp_free(so_sctp *s)
{
    if (s == NULL)
        return;
    so_sctp_lock();
    if (!so_sctp_over(s))
        s->state = SO_SCTP_CLOSED; /* what usrsctp still says is of no interest */
    close_socket(s);
    so_sctp_leave(s);
    so_sctp_unlock();
    for (size_t i = 0; i < SO_SCTP_CHANNELS; i++)
        so_channel_drop_waiting(s, &s->channels[i]);
    while (s->first != NULL) {
        so_heard *heard = s->first;

        s->first = heard->next;
        forget(heard);
    }
    forget(s->taken);
    free(s);
}

/* Is anything under way that needs timers soon? */
static bool owes(so_sctp *s)
{
    if (s->state == SO_SCTP_AWAITS_PEER || s->buffered > 0)
        return true;
    for (size_t i = 0; i < SO_SCTP_CHANNELS; i++)
        if (s->channels[i].state == SO_CHANNEL_AWAITS_RESET || s->channels[i].held)
            return true;
    return so_sctp_under_way(s);
}

static void enter(so_sctp *s, so_msec now)
{
    so_sctp_lock();
    if (now > s->now)
        s->now = now;
}

/* The end of every input: what has become possible is done. */
static void leave(so_sctp *s)
{
    if (!so_sctp_over(s))
        so_early_release(s);
    so_sctp_pump(s);
    if (so_sctp_over(s)) {
        for (size_t i = 0; i < SO_SCTP_CHANNELS; i++)
            so_channel_drop_waiting(s, &s->channels[i]);
        close_socket(s);
    }
    s->owes = s->socket != NULL && s->state != SO_SCTP_AWAITS_START && owes(s);
    so_sctp_unlock();
}

/*
 * The size of packets is known to be right, so there is no looking for it. And the only path there is is never given
 * up: what waits for a path that usrsctp takes for unreachable would wait for the next heartbeat.
 */
static bool fix_path(so_sctp *s, const struct sockaddr_conn *peer)
{
    struct sctp_paddrparams path = {
        .spp_flags = SPP_PMTUD_DISABLE | SPP_HB_ENABLE, .spp_hbinterval = 30000, .spp_pathmaxrxt = UINT16_MAX};

    memcpy(&path.spp_address, peer, sizeof *peer);
    path.spp_pathmtu = SO_SCTP_MTU - (uint32_t)sizeof(struct sctp_common_header);
    return set(s, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &path, sizeof path);
}

void so_sctp_start(so_sctp *s, so_msec now)
{
    enter(s, now);
    if (s->state == SO_SCTP_AWAITS_START) {
        struct sockaddr_conn peer = so_sctp_address(s, s->config.remote_port);

        so_sctp_advance(now);
        s->state = SO_SCTP_AWAITS_PEER;
        /* EINPROGRESS, as usrsctp may not wait for an answer */
        if ((usrsctp_connect(s->socket, (struct sockaddr *)&peer, sizeof peer) != 0 && errno != EINPROGRESS) ||
            !fix_path(s, &peer))
            so_sctp_fail(s, SO_NO_MEMORY,
                         "usrsctp can't begin an association; check that memory is free and usrsctp is whole");
    }
    leave(s);
}

void so_sctp_receive(so_sctp *s, so_msec now, so_slice packet)
{
    enter(s, now);
    so_sctp_advance(now);
    if ((s->state == SO_SCTP_AWAITS_PEER || s->state == SO_SCTP_OPEN) &&
        packet.len >= sizeof(struct sctp_common_header) && packet.len <= UINT16_MAX && s->heard <= EVENTS_MAX &&
        s->heard_bytes <= EVENT_BYTES_MAX) {
        s->lively = s->now;
        so_early_take(s, packet);
    }
    leave(s);
}

void so_sctp_tick(so_sctp *s, so_msec now)
{
    enter(s, now);
    so_sctp_advance(now);
    leave(s);
}

void so_sctp_close(so_sctp *s, so_msec now)
{
    enter(s, now);
    if (!so_sctp_over(s))
        s->state = SO_SCTP_CLOSED;
    leave(s);
}

bool so_sctp_transmit(so_sctp *s, uint8_t out[SO_SCTP_MTU], size_t *len)
{
    bool any;

    so_sctp_lock();
    any = s->packets > 0;
    if (any) {
        const so_packet *packet = &s->ring[s->packet_first];

        memcpy(out, packet->bytes, packet->len);
        *len = packet->len;
        s->packets--;
        /* From its beginning again where it is empty: what was never used of it takes no memory. */
        s->packet_first = s->packets == 0 ? 0 : (s->packet_first + 1) % SO_SCTP_PACKETS;
    }
    so_sctp_unlock();
    return any;
}

bool so_sctp_event_next(so_sctp *s, so_sctp_event *event)
{
    bool any = true;

    so_sctp_lock();
    forget(s->taken);
    s->taken = s->first;
    if (s->taken != NULL) {
        *event = s->taken->event;
        s->first = s->taken->next;
        if (s->first == NULL)
            s->last = &s->first;
        s->heard--;
        s->heard_bytes -= event->bytes.len;
    } else if (s->state == SO_SCTP_FAILED && !s->told) {
        s->told = true;
        *event = (so_sctp_event){.kind = SO_SCTP_ENDED};
    } else {
        any = false;
    }
    so_sctp_unlock();
    return any;
}

so_msec so_sctp_deadline(so_sctp *s)
{
    so_msec deadline;

    so_sctp_lock();
    if (s->packets > 0 || s->first != NULL || (s->state == SO_SCTP_FAILED && (s->socket != NULL || !s->told)))
        deadline = s->now; /* another thread's tick brought it, or it was not drained */
    else if (s->socket == NULL || s->state == SO_SCTP_AWAITS_START)
        deadline = UINT64_MAX;
    else
        deadline = s->now + (s->owes || s->now - s->lively < LIVELY ? STEP_BUSY : STEP_IDLE);
    so_sctp_unlock();
    return deadline;
}

static bool free_id(so_sctp *s, uint16_t *id)
{
    for (unsigned i = s->config.role == SO_SCTP_CLIENT ? 0 : 1; i < s->streams_out; i += 2)
        if (so_channel_find(s, (uint16_t)i) == NULL) {
            *id = (uint16_t)i;
            return true;
        }
    return false;
}

static so_status make_channel(so_sctp *s, const so_sctp_channel *channel, uint16_t *id)
{
    uint8_t open[SO_DCEP_OPEN_MAX];
    so_channel *c;

    if (so_sctp_over(s))
        return SO_STATE;
    if (channel->label.len > SO_SCTP_NAME_MAX || channel->protocol.len > SO_SCTP_NAME_MAX)
        return SO_BAD_INPUT;
    *id = channel->id;
    if (channel->negotiated && (*id >= s->streams_out || so_channel_find(s, *id) != NULL))
        return SO_BAD_INPUT;
    if (!channel->negotiated && !free_id(s, id))
        return SO_TOO_LONG;
    c = so_channel_make(s, *id, channel);
    if (c == NULL)
        return SO_TOO_LONG;
    if (!channel->negotiated &&
        !so_channel_queue(s, c, SO_PPID_DCEP, (so_slice){open, so_dcep_write_open(open, channel)}, 0))
        return SO_NO_MEMORY;
    return SO_OK;
}

so_status so_sctp_open_channel(so_sctp *s, so_msec now, const so_sctp_channel *channel, uint16_t *id)
{
    so_status status;

    enter(s, now);
    status = make_channel(s, channel, id);
    leave(s);
    return status;
}

static so_status queue_message(so_sctp *s, uint16_t channel, bool text, so_slice message)
{
    static const uint8_t nothing[1] = {0}; /* SCTP has no empty messages (RFC 8831 §6.6) */
    so_channel *c = so_channel_find(s, channel);
    uint32_t ppid = text ? SO_PPID_TEXT : SO_PPID_BINARY;

    if (so_sctp_over(s))
        return SO_STATE;
    if (c == NULL)
        return SO_NOT_FOUND;
    if (c->state != SO_CHANNEL_OPEN)
        return SO_STATE;
    if (message.len > s->config.send_max)
        return SO_BAD_INPUT;
    if (message.len == 0) {
        message = (so_slice){nothing, sizeof nothing};
        ppid = text ? SO_PPID_TEXT_EMPTY : SO_PPID_BINARY_EMPTY;
    }
    if (message.len > s->config.queue_max - s->buffered)
        return SO_TOO_LONG;
    return so_channel_queue(s, c, ppid, message, message.len) ? SO_OK : SO_NO_MEMORY;
}

so_status so_sctp_send(so_sctp *s, so_msec now, uint16_t channel, bool text, so_slice message)
{
    so_status status;

    enter(s, now);
    status = queue_message(s, channel, text, message);
    leave(s);
    return status;
}

size_t so_sctp_buffered(so_sctp *s, uint16_t channel)
{
    so_channel *c;
    size_t bytes;

    so_sctp_lock();
    c = so_channel_find(s, channel);
    bytes = c == NULL ? 0 : c->buffered;
    so_sctp_unlock();
    return bytes;
}

void so_sctp_set_low_mark(so_sctp *s, uint16_t channel, size_t bytes)
{
    so_channel *c;

    so_sctp_lock();
    c = so_channel_find(s, channel);
    if (c != NULL)
        c->low_mark = bytes;
    so_sctp_unlock();
}

void so_sctp_close_channel(so_sctp *s, so_msec now, uint16_t channel)
{
    so_channel *c;

    enter(s, now);
    c = so_channel_find(s, channel);
    if (c != NULL)
        c->state = SO_CHANNEL_AWAITS_RESET;
    leave(s);
}

so_sctp_state so_sctp_state_of(so_sctp *s)
{
    so_sctp_state state;

    so_sctp_lock();
    state = s->state;
    so_sctp_unlock();
    return state;
}

const so_error *so_sctp_error(const so_sctp *s)
{
    return &s->error;
}
