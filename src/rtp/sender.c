#include "rtp/sender.h"

#include <string.h>

#define EARLY_REPORTS 5
#define FIRST_INTERVAL 500 /* ms: half the minimum for the first report (§6.2) */
#define EARLY_INTERVAL 1000
#define INTERVAL 5000 /* the minimum of §6.2 */

so_status so_rtp_sender_init(so_rtp_sender *sender, uint8_t type, uint32_t clock_rate, const so_random *random)
{
    uint8_t bytes[10] = {0};
    so_reader r = so_reader_of(bytes, sizeof bytes);
    so_status status;

    memset(sender, 0, sizeof *sender);
    status = so_random_fill(random, bytes, sizeof bytes);
    if (status != SO_OK)
        return status;
    sender->type = type;
    sender->clock_rate = clock_rate;
    sender->ssrc = so_read_u32(&r);
    sender->offset = so_read_u32(&r);
    sender->seq = so_read_u16(&r) & 0x7fff;
    return SO_OK;
}

void so_rtp_sender_next(so_rtp_sender *sender, uint32_t media_time, bool marker, size_t payload_len, so_msec now,
                        so_rtp_packet *packet)
{
    memset(packet, 0, sizeof *packet);
    packet->marker = marker;
    packet->type = sender->type;
    packet->seq = sender->seq++;
    packet->timestamp = media_time + sender->offset;
    packet->ssrc = sender->ssrc;
    sender->packets++;
    sender->octets += payload_len;
    sender->last_time = media_time;
    sender->last_at = now;
}

void so_rtp_sender_report(const so_rtp_sender *sender, uint64_t ntp, so_msec now, so_rtcp_sender *out)
{
    so_msec since = now > sender->last_at ? now - sender->last_at : 0;

    /* "corresponds to the same time as the NTP timestamp", most often between two packets (§6.4.1) */
    *out = (so_rtcp_sender){
        .ssrc = sender->ssrc,
        .ntp = ntp,
        .rtp = sender->offset + sender->last_time +
               (uint32_t)(since / 1000 * sender->clock_rate + since % 1000 * sender->clock_rate / 1000),
        .packets = (uint32_t)sender->packets,
        .octets = (uint32_t)sender->octets,
    };
}

/* interval × [0.5, 1.5] (§6.3.1) */
static so_status set_due(so_rtcp_timer *timer, so_msec now, so_msec interval)
{
    uint8_t bytes[2] = {0};
    so_status status = so_random_fill(&timer->random, bytes, sizeof bytes);

    if (status != SO_OK)
        return status;
    timer->due = now + interval / 2 + interval * (uint64_t)(bytes[0] << 8 | bytes[1]) / 65535;
    return SO_OK;
}

so_status so_rtcp_timer_start(so_rtcp_timer *timer, const so_random *random, so_msec now)
{
    *timer = (so_rtcp_timer){.random = *random};
    return set_due(timer, now, FIRST_INTERVAL);
}

bool so_rtcp_timer_due(const so_rtcp_timer *timer, so_msec now)
{
    return now >= timer->due;
}

so_status so_rtcp_timer_sent(so_rtcp_timer *timer, so_msec now)
{
    if (timer->sent < EARLY_REPORTS)
        timer->sent++;
    return set_due(timer, now, timer->sent < EARLY_REPORTS ? EARLY_INTERVAL : INTERVAL);
}
