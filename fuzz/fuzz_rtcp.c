/* rtp/rtcp and rtp/feedback: any bytes. Every view lies inside them; reports that are written again say the same. */
#include "rtp/rtcp.h"

#include <stdlib.h>
#include <string.h>

static void check(bool good)
{
    if (!good)
        abort();
}

static void inside(const void *view, size_t view_len, const uint8_t *bytes, size_t len)
{
    const uint8_t *v = view;

    check(view_len == 0 || (v >= bytes && v + view_len <= bytes + len));
}

static void rewrite_report(const so_rtcp_packet *p)
{
    uint8_t out[4 + 24 + 31 * 24];
    so_writer w = so_writer_of(out, sizeof out);
    so_rtcp_block blocks[31];
    so_rtcp_sender sender;
    size_t count = 0;
    uint32_t ssrc;

    while (count < p->count && so_rtcp_read_block(p, count, &blocks[count]))
        count++;
    if (count < p->count)
        return;
    if (so_rtcp_read_sr(p, &sender))
        so_rtcp_write_sr(&w, &sender, blocks, count);
    else if (p->type == SO_RTCP_RR && so_rtcp_read_ssrc(p, &ssrc))
        so_rtcp_write_rr(&w, ssrc, blocks, count);
    else
        return;
    check(!w.failed && so_writer_len(&w) <= 4 + p->body_len);
    check(memcmp(out + 4, p->body, so_writer_len(&w) - 4) == 0);
}

static void read_feedback(const so_rtcp_packet *p, const uint8_t *bytes, size_t len)
{
    so_rtcp_feedback f;
    so_rtcp_nack nack;
    so_rtcp_fir fir;
    so_rtcp_remb remb;
    so_rtcp_transport_cc cc;
    size_t n;

    if (!so_rtcp_read_feedback(p, &f))
        return;
    inside(f.fci, f.fci_len, bytes, len);
    for (n = 0; so_rtcp_read_nack(&f, n, &nack); n++)
        ;
    check(f.kind != SO_RTCP_NACK || (n > 0 && n == f.fci_len / 4));
    for (n = 0; so_rtcp_read_fir(&f, n, &fir); n++)
        ;
    check(f.kind != SO_RTCP_FIR || (n > 0 && n == f.fci_len / 8));
    if (so_rtcp_read_remb(&f, &remb))
        inside(remb.ssrcs, 4 * (size_t)remb.count, bytes, len);
    else
        check(f.kind != SO_RTCP_REMB);
    if (so_rtcp_read_transport_cc(&f, &cc))
        inside(cc.chunks, cc.chunks_len, bytes, len);
    else
        check(f.kind != SO_RTCP_TRANSPORT_CC);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    so_rtcp_iter iter;
    so_rtcp_packet p;
    size_t total = 0;

    (void)so_rtcp_is(bytes, len);
    if (so_rtcp_parse(&iter, bytes, len, false) != SO_OK && so_rtcp_parse(&iter, bytes, len, true) != SO_OK)
        return 0;
    while (so_rtcp_next(&iter, &p)) {
        so_rtcp_items items = so_rtcp_items_of(&p);
        so_rtcp_item item;
        const char *text;
        size_t text_len;
        uint32_t ssrc;
        inside(p.body, p.body_len, bytes, len);
        total += 4 + p.body_len;
        rewrite_report(&p);
        while (so_rtcp_item_next(&items, &item))
            inside(item.text, item.len, bytes, len);
        for (size_t i = 0; so_rtcp_read_bye(&p, i, &ssrc); i++)
            check(i < 31);
        if (so_rtcp_read_bye_reason(&p, &text, &text_len))
            inside(text, text_len, bytes, len);
        read_feedback(&p, bytes, len);
    }
    check(so_reader_left(&iter.r) == 0 && total <= len);
    return 0;
}
