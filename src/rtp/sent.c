#include "rtp/sent.h"

#include <string.h>

#define TURNED_MOST ((int64_t)1 << 40) /* 2,000 years: only a hostile peer's clock comes so far */

void so_sent_init(so_sent *sent)
{
    memset(sent, 0, sizeof *sent);
}

uint16_t so_sent_add(so_sent *sent, size_t bytes, so_usec now)
{
    sent->packets[sent->next & (SO_SENT_KEPT - 1)] =
        (so_sent_packet){.at = now, .bytes = bytes > UINT16_MAX ? UINT16_MAX : (uint16_t)bytes};
    if (sent->count < SO_SENT_KEPT)
        sent->count++;
    return sent->next++;
}

/* Reference times go round in 24 bits; each is taken to be the nearest to the one before. */
static int64_t turn(so_sent *sent, int32_t reference)
{
    uint32_t step = ((uint32_t)reference - (uint32_t)sent->reference) & 0xffffff;

    if (!sent->heard || sent->turned > TURNED_MOST || sent->turned < -TURNED_MOST)
        sent->turned = reference;
    else
        sent->turned += step < 0x800000 ? (int64_t)step : (int64_t)step - 0x1000000;
    sent->heard = true;
    sent->reference = reference;
    return sent->turned;
}

so_status so_sent_feedback(so_sent *sent, const so_rtcp_transport_cc *feedback, so_sent_results *results)
{
    so_status status = so_rtcp_arrivals_of(&results->arrivals, feedback);

    if (status != SO_OK)
        return status;
    results->offset = (turn(sent, feedback->reference) - feedback->reference) * 64000;
    return SO_OK;
}

bool so_sent_next(so_sent *sent, so_sent_results *results, so_sent_result *out)
{
    so_rtcp_arrival arrival;

    while (so_rtcp_arrival_next(&results->arrivals, &arrival)) {
        so_sent_packet *p = &sent->packets[arrival.number & (SO_SENT_KEPT - 1)];
        uint16_t ago = (uint16_t)(sent->next - arrival.number);
        so_sent_state state = arrival.received ? SO_SENT_RECEIVED : SO_SENT_LOST;

        /* Never sent, too long ago, or nothing new. */
        if (ago == 0 || ago > sent->count || p->state >= state)
            continue;
        *out = (so_sent_result){
            .number = arrival.number,
            .bytes = p->bytes,
            .sent = p->at,
            .received = arrival.received,
            .before = p->state == SO_SENT_LOST,
            .arrived = arrival.received ? arrival.at + results->offset : 0,
        };
        p->state = (uint8_t)state;
        return true;
    }
    return false;
}
