/* sdp/: descriptions of browsers are understood, bad ones refused with their reason, and no mutation gets around one.
 */
#include "sdp_files.h"

#include <stdlib.h>
#include <strings.h>

static void check_good(const sdp_file *f, void *user)
{
    size_t *good = user;

    if (sdp_is_refused(f))
        return;
    so_sdp_free(sdp_parsed(f->text, f->len, sdp_type_of(f->name)));
    ++*good;
}

static void every_good_description_is_taken(void **state)
{
    size_t good = 0;

    (void)state;
    assert_true(sdp_each_file(check_good, &good) > 100);
    assert_true(good > 25);
}

/* refused.CODE.DETAIL.sdp */
static void check_refused(const sdp_file *f, void *user)
{
    so_sdp *sdp;
    so_sdp_fault fault;
    so_error err = {0};
    so_status status;
    size_t code_len = strcspn(f->name + 8, "."), *refused = user;

    if (!sdp_is_refused(f))
        return;
    status = so_sdp_parse(&sdp, SO_SDP_OFFER, f->text, f->len, &fault, &err);
    if (status == SO_OK || strncmp(so_sdp_fault_code(fault), f->name + 8, code_len) != 0 ||
        so_sdp_fault_code(fault)[code_len] != '\0')
        fail_msg("%s: %s, %s", f->name, so_status_name(status), so_sdp_fault_code(fault));
    assert_null(sdp);
    assert_string_equal(err.layer, "media");
    assert_int_equal(err.status, status);
    assert_true(strlen(err.text) > 40);
    ++*refused;
}

static void every_bad_description_is_refused_with_its_code(void **state)
{
    size_t refused = 0;

    (void)state;
    (void)sdp_each_file(check_refused, &refused);
    assert_true(refused > 80);
}

static void an_answer_may_not_leave_the_role_open(void **state)
{
    static sdp_file f;
    so_sdp *sdp;
    so_sdp_fault fault;

    (void)state;
    sdp_read_file(&f, "chromium-audio-offer.sdp");
    assert_int_equal(so_sdp_parse(&sdp, SO_SDP_ANSWER, f.text, f.len, &fault, NULL), SO_BAD_INPUT);
    assert_int_equal(fault, SO_SDP_SETUP);
    assert_null(sdp);
}

static void empty_lines_do_not_stand_for_the_first_two(void **state)
{
    static const char *const heads[] = {"\r\n\r\n", "v=0\r\n\r\n", "\r\no=- 1 1 IN IP4 127.0.0.1\r\n", "v=0\r\n", ""};
    static sdp_file f, changed;

    (void)state;
    sdp_read_file(&f, "minimal-offer.sdp");
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        so_sdp *sdp;
        so_sdp_fault fault;
        int len = snprintf(changed.text, sizeof changed.text, "%s%s", heads[i], strstr(f.text, "s=-"));
        assert_int_equal(so_sdp_parse(&sdp, SO_SDP_OFFER, changed.text, (size_t)len, &fault, NULL), SO_BAD_INPUT);
        assert_int_equal(fault, SO_SDP_MALFORMED);
    }
}

static void more_than_64_kB_is_refused(void **state)
{
    char *text = calloc(1, SO_SDP_MAX + 1);
    so_sdp *sdp;
    so_sdp_fault fault;

    (void)state;
    assert_non_null(text);
    memset(text, '\n', SO_SDP_MAX + 1);
    assert_int_equal(so_sdp_parse(&sdp, SO_SDP_OFFER, text, SO_SDP_MAX + 1, &fault, NULL), SO_TOO_LONG);
    assert_int_equal(fault, SO_SDP_TOO_LARGE);
    free(text);
}

static void the_sentence_of_a_refusal_quotes_nothing(void **state)
{
    static const char text[] = "v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
                               "a=ice-pwd:tooshort\r\n";
    so_sdp *sdp;
    so_sdp_fault fault;
    so_error err;

    (void)state;
    assert_int_equal(so_sdp_parse(&sdp, SO_SDP_OFFER, text, strlen(text), &fault, &err), SO_BAD_INPUT);
    assert_int_equal(fault, SO_SDP_ICE);
    assert_null(strstr(err.text, "tooshort"));
    assert_null(strstr(err.text, "192.0.2.7"));
    assert_non_null(strstr(err.text, "line 4"));
}

static void what_chromium_offers_is_read(void **state)
{
    so_sdp *sdp = sdp_parsed_file("chromium-audio-video-data-offer.sdp");
    const so_sdp_media *audio, *video, *data;
    const so_sdp_codec *opus;
    size_t with_apt = 0;

    (void)state;
    assert_int_equal(sdp->media_count, 3);
    assert_int_equal(sdp->tag, 0);
    assert_int_equal(sdp->version, 2);
    assert_true(sdp->trickle);
    assert_false(sdp->ice_lite);
    assert_int_equal(strlen(sdp->ufrag), 4);
    assert_int_equal(strlen(sdp->pwd), 24);
    assert_int_equal(sdp->setup, SO_SDP_ACTPASS);
    assert_int_equal(sdp->fingerprint.hash, SO_HASH_SHA256);
    audio = so_sdp_media_of(sdp, "0");
    video = so_sdp_media_of(sdp, "1");
    data = so_sdp_media_of(sdp, "2");
    assert_null(so_sdp_media_of(sdp, "3"));
    assert_true(audio == &sdp->media[0] && video == &sdp->media[1] && data == &sdp->media[2]);
    assert_int_equal(audio->kind, SO_SDP_AUDIO);
    assert_int_equal(audio->codec_count, 8);
    opus = so_sdp_codec_of(audio, 111);
    assert_string_equal(opus->name, "opus");
    assert_int_equal(opus->clock, 48000);
    assert_int_equal(opus->channels, 2);
    assert_string_equal(opus->fmtp, "minptime=10;useinbandfec=1");
    assert_string_equal(so_sdp_codec_of(audio, 0)->name, "PCMU");
    assert_int_equal(so_sdp_extension_of(audio, "urn:ietf:params:rtp-hdrext:ssrc-audio-level")->id, 1);
    assert_int_equal(audio->feedback[0].type, 111);
    assert_string_equal(audio->feedback[0].what, "transport-cc");
    assert_true(audio->rtcp_mux && audio->rtcp_rsize && audio->bundled && audio->mixed && !audio->cryptex);
    assert_int_equal(audio->source_count, 1);
    assert_string_equal(audio->sources[0].stream, audio->stream);
    assert_string_equal(audio->sources[0].track, audio->track);
    assert_true(audio->candidate_count > 0);
    assert_memory_equal(audio->candidates[0], "candidate:", 10);
    assert_int_equal(video->source_count, 2);
    assert_string_equal(video->groups[0].semantics, "FID");
    assert_int_equal(video->groups[0].count, 2);
    assert_int_equal(video->groups[0].ssrcs[1], video->sources[1].ssrc);
    for (size_t i = 0; i < video->codec_count; i++) {
        const char *apt;
        size_t len;
        with_apt += so_sdp_parameter(video->codecs[i].fmtp, "APT", &apt, &len);
    }
    assert_true(with_apt > 3);
    assert_int_equal(data->kind, SO_SDP_APPLICATION);
    assert_int_equal(data->profile, SO_SDP_SCTP);
    assert_int_equal(data->sctp_port, 5000);
    assert_int_equal(data->max_message_size, 262144);
    so_sdp_free(sdp);
}

static void what_firefox_offers_is_read(void **state)
{
    so_sdp *sdp = sdp_parsed_file("firefox-max-bundle-offer.sdp");
    const so_sdp_media *audio = &sdp->media[0], *video = &sdp->media[1];

    (void)state;
    assert_int_equal(sdp->media_count, 3);
    assert_string_equal(so_sdp_codec_of(audio, 109)->fmtp, "maxplaybackrate=48000;stereo=1;useinbandfec=1");
    assert_int_equal(so_sdp_extension_of(audio, "urn:ietf:params:rtp-hdrext:csrc-audio-level")->direction,
                     SO_SDP_RECVONLY);
    assert_true(audio->end_of_candidates);
    assert_int_equal(video->port, 0);
    assert_true(video->bundle_only && video->bundled && !video->rejected);
    assert_true(video->codec_count > 5);
    assert_int_equal(sdp->media[2].max_message_size, 1073741823);
    so_sdp_free(sdp);
}

static void what_a_session_says_holds_for_its_m_lines(void **state)
{
    so_sdp *sdp = sdp_parsed_file("session-level-offer.sdp");

    (void)state;
    assert_string_equal(sdp->ufrag, "abcd");
    assert_int_equal(sdp->setup, SO_SDP_ACTPASS);
    assert_string_equal(sdp->media[1].pwd, sdp->pwd);
    assert_int_equal(sdp->fingerprint.bytes[1], 7);
    so_sdp_free(sdp);
}

static void of_several_kinds_the_strongest_counts(void **state)
{
    so_sdp *sdp = sdp_parsed_file("several-kinds-offer.sdp");

    (void)state;
    assert_int_equal(sdp->fingerprint.hash, SO_HASH_SHA512);
    assert_int_equal(sdp->fingerprint.bytes[63], 63 * 7 % 256);
    so_sdp_free(sdp);
}

static void all_rejected_leaves_no_transport(void **state)
{
    so_sdp *sdp = sdp_parsed_file("firefox-stopped-offer.sdp");

    (void)state;
    assert_int_equal(sdp->tag, sdp->media_count);
    assert_null(sdp->ufrag);
    assert_int_equal(sdp->fingerprint.hash, SO_HASH_SHA256);
    so_sdp_free(sdp);
}

static void assert_same_text(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        assert_ptr_equal(a, b);
    else
        assert_string_equal(a, b);
}

static void assert_same_media(const so_sdp_media *a, const so_sdp_media *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->port, b->port);
    assert_int_equal(a->rejected, b->rejected);
    assert_same_text(a->mid, b->mid);
    assert_same_text(a->formats, b->formats);
    if (a->rejected)
        return;
    assert_int_equal(a->direction, b->direction);
    assert_int_equal(a->bundled, b->bundled);
    assert_int_equal(a->rtcp_rsize, b->rtcp_rsize);
    assert_int_equal(a->mixed, b->mixed);
    assert_int_equal(a->cryptex, b->cryptex);
    assert_int_equal(a->end_of_candidates, b->end_of_candidates);
    assert_int_equal(a->sctp_port, b->sctp_port);
    assert_int_equal(a->max_message_size, b->max_message_size);
    assert_same_text(a->stream, b->stream);
    assert_same_text(a->track, b->track);
    assert_same_text(a->simulcast, b->simulcast);
    assert_int_equal(a->codec_count, b->codec_count);
    for (size_t i = 0; i < a->codec_count; i++) {
        assert_int_equal(a->codecs[i].type, b->codecs[i].type);
        assert_int_equal(a->codecs[i].clock, b->codecs[i].clock);
        assert_int_equal(a->codecs[i].channels, b->codecs[i].channels);
        assert_same_text(a->codecs[i].name, b->codecs[i].name);
        assert_same_text(a->codecs[i].fmtp, b->codecs[i].fmtp);
    }
    assert_int_equal(a->feedback_count, b->feedback_count);
    assert_int_equal(a->extension_count, b->extension_count);
    for (size_t i = 0; i < a->extension_count; i++) {
        assert_int_equal(a->extensions[i].id, b->extensions[i].id);
        assert_int_equal(a->extensions[i].direction, b->extensions[i].direction);
        assert_same_text(a->extensions[i].uri, b->extensions[i].uri);
    }
    assert_int_equal(a->source_count, b->source_count);
    for (size_t i = 0; i < a->source_count; i++) {
        assert_int_equal(a->sources[i].ssrc, b->sources[i].ssrc);
        assert_same_text(a->sources[i].cname, b->sources[i].cname);
        assert_same_text(a->sources[i].track, b->sources[i].track);
    }
    assert_int_equal(a->group_count, b->group_count);
    assert_int_equal(a->rid_count, b->rid_count);
    assert_int_equal(a->candidate_count, b->candidate_count);
    for (size_t i = 0; i < a->candidate_count; i++)
        assert_same_text(a->candidates[i], b->candidates[i]);
}

static void check_round_trip(const sdp_file *f, void *user)
{
    static uint8_t text[SO_SDP_MAX];
    so_writer w = so_writer_of(text, sizeof text);
    so_sdp *a, *b;

    (void)user;
    if (sdp_is_refused(f))
        return;
    a = sdp_parsed(f->text, f->len, sdp_type_of(f->name));
    assert_int_equal(so_sdp_write(a, &w), SO_OK);
    b = sdp_parsed((char *)text, so_writer_len(&w), a->type);
    assert_int_equal(a->tag, b->tag);
    assert_string_equal(a->session_id, b->session_id);
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->trickle, b->trickle);
    assert_int_equal(a->setup, b->setup);
    assert_same_text(a->ufrag, b->ufrag);
    assert_same_text(a->pwd, b->pwd);
    assert_true(so_fingerprint_equal(&a->fingerprint, &b->fingerprint));
    assert_int_equal(a->media_count, b->media_count);
    for (size_t i = 0; i < a->media_count; i++)
        assert_same_media(&a->media[i], &b->media[i]);
    so_sdp_free(a);
    so_sdp_free(b);
}

static void what_is_written_reads_the_same(void **state)
{
    static const char more[] =
        "v=0\r\no=- 1 18446744073709551615 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=ice-lite\r\na=cryptex\r\n"
        "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:v\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n"
        "a=fingerprint:sha-256 00:07:0E:15:1C:23:2A:31:38:3F:46:4D:54:5B:62:69:70:77:7E:85:8C:93:9A:A1:A8:AF:B6:BD:C4:"
        "CB:D2:D9\r\na=setup:passive\r\na=rtcp-mux\r\na=sendonly\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:* nack pli\r\n"
        "a=rid:hi send max-width=1280\r\na=rid:lo send\r\na=simulcast:send hi;lo\r\na=msid:-\r\n"
        "a=ssrc:7 cname:x\r\na=ssrc:7 msid:- t\r\n";
    static sdp_file f;

    (void)state;
    (void)sdp_each_file(check_round_trip, NULL);
    (void)snprintf(f.name, sizeof f.name, "more-offer");
    f.len = sizeof more - 1;
    memcpy(f.text, more, f.len);
    check_round_trip(&f, NULL);
}

static void a_writer_that_is_too_small_says_so(void **state)
{
    uint8_t text[300];
    so_writer w = so_writer_of(text, sizeof text);
    so_sdp *sdp = sdp_parsed_file("chromium-audio-offer.sdp");

    (void)state;
    assert_int_equal(so_sdp_write(sdp, &w), SO_TOO_LONG);
    so_sdp_free(sdp);
}

static int strength(const char *line)
{
    static const char *const kinds[] = {"sha-256 ", "sha-384 ", "sha-512 "};

    for (int i = 2; i >= 0; i--)
        if (strncasecmp(line, kinds[i], 8) == 0)
            return i;
    return -1;
}

/*
 * The rule of docs/protocol.md once more, straight from the text: each line of the strongest kind says the one value
 * that the parser gives, and each m-line that counts is under one, of its own or of the session.
 */
static void assert_rule_held(const so_sdp *sdp, const char *text, size_t len)
{
    static char lines[SO_SDP_MAX + 1];
    char said[SO_FINGERPRINT_TEXT_MAX], *rest, *line;
    bool any[SO_SDP_MEDIA_MAX + 1] = {false}, best[SO_SDP_MEDIA_MAX + 1] = {false};
    size_t section = 0;

    so_fingerprint_text(&sdp->fingerprint, said);
    memcpy(lines, text, len);
    lines[len] = '\0';
    rest = lines;
    while ((line = strsep(&rest, "\r\n")) != NULL) {
        section += line[0] == 'm';
        assert_true(strncasecmp(line, "a=crypto:", 9) != 0);
        if (strncasecmp(line, "a=fingerprint:", 14) != 0)
            continue;
        any[section] = true;
        assert_true(strength(line + 14) <= strength(said));
        if (strength(line + 14) != strength(said))
            continue;
        best[section] = true;
        /* the lengths are checked, so what contains the value is the value */
        assert_non_null(strcasestr(line, said + 8));
    }
    assert_int_equal(section, sdp->media_count);
    for (size_t i = 1; i <= section; i++)
        if (!sdp->media[i - 1].rejected)
            assert_true(any[i] ? best[i] : best[0]);
}

/* One line taken out, said twice, moved or changed in one byte; one put in that an attacker would like. */
static size_t mutate(char *out, const sdp_file *f, uint64_t *seed)
{
    static const char *const wishes[] = {
        "a=fingerprint:sha-256 "
        "AA:07:0E:15:1C:23:2A:31:38:3F:46:4D:54:5B:62:69:70:77:7E:85:8C:93:9A:A1:A8:AF:B6:BD:C4:CB:D2:"
        "D9\r\n",
        "a=fingerprint:sha-1 00:07:0E:15:1C:23:2A:31:38:3F:46:4D:54:5B:62:69:70:77:7E:85\r\n",
        "a=Fingerprint:sha-256 AA\r\n",
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA\r\n",
        "m=audio 9 RTP/AVP 0\r\n",
        "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\n",
        "a=bundle-only\r\n",
        "\r\n",
    };
    uint8_t r[8];
    size_t at, end, n = 0;

    assert_int_equal(unit_fill(seed, r, sizeof r), SO_OK);
    at = f->len == 0 ? 0 : ((size_t)r[0] << 8 | r[1]) % f->len;
    while (at > 0 && f->text[at - 1] != '\n')
        at--;
    for (end = at; end < f->len && f->text[end] != '\n'; end++)
        ;
    end += end < f->len;
    memcpy(out, f->text, at);
    n = at;
    if (r[2] % 4 == 0) { /* a wish in front of the line */
        const char *wish = wishes[r[3] % (sizeof wishes / sizeof *wishes)];
        memcpy(out + n, wish, strlen(wish));
        n += strlen(wish);
    }
    if (r[2] % 4 != 1) { /* else the line is gone */
        memcpy(out + n, f->text + at, end - at);
        if (r[2] % 4 == 2 && end > at)
            out[n + r[4] % (end - at)] ^= (char)(1 << r[5] % 7);
        n += end - at;
    }
    if (r[2] % 4 == 3) { /* said twice */
        memcpy(out + n, f->text + at, end - at);
        n += end - at;
    }
    memcpy(out + n, f->text + end, f->len - end);
    return n + f->len - end;
}

typedef struct mutations {
    uint64_t seed;
    size_t taken, refused;
} mutations;

static void check_mutations(const sdp_file *f, void *user)
{
    static sdp_file a, b;
    mutations *m = user;

    if (f->len > 8000)
        return;
    for (int round = 0; round < 200; round++) {
        so_sdp *sdp;
        so_sdp_fault fault;
        a = *f;
        for (int depth = 0; depth <= round % 3; depth++) {
            b.len = mutate(b.text, &a, &m->seed);
            a = b;
        }
        if (so_sdp_parse(&sdp, sdp_type_of(f->name), a.text, a.len, &fault, NULL) != SO_OK) {
            assert_null(sdp);
            assert_int_not_equal(fault, SO_SDP_FINE);
            m->refused++;
            continue;
        }
        assert_rule_held(sdp, a.text, a.len);
        so_sdp_free(sdp);
        m->taken++;
    }
}

static void no_mutation_loosens_the_fingerprint_rule(void **state)
{
    mutations m = {.seed = 20261123};

    (void)state;
    (void)sdp_each_file(check_mutations, &m);
    assert_true(m.taken > 2000);
    assert_true(m.refused > 5000);
}

static void every_cut_is_survived(void **state)
{
    static sdp_file f;
    so_sdp *sdp;
    so_sdp_fault fault;

    (void)state;
    sdp_read_file(&f, "firefox-audio-video-data-offer.sdp");
    for (size_t len = 0; len < f.len; len++) {
        char *exact = malloc(len + 1);
        assert_non_null(exact);
        memcpy(exact, f.text, len);
        if (so_sdp_parse(&sdp, SO_SDP_OFFER, exact, len, &fault, NULL) == SO_OK)
            assert_rule_held(sdp, exact, len);
        so_sdp_free(sdp);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_good_description_is_taken),
        cmocka_unit_test(every_bad_description_is_refused_with_its_code),
        cmocka_unit_test(an_answer_may_not_leave_the_role_open),
        cmocka_unit_test(empty_lines_do_not_stand_for_the_first_two),
        cmocka_unit_test(more_than_64_kB_is_refused),
        cmocka_unit_test(the_sentence_of_a_refusal_quotes_nothing),
        cmocka_unit_test(what_chromium_offers_is_read),
        cmocka_unit_test(what_firefox_offers_is_read),
        cmocka_unit_test(what_a_session_says_holds_for_its_m_lines),
        cmocka_unit_test(of_several_kinds_the_strongest_counts),
        cmocka_unit_test(all_rejected_leaves_no_transport),
        cmocka_unit_test(what_is_written_reads_the_same),
        cmocka_unit_test(a_writer_that_is_too_small_says_so),
        cmocka_unit_test(no_mutation_loosens_the_fingerprint_rule),
        cmocka_unit_test(every_cut_is_survived),
    };
    return cmocka_run_group_tests_name("a session description is what a browser means, or is refused", tests, NULL,
                                       NULL);
}
