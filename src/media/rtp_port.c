#include "media/rtp_port.h"

#include "net/sockaddr.h"
#include "rtp/payload.h"
#include "rtp/sender.h"
#include "rtp/stats.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PACKET_MAX 1500 /* of other programs */
#define PAYLOAD 1200
#define FRAME_MAX ((size_t)1024 * 1024)
#define RECEIVE_BUFFER (1 << 20) /* a key frame comes at once */
#define PORTS 4                  /* sound, its RTCP, the picture, its RTCP */
#define REPORT_EVERY 1000        /* ms */
#define HEARD 8                  /* packets in a row that no closed port has answered: somebody listens */
#define LAYER "rtp"

static const uint8_t types[SO_MEDIA_CODECS] = {
    [SO_MEDIA_OPUS] = 111, [SO_MEDIA_PCMU] = 0, [SO_MEDIA_PCMA] = 8, [SO_MEDIA_VP8] = 96, [SO_MEDIA_H264] = 102};

static so_rtp_format format_of(so_media_codec codec)
{
    return codec == SO_MEDIA_VP8 ? SO_RTP_VP8 : codec == SO_MEDIA_H264 ? SO_RTP_H264 : SO_RTP_WHOLE;
}

static so_media_codec codec_of_type(uint8_t type, so_media_kind kind)
{
    for (so_media_codec c = SO_MEDIA_OPUS; c < SO_MEDIA_CODECS; c++)
        if (types[c] == type && so_media_codec_kind(c) == kind)
            return c;
    return SO_MEDIA_NONE;
}

/* ---- addresses ---- */

static bool is_loopback(const so_address *a)
{
    static const uint8_t one[16] = {[15] = 1};

    return a->family == 4 ? a->ip[0] == 127 : memcmp(a->ip, one, sizeof one) == 0;
}

so_status so_rtp_port_parse(so_address *address, const char *text, so_error *err)
{
    const char *colon = strrchr(text, ':');
    size_t len = colon == NULL ? 0 : (size_t)(colon - text);
    char ip[SO_ADDRESS_TEXT], *end = NULL;
    unsigned long port = colon == NULL ? 0 : strtoul(colon + 1, &end, 10);

    if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    }
    if (len == 0 || len >= sizeof ip || end == NULL || *end != '\0' || port == 0 || port > 65535 - PORTS + 1)
        return so_fail(err, SO_BAD_INPUT, LAYER, "give an address and a port up to %d, as in 127.0.0.1:5004",
                       65535 - PORTS + 1);
    memcpy(ip, text, len);
    ip[len] = '\0';
    if (so_address_parse(address, ip, (uint16_t)port) != SO_OK)
        return so_fail(err, SO_BAD_INPUT, LAYER, "give an address and no name, as in 127.0.0.1:5004");
    if (!is_loopback(address))
        return so_fail(err, SO_REFUSED, LAYER,
                       "plain RTP is sent and taken on this machine alone (127.0.0.1 or [::1]): on a network anybody "
                       "could hear it; let the other program run here, or join the call from there");
    return SO_OK;
}

static uint16_t port_of(const so_address *address, so_media_kind kind)
{
    return (uint16_t)(address->port + 2 * kind);
}

void so_rtp_port_describe(FILE *out, const so_address *address, so_media_codec audio, so_media_codec video)
{
    const so_media_codec codecs[] = {audio, video};
    char ip[SO_ADDRESS_TEXT];

    so_address_ip_text(address, ip);
    (void)fprintf(out, "v=0\r\no=- 0 0 IN IP%u %s\r\ns=sotto\r\nc=IN IP%u %s\r\nt=0 0\r\n", address->family, ip,
                  address->family, ip);
    for (size_t i = 0; i < 2; i++) {
        so_media_codec c = codecs[i];
        so_media_kind kind = so_media_codec_kind(c);

        if (c == SO_MEDIA_NONE)
            continue;
        (void)fprintf(out, "m=%s %u RTP/AVP %u\r\na=rtpmap:%u %s/%u%s\r\n", kind == SO_MEDIA_AUDIO ? "audio" : "video",
                      port_of(address, kind), types[c], types[c], so_media_codec_name(c), so_media_codec_clock(c),
                      c == SO_MEDIA_OPUS ? "/2" : "");
        if (c == SO_MEDIA_H264)
            (void)fprintf(out, "a=fmtp:%u packetization-mode=1\r\n", types[c]);
    }
}

static socklen_t to_sockaddr(const so_address *a, uint16_t port, struct sockaddr_storage *out)
{
    so_address at = *a;

    at.port = port;
    return so_sockaddr_of(out, &at);
}

static int open_socket(const so_address *address)
{
    int fd = socket(address->family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int size = RECEIVE_BUFFER;

    if (fd >= 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    return fd;
}

/* ---- in ---- */

typedef struct stream_in {
    int fd;
    so_media_codec codec;
    so_rtp_join *join;
    bool started, again; /* again: the packet in bytes is to be put once more */
    uint16_t next;
    uint32_t ssrc;
    size_t len;
    uint8_t bytes[PACKET_MAX];
} stream_in;

struct so_rtp_in {
    stream_in streams[SO_MEDIA_KINDS];
};

static so_status open_stream(stream_in *s, const so_address *address, so_media_kind kind, so_error *err)
{
    struct sockaddr_storage name;
    socklen_t len = to_sockaddr(address, port_of(address, kind), &name);

    s->fd = open_socket(address);
    if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&name, len) != 0)
        return so_fail(err, SO_IO, LAYER,
                       "port %u can't be used (%s); end the program that has it, or name another one",
                       port_of(address, kind), strerror(errno));
    if (so_rtp_join_new(&s->join, SO_RTP_VP8, kind == SO_MEDIA_VIDEO ? FRAME_MAX : 0) != SO_OK)
        return so_fail(err, SO_NO_MEMORY, LAYER, "no memory for a stream; end other programs");
    return SO_OK;
}

so_status so_rtp_in_open(so_rtp_in **out, const so_address *address, so_error *err)
{
    so_rtp_in *in = calloc(1, sizeof *in);
    so_status status = SO_OK;

    *out = NULL;
    if (in == NULL)
        return so_fail(err, SO_NO_MEMORY, LAYER, "no memory for a stream; end other programs");
    in->streams[SO_MEDIA_AUDIO].fd = in->streams[SO_MEDIA_VIDEO].fd = -1;
    for (so_media_kind kind = SO_MEDIA_AUDIO; status == SO_OK && kind < SO_MEDIA_KINDS; kind++)
        status = open_stream(&in->streams[kind], address, kind, err);
    if (status != SO_OK) {
        so_rtp_in_close(in);
        return status;
    }
    *out = in;
    return SO_OK;
}

void so_rtp_in_close(so_rtp_in *in)
{
    if (in == NULL)
        return;
    for (so_media_kind kind = SO_MEDIA_AUDIO; kind < SO_MEDIA_KINDS; kind++) {
        if (in->streams[kind].fd >= 0)
            (void)close(in->streams[kind].fd);
        so_rtp_join_free(in->streams[kind].join);
    }
    free(in);
}

int so_rtp_in_fd(const so_rtp_in *in, so_media_kind kind)
{
    return in->streams[kind].fd;
}

/* Bound to loopback, a socket gets what this machine sends, and nothing else. */
static bool next_packet(stream_in *s)
{
    ssize_t len;

    if (s->again)
        return true;
    len = recv(s->fd, s->bytes, sizeof s->bytes, 0);
    s->len = len < 0 ? 0 : (size_t)len;
    return len >= 0;
}

/* true: frame is filled. */
static bool take_packet(stream_in *s, so_media_kind kind, so_rtp_frame_in *frame)
{
    bool first = !s->again, gap;
    so_media_codec codec;
    so_rtp_joined joined;
    so_rtp_packet packet;
    so_rtp_frame whole;

    s->again = false;
    if (so_rtp_parse(&packet, s->bytes, s->len) != SO_OK || packet.payload_len == 0 ||
        (codec = codec_of_type(packet.type, kind)) == SO_MEDIA_NONE)
        return false;
    if (codec != s->codec || !s->started || packet.ssrc != s->ssrc) {
        so_rtp_join_reset(s->join, format_of(codec));
        s->codec = codec;
        s->ssrc = packet.ssrc;
        s->started = true;
        s->next = packet.seq;
    }
    gap = first && packet.seq != s->next;
    s->next = (uint16_t)(packet.seq + 1);
    joined = so_rtp_join_put(s->join, &packet, gap, &whole);
    s->again = joined == SO_RTP_JOIN_BEFORE;
    if (joined == SO_RTP_JOIN_MORE)
        return false;
    *frame = (so_rtp_frame_in){.codec = codec,
                               .bytes = whole.bytes,
                               .len = whole.len,
                               .rtp_time = whole.timestamp,
                               .key = whole.key,
                               .marker = packet.marker};
    return true;
}

bool so_rtp_in_next(so_rtp_in *in, so_media_kind kind, so_rtp_frame_in *frame)
{
    stream_in *s = &in->streams[kind];

    while (next_packet(s))
        if (take_packet(s, kind, frame))
            return true;
    return false;
}

/* ---- out ---- */

typedef struct stream_out {
    so_rtp_sender sender;
    int fd; /* connected, so that a closed port is told of */
    struct sockaddr_storage rtcp;
    socklen_t len;
    uint16_t picture_id;
    uint64_t reported_at;
    unsigned heard; /* packets in a row */
} stream_out;

struct so_rtp_out {
    int control; /* RTCP goes from here */
    bool wants_key;
    stream_out streams[SO_MEDIA_KINDS];
};

static so_status open_stream_out(stream_out *s, const so_address *address, so_media_kind kind, const so_random *random,
                                 so_error *err)
{
    struct sockaddr_storage rtp;

    s->len = to_sockaddr(address, port_of(address, kind), &rtp);
    (void)to_sockaddr(address, (uint16_t)(port_of(address, kind) + 1), &s->rtcp);
    s->fd = open_socket(address);
    if (s->fd < 0 || connect(s->fd, (struct sockaddr *)&rtp, s->len) != 0)
        return so_fail(err, SO_IO, LAYER, "no socket for plain RTP (%s); end other programs", strerror(errno));
    return so_rtp_sender_init(&s->sender, 0, 0, random) == SO_OK
               ? SO_OK
               : so_fail(err, SO_CRYPTO, LAYER, "no random numbers; check the system's source of them");
}

so_status so_rtp_out_open(so_rtp_out **out, const so_address *address, const so_random *random, so_error *err)
{
    so_rtp_out *o = calloc(1, sizeof *o);
    so_status status = SO_OK;

    *out = NULL;
    if (o == NULL)
        return so_fail(err, SO_NO_MEMORY, LAYER, "no memory for a stream; end other programs");
    o->streams[SO_MEDIA_AUDIO].fd = o->streams[SO_MEDIA_VIDEO].fd = -1;
    o->control = open_socket(address);
    if (o->control < 0)
        status = so_fail(err, SO_IO, LAYER, "no socket for plain RTP (%s); end other programs", strerror(errno));
    for (so_media_kind kind = SO_MEDIA_AUDIO; status == SO_OK && kind < SO_MEDIA_KINDS; kind++)
        status = open_stream_out(&o->streams[kind], address, kind, random, err);
    if (status != SO_OK) {
        so_rtp_out_close(o);
        return status;
    }
    *out = o;
    return SO_OK;
}

static void close_fd(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

void so_rtp_out_close(so_rtp_out *o)
{
    if (o == NULL)
        return;
    close_fd(o->control);
    close_fd(o->streams[SO_MEDIA_AUDIO].fd);
    close_fd(o->streams[SO_MEDIA_VIDEO].fd);
    free(o);
}

bool so_rtp_out_wants_key(so_rtp_out *o)
{
    bool wants = o->wants_key;

    o->wants_key = false;
    return wants;
}

/* A closed port of this machine answers each packet with an error, which the next one reports. */
static void send_packet(so_rtp_out *o, so_media_kind kind, const uint8_t *bytes, size_t len)
{
    stream_out *s = &o->streams[kind];

    if (send(s->fd, bytes, len, 0) < 0) {
        s->heard = errno == ECONNREFUSED ? 0 : s->heard; /* else the buffer is full, and the packet gone */
        return;
    }
    if (s->heard <= HEARD && ++s->heard == HEARD && kind == SO_MEDIA_VIDEO)
        o->wants_key = true;
}

/* Of this frame: so that the other program can put sound and picture together. */
static void report(so_rtp_out *o, stream_out *s, uint32_t rtp_time, uint64_t wall, uint64_t now)
{
    uint8_t bytes[128];
    so_writer w = so_writer_of(bytes, sizeof bytes);
    so_rtcp_sender sr = {.ssrc = s->sender.ssrc,
                         .ntp = so_ntp_of_unix_msec(wall),
                         .rtp = rtp_time + s->sender.offset,
                         .packets = (uint32_t)s->sender.packets,
                         .octets = (uint32_t)s->sender.octets};

    if (wall == 0 || (s->reported_at != 0 && now < s->reported_at + REPORT_EVERY))
        return;
    so_rtcp_write_sr(&w, &sr, NULL, 0);
    so_rtcp_write_cname(&w, sr.ssrc, "sotto");
    if (!w.failed && sendto(o->control, bytes, so_writer_len(&w), 0, (struct sockaddr *)&s->rtcp, s->len) >= 0)
        s->reported_at = now;
}

so_status so_rtp_out_send(so_rtp_out *o, so_media_codec codec, const uint8_t *bytes, size_t len, uint32_t rtp_time,
                          bool marker, uint64_t wall, uint64_t now_ms)
{
    so_media_kind kind = so_media_codec_kind(codec);
    stream_out *s = &o->streams[kind];
    bool video = kind == SO_MEDIA_VIDEO, last = false;
    uint8_t payload[PAYLOAD], out[PACKET_MAX];
    so_rtp_packet packet;
    so_rtp_split split;
    so_status status = so_rtp_split_begin(&split, format_of(codec), bytes, len, PAYLOAD, s->picture_id++);
    size_t payload_len, out_len;

    if (status != SO_OK)
        return status;
    s->sender.type = types[codec];
    report(o, s, rtp_time, wall, now_ms);
    while (so_rtp_split_next(&split, payload, &payload_len, &last)) {
        so_rtp_sender_next(&s->sender, rtp_time, video ? last : marker, payload_len, now_ms, &packet);
        packet.payload = payload;
        packet.payload_len = payload_len;
        status = so_rtp_write(out, sizeof out, &out_len, &packet, NULL, 0);
        if (status != SO_OK)
            return status;
        send_packet(o, kind, out, out_len);
    }
    return SO_OK;
}
