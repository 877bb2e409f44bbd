/* sdp/negotiate: our offers and answers have the lines that they must, whatever the other end offers. */
#include "sdp_files.h"

#include "sdp/match.h"

#include <stdlib.h>

static const so_sdp_transceiver voice = {.kind = SO_SDP_AUDIO,
                                         .direction = SO_SDP_SENDRECV,
                                         .stream = "call",
                                         .track = "voice",
                                         .ssrc = 305419896,
                                         .line = SO_SDP_NO_LINE};

/* What a later version will have: several codecs, retransmission, data. */
static const char *const video_feedback[] = {"nack", "nack pli", "ccm fir", NULL};
static const so_sdp_ability many_codecs[] = {
    {.kind = SO_SDP_AUDIO, .type = 111, .channels = 2, .clock = 48000, .name = "opus", .fmtp = "useinbandfec=1"},
    {.kind = SO_SDP_VIDEO, .type = 96, .channels = 1, .clock = 90000, .name = "VP8", .feedback = video_feedback},
    {.kind = SO_SDP_VIDEO, .type = 97, .channels = 1, .clock = 90000, .name = "rtx", .repairs = 96},
    {.kind = SO_SDP_VIDEO,
     .type = 98,
     .channels = 1,
     .clock = 90000,
     .name = "H264",
     .fmtp = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
     .must = "packetization-mode;profile-level-id",
     .feedback = video_feedback},
    {.kind = SO_SDP_VIDEO, .type = 99, .channels = 1, .clock = 90000, .name = "rtx", .repairs = 98},
};
static const so_sdp_extension_ability many_extensions[] = {
    {1 << SO_SDP_AUDIO, 1, SO_SDP_SENDRECV, SO_SDP_URI_LEVEL},
    {1 << SO_SDP_AUDIO | 1 << SO_SDP_VIDEO, 4, SO_SDP_SENDRECV, SO_SDP_URI_MID},
};
static const so_sdp_abilities many = {.codecs = many_codecs,
                                      .codec_count = 5,
                                      .extensions = many_extensions,
                                      .extension_count = 2,
                                      .sctp_port = 5000,
                                      .max_message_size = 262144};

static so_sdp_own own_end(void)
{
    static const char *const candidates[] = {"candidate:1 1 udp 2122260223 10.77.0.2 4000 typ host"};
    so_sdp_own own = {.session_id = 4611686018427387904,
                      .version = 1,
                      .ufrag = "abcd",
                      .pwd = "abcdefghijklmnopqrstuv",
                      .cname = "end",
                      .fingerprint = {.hash = SO_HASH_SHA256},
                      .role = SO_SDP_ACTIVE,
                      .candidates = candidates,
                      .candidate_count = 1,
                      .end_of_candidates = true};

    for (uint8_t i = 0; i < 32; i++)
        own.fingerprint.bytes[i] = (uint8_t)(0xf0 + i);
    return own;
}

/* The last text that was written, with a final zero, and the writer for the next. */
static char text[SO_SDP_MAX + 1];

static so_writer fresh(void)
{
    memset(text, 0, sizeof text);
    return so_writer_of(text, SO_SDP_MAX);
}

static bool has(const char *line)
{
    const char *at = strstr(text, line);
    return at != NULL && (at == text || at[-1] == '\n') && strncmp(at + strlen(line), "\r\n", 2) == 0;
}

static size_t count_of(const char *what)
{
    size_t n = 0;

    for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
        n++;
    return n;
}

static so_sdp *offered(const so_sdp_abilities *abilities, const so_sdp_transceiver *const *lines, size_t count,
                       const so_sdp *previous)
{
    so_sdp_own own = own_end();
    so_writer w = fresh();

    own.version = previous == NULL ? 1 : previous->version + 1;
    assert_int_equal(so_sdp_write_offer(&w, abilities, &own, lines, count, previous), SO_OK);
    return sdp_parsed(text, so_writer_len(&w), SO_SDP_OFFER);
}

static so_sdp *answered(const so_sdp_abilities *abilities, const so_sdp_transceiver *const *lines, const so_sdp *offer)
{
    so_sdp_own own = own_end();
    so_sdp_fault fault;
    so_sdp *answer;
    so_writer w = fresh();

    own.role = so_sdp_answer_role(offer->setup);
    assert_int_equal(so_sdp_write_answer(&w, abilities, &own, lines, offer), SO_OK);
    answer = sdp_parsed(text, so_writer_len(&w), SO_SDP_ANSWER);
    assert_int_equal(so_sdp_check_answer(offer, answer, &fault, NULL), SO_OK);
    return answer;
}

static void our_offer_has_what_browsers_want(void **state)
{
    const so_sdp_transceiver *lines[] = {&voice};
    so_sdp *offer = offered(&so_sdp_voice, lines, 1, NULL);

    (void)state;
    assert_ptr_equal(strstr(text, "v=0\r\no=- 4611686018427387904 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"), text);
    assert_true(has("a=group:BUNDLE 0"));
    assert_true(has("m=audio 9 UDP/TLS/RTP/SAVPF 111"));
    assert_true(has("c=IN IP4 0.0.0.0"));
    assert_true(has("a=mid:0"));
    assert_true(has("a=sendrecv"));
    assert_true(has("a=ice-ufrag:abcd"));
    assert_true(has("a=ice-pwd:abcdefghijklmnopqrstuv"));
    assert_true(has("a=ice-options:trickle"));
    assert_true(
        has("a=fingerprint:sha-256 F0:F1:F2:F3:F4:F5:F6:F7:F8:F9:FA:FB:FC:FD:FE:FF:00:01:02:03:04:05:06:07:08:09:"
            "0A:0B:0C:0D:0E:0F"));
    assert_int_equal(count_of("a=fingerprint:"), 1);
    assert_true(has("a=setup:actpass"));
    assert_true(has("a=rtcp-mux"));
    assert_true(has("a=rtcp-rsize"));
    assert_true(has("a=rtpmap:111 opus/48000/2"));
    assert_true(has("a=fmtp:111 minptime=10;useinbandfec=1"));
    assert_true(has("a=extmap:1 " SO_SDP_URI_LEVEL));
    assert_true(has("a=extmap:4 " SO_SDP_URI_MID));
    assert_true(has("a=msid:call voice"));
    assert_true(has("a=ssrc:305419896 cname:end"));
    assert_true(has("a=candidate:1 1 udp 2122260223 10.77.0.2 4000 typ host"));
    assert_true(has("a=end-of-candidates"));
    so_sdp_free(offer);
}

static void check_answer_to_browser(const sdp_file *f, void *user)
{
    const so_sdp_transceiver *lines[SO_SDP_MEDIA_MAX] = {NULL};
    so_sdp *offer, *answer;
    size_t *count = user, accepted = 0;

    if (sdp_is_refused(f) || sdp_type_of(f->name) == SO_SDP_ANSWER || strchr("cf", f->name[0]) == NULL)
        return;
    offer = sdp_parsed(f->text, f->len, SO_SDP_OFFER);
    for (size_t i = 0; i < offer->media_count; i++)
        if (offer->media[i].kind == SO_SDP_AUDIO)
            lines[i] = &voice;
    answer = answered(&so_sdp_voice, lines, offer);
    assert_int_equal(answer->setup, offer->tag == offer->media_count ? SO_SDP_NO_SETUP : SO_SDP_ACTIVE);
    for (size_t i = 0; i < offer->media_count; i++) {
        const so_sdp_media *o = &offer->media[i], *a = &answer->media[i];
        assert_int_equal(a->rejected, o->kind != SO_SDP_AUDIO || o->rejected);
        if (a->rejected)
            continue;
        accepted++;
        assert_true(a->bundled);
        assert_int_equal(a->codec_count, 1);
        assert_string_equal(a->codecs[0].name, "opus");
        assert_int_equal(a->codecs[0].type, f->name[0] == 'c' ? 111 : 109);
        assert_int_equal(a->feedback_count, 0);
        assert_int_equal(a->extension_count, 2);
        for (size_t k = 0; k < 2; k++)
            assert_int_equal(a->extensions[k].id, so_sdp_extension_of(o, a->extensions[k].uri)->id);
        assert_int_equal(a->direction, so_sdp_reverse(o->direction));
        assert_int_equal(answer->tag, i);
    }
    assert_int_equal(count_of("a=group:BUNDLE"), accepted > 0);
    /* webrtcbin wants to see the transport in rejected m-lines too */
    assert_int_equal(count_of("a=fingerprint:"), accepted > 0 ? offer->media_count : 1);
    assert_int_equal(count_of("a=setup:active"), accepted > 0 ? offer->media_count : 0);
    assert_int_equal(count_of("a=ice-ufrag:"), accepted > 0 ? offer->media_count : 0);
    assert_int_equal(count_of("a=ice-pwd:"), accepted > 0 ? offer->media_count : 0);
    *count += accepted;
    so_sdp_free(offer);
    so_sdp_free(answer);
}

static void our_answer_to_every_browser_is_opus_alone(void **state)
{
    size_t count = 0;

    (void)state;
    (void)sdp_each_file(check_answer_to_browser, &count);
    assert_int_equal(count, 14);
}

static void roles_are_answered_as_RFC_8842_says(void **state)
{
    (void)state;
    assert_int_equal(so_sdp_answer_role(SO_SDP_ACTPASS), SO_SDP_ACTIVE);
    assert_int_equal(so_sdp_answer_role(SO_SDP_ACTIVE), SO_SDP_PASSIVE);
    assert_int_equal(so_sdp_answer_role(SO_SDP_PASSIVE), SO_SDP_ACTIVE);
}

static void directions_intersect(void **state)
{
    static const struct {
        so_sdp_direction offer, ours, answer;
    } cases[] = {
        {SO_SDP_SENDRECV, SO_SDP_SENDRECV, SO_SDP_SENDRECV}, {SO_SDP_SENDRECV, SO_SDP_RECVONLY, SO_SDP_RECVONLY},
        {SO_SDP_SENDONLY, SO_SDP_SENDRECV, SO_SDP_RECVONLY}, {SO_SDP_RECVONLY, SO_SDP_SENDRECV, SO_SDP_SENDONLY},
        {SO_SDP_SENDONLY, SO_SDP_SENDONLY, SO_SDP_INACTIVE}, {SO_SDP_INACTIVE, SO_SDP_SENDRECV, SO_SDP_INACTIVE},
        {SO_SDP_RECVONLY, SO_SDP_SENDONLY, SO_SDP_SENDONLY}, {SO_SDP_SENDRECV, SO_SDP_INACTIVE, SO_SDP_INACTIVE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        so_sdp_transceiver theirs = voice, ours = voice;
        const so_sdp_transceiver *their_line = &theirs, *our_line = &ours;
        so_sdp_agreed here, there;
        so_sdp *offer, *answer;
        theirs.direction = cases[i].offer;
        ours.direction = cases[i].ours;
        offer = offered(&so_sdp_voice, &their_line, 1, NULL);
        answer = answered(&so_sdp_voice, &our_line, offer);
        assert_int_equal(answer->media[0].direction, cases[i].answer);
        assert_int_equal(count_of("a=ssrc:") > 0, (cases[i].answer & SO_SDP_SENDONLY) != 0);
        so_sdp_agree(&here, &so_sdp_voice, answer, offer, 0);
        so_sdp_agree(&there, &so_sdp_voice, offer, answer, 0);
        assert_int_equal(here.direction, cases[i].answer);
        assert_int_equal(there.direction, so_sdp_reverse(here.direction));
        so_sdp_free(offer);
        so_sdp_free(answer);
    }
}

static void what_firefox_and_we_agree_on(void **state)
{
    const so_sdp_transceiver *lines[] = {&voice};
    so_sdp *offer = sdp_parsed_file("firefox-audio-offer.sdp");
    so_sdp *answer = answered(&so_sdp_voice, lines, offer);
    so_sdp_agreed agreed;

    (void)state;
    so_sdp_agree(&agreed, &so_sdp_voice, answer, offer, 0);
    assert_true(agreed.accepted);
    assert_int_equal(agreed.direction, SO_SDP_SENDRECV);
    assert_string_equal(agreed.mid, "0");
    assert_int_equal(agreed.codec_count, 1);
    assert_int_equal(agreed.codecs[0].send_type, 109);
    assert_int_equal(agreed.codecs[0].receive_type, 109);
    assert_string_equal(agreed.codecs[0].fmtp, "maxplaybackrate=48000;stereo=1;useinbandfec=1");
    assert_int_equal(agreed.extension_count, 2);
    assert_string_equal(agreed.extensions[0].ability->uri, SO_SDP_URI_LEVEL);
    assert_int_equal(agreed.extensions[0].id, 1);
    assert_int_equal(agreed.extensions[1].id, 3);
    assert_int_equal(agreed.remote->source_count, 1);
    so_sdp_free(offer);
    so_sdp_free(answer);
}

static void an_answerer_may_choose_other_payload_types_for_its_receiving(void **state)
{
    const so_sdp_transceiver *lines[] = {&voice};
    so_sdp *offer = offered(&so_sdp_voice, lines, 1, NULL), *answer = sdp_parsed_file("firefox-audio-answer.sdp");
    so_sdp_agreed agreed;

    (void)state;
    so_sdp_agree(&agreed, &so_sdp_voice, offer, answer, 0);
    assert_int_equal(agreed.codec_count, 1);
    assert_int_equal(agreed.codecs[0].send_type, 109);
    assert_int_equal(agreed.codecs[0].receive_type, 111);
    /* mid has id 4 here and 3 there: not one thing */
    assert_int_equal(agreed.extension_count, 1);
    so_sdp_free(offer);
    so_sdp_free(answer);
}

static void video_and_data_need_only_abilities(void **state)
{
    so_sdp_transceiver video = voice, data = {.kind = SO_SDP_APPLICATION, .direction = SO_SDP_SENDRECV};
    const so_sdp_transceiver *lines[] = {&voice, &video, &data};
    so_sdp *offer, *answer;
    so_sdp_agreed agreed;

    (void)state;
    video.kind = SO_SDP_VIDEO;
    video.ssrc = 1;
    video.rtx_ssrc = 2;
    offer = offered(&many, lines, 3, NULL);
    assert_true(has("a=group:BUNDLE 0 1 2"));
    assert_true(has("m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99"));
    assert_true(has("a=fmtp:97 apt=96"));
    assert_true(has("a=fmtp:99 apt=98"));
    assert_true(has("a=rtcp-fb:96 nack pli"));
    assert_true(has("a=ssrc-group:FID 1 2"));
    assert_true(has("m=application 9 UDP/DTLS/SCTP webrtc-datachannel"));
    assert_true(has("a=sctp-port:5000"));
    so_sdp_free(offer);
    offer = sdp_parsed_file("chromium-audio-video-data-offer.sdp");
    answer = answered(&many, lines, offer);
    so_sdp_agree(&agreed, &many, answer, offer, 1);
    assert_int_equal(agreed.codec_count, 4);
    for (size_t i = 0; i < agreed.codec_count; i++) {
        const char *value;
        size_t len;
        const so_sdp_codec *codec = so_sdp_codec_of(&answer->media[1], agreed.codecs[i].send_type);
        assert_non_null(codec);
        if (strcmp(codec->name, "rtx") == 0) {
            assert_true(so_sdp_parameter(codec->fmtp, "apt", &value, &len));
            assert_non_null(so_sdp_codec_of(&answer->media[1], (unsigned)strtoul(value, NULL, 10)));
            assert_string_equal(codec->fmtp, so_sdp_codec_of(&offer->media[1], codec->type)->fmtp);
        } else if (strcmp(codec->name, "H264") == 0) {
            const char *theirs = so_sdp_codec_of(&offer->media[1], codec->type)->fmtp;
            assert_non_null(strstr(theirs, "packetization-mode=1"));
            assert_non_null(strstr(theirs, "profile-level-id=42e01f"));
        }
    }
    assert_int_equal(answer->media[2].rejected, false);
    assert_int_equal(answer->media[2].max_message_size, 262144);
    assert_true(has("a=group:BUNDLE 0 1 2"));
    so_sdp_free(offer);
    so_sdp_free(answer);
}

/* What was agreed for a line, as "VP8/96/96 rtx/97/97": name, type to send with, type to receive. */
static const char *agreed_with(const char *file, size_t line)
{
    static char words[512];
    const so_sdp_transceiver *lines[SO_SDP_MEDIA_MAX];
    so_sdp_transceiver each[SO_SDP_MEDIA_MAX];
    so_sdp *offer = sdp_parsed_file(file), *answer;
    so_writer w = so_writer_of(words, sizeof words - 1);
    so_sdp_agreed agreed;

    for (size_t i = 0; i < offer->media_count; i++) {
        each[i] = voice;
        each[i].kind = offer->media[i].kind;
        lines[i] = offer->media[i].kind == SO_SDP_APPLICATION ? NULL : &each[i];
    }
    answer = answered(&so_sdp_video, lines, offer);
    so_sdp_agree(&agreed, &so_sdp_video, answer, offer, line);
    for (size_t i = 0; i < agreed.codec_count; i++)
        so_write_format(&w, "%s%s/%u/%u", i == 0 ? "" : " ", agreed.codecs[i].ability->name, agreed.codecs[i].send_type,
                        agreed.codecs[i].receive_type);
    so_write_u8(&w, 0);
    assert_false(w.failed);
    so_sdp_free(offer);
    so_sdp_free(answer);
    return words;
}

static void sound_and_picture_are_agreed_on_with_both_browsers(void **state)
{
    (void)state;
    assert_string_equal(agreed_with("chromium-audio-video-offer.sdp", 0), "opus/111/111 red/63/63 PCMU/0/0 PCMA/8/8");
    assert_string_equal(agreed_with("chromium-audio-video-offer.sdp", 1),
                        "VP8/96/96 rtx/97/97 H264/108/108 rtx/109/109 H264/114/114 rtx/115/115");
    assert_true(has("a=fmtp:63 111/111"));
    assert_true(has("a=fmtp:109 apt=108"));
    assert_true(has("a=rtcp-fb:96 transport-cc"));
    assert_string_equal(agreed_with("firefox-audio-video-offer.sdp", 0), "opus/109/109 PCMU/0/0 PCMA/8/8");
    assert_string_equal(agreed_with("firefox-audio-video-offer.sdp", 1), "VP8/120/120 rtx/124/124");
}

/* aiortc numbers extensions anew in each m-line (RFC 9143 §10): id 2 is the audio level, and not the time of sending.
 */
static void an_extension_whose_id_is_taken_is_left_out(void **state)
{
    so_sdp *offer = sdp_parsed_file("aiortc-audio-video-offer.sdp");

    (void)state;
    assert_int_equal(so_sdp_extension_of(&offer->media[0], SO_SDP_URI_LEVEL)->id, 2);
    assert_int_equal(so_sdp_extension_of(&offer->media[1], SO_SDP_URI_MID)->id, 1);
    assert_null(so_sdp_extension_of(&offer->media[1], SO_SDP_URI_SEND_TIME));
    assert_int_equal(offer->media[1].extension_count, 1);
    so_sdp_free(offer);
    assert_string_equal(agreed_with("aiortc-audio-video-offer.sdp", 0), "opus/96/96 PCMU/0/0 PCMA/8/8");
    assert_string_equal(agreed_with("aiortc-audio-video-offer.sdp", 1), "VP8/97/97 rtx/98/98");
    assert_int_equal(count_of("a=extmap:1 " SO_SDP_URI_MID), 2);
    assert_int_equal(count_of("a=extmap:2 " SO_SDP_URI_LEVEL), 1);
    assert_int_equal(count_of("a=extmap:"), 3);
}

/* RFC 6184 §8.1, table 5: three ways to say Constrained Baseline; levels may differ, modes may not. */
static void h264_is_one_where_the_profile_and_the_mode_are(void **state)
{
    static const struct {
        const char *fmtp;
        bool same;
    } cases[] = {{"packetization-mode=1;profile-level-id=42e01f", true},
                 {"profile-level-id=42C01E;packetization-mode=1", true},
                 {"packetization-mode=1;profile-level-id=42e034", true},
                 {"packetization-mode=1;profile-level-id=4d8020", true},
                 {"packetization-mode=1;profile-level-id=58d00b", true},
                 {"packetization-mode=1", true},
                 {"packetization-mode=1;profile-level-id=42001f", false},
                 {"packetization-mode=1;profile-level-id=4d001f", false},
                 {"packetization-mode=1;profile-level-id=64001f", false},
                 {"packetization-mode=1;profile-level-id=42e0", false},
                 {"packetization-mode=2;profile-level-id=42e01f", false},
                 {"profile-level-id=42e01f", false}};
    so_sdp_abilities one = so_sdp_video;

    (void)state;
    for (size_t i = 0; i < one.codec_count; i++)
        if (one.codecs[i].fmtp != NULL && strstr(one.codecs[i].fmtp, "packetization-mode=1") != NULL) {
            one.codecs += i;
            one.codec_count = 1;
        }
    assert_int_equal(one.codec_count, 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        so_sdp_codec codec = {.type = 99, .channels = 1, .clock = 90000, .name = "h264", .fmtp = cases[i].fmtp};
        so_sdp_media media = {.kind = SO_SDP_VIDEO, .codecs = &codec, .codec_count = 1};

        assert_int_equal(so_sdp_find(&one, 0, &media) != NULL, cases[i].same);
    }
}

static void red_repeats_what_it_names_alone(void **state)
{
    static const struct {
        const char *fmtp;
        bool same;
    } cases[] = {{"111/111", true}, {"111/111/111", true}, {"111", true},   {"111/", false}, {"111/0", false},
                 {"0/111", false},  {"", false},           {"1111", false}, {NULL, false},   {"111/111;x=1", false}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        so_sdp_codec codecs[] = {{.type = 111, .channels = 2, .clock = 48000, .name = "opus"},
                                 {.type = 63, .channels = 2, .clock = 48000, .name = "red", .fmtp = cases[i].fmtp}};
        so_sdp_media media = {.kind = SO_SDP_AUDIO, .codecs = codecs, .codec_count = 2};

        assert_int_equal(so_sdp_find(&so_sdp_video, 1, &media) == &codecs[1], cases[i].same);
    }
}

static void later_offers_keep_places_types_and_ids(void **state)
{
    so_sdp_transceiver more = voice;
    const so_sdp_transceiver *lines[] = {&voice, NULL, NULL, &more};
    so_sdp *offer = sdp_parsed_file("firefox-audio-video-data-offer.sdp"), *answer, *again;

    (void)state;
    more.track = "second";
    answer = answered(&so_sdp_voice, lines, offer);
    again = offered(&so_sdp_voice, lines, 4, answer);
    assert_int_equal(again->media_count, 4);
    assert_int_equal(again->version, answer->version + 1);
    assert_int_equal(again->setup, SO_SDP_ACTPASS);
    assert_string_equal(again->media[0].mid, "0");
    assert_int_equal(again->media[0].codecs[0].type, 109);
    assert_int_equal(so_sdp_extension_of(&again->media[0], SO_SDP_URI_MID)->id, 3);
    assert_true(again->media[1].rejected && again->media[1].kind == SO_SDP_VIDEO);
    assert_string_equal(again->media[1].mid, "1");
    assert_true(again->media[2].rejected && again->media[2].kind == SO_SDP_APPLICATION);
    assert_string_equal(again->media[3].mid, "3");
    assert_int_equal(again->media[3].codecs[0].type, 109);
    assert_true(has("a=group:BUNDLE 0 3"));
    so_sdp_free(offer);
    so_sdp_free(answer);
    so_sdp_free(again);
}

static void a_number_in_use_is_not_taken(void **state)
{
    static const char before[] =
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 96 111\r\na=mid:1\r\n"
        "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\na=setup:active\r\na=rtcp-mux\r\n"
        "a=fingerprint:sha-256 00:07:0E:15:1C:23:2A:31:38:3F:46:4D:54:5B:62:69:70:77:7E:85:8C:93:9A:A1:A8:AF:B6:BD:C4:"
        "CB:D2:D9\r\na=extmap:1 urn:other\r\na=rtpmap:96 opus/48000/1\r\na=rtpmap:111 other/48000\r\n";
    const so_sdp_transceiver *lines[] = {&voice, &voice};
    so_sdp *previous = sdp_parsed(before, sizeof before - 1, SO_SDP_ANSWER);
    so_sdp *offer = offered(&so_sdp_voice, lines, 2, previous);

    (void)state;
    assert_int_equal(offer->media[0].codecs[0].type, 97);
    assert_int_equal(so_sdp_extension_of(&offer->media[0], SO_SDP_URI_LEVEL)->id, 2);
    assert_int_equal(so_sdp_extension_of(&offer->media[0], SO_SDP_URI_MID)->id, 4);
    assert_string_equal(offer->media[0].mid, "1");
    assert_string_equal(offer->media[1].mid, "2"); /* not "1" */
    so_sdp_free(previous);
    so_sdp_free(offer);
}

static void nothing_in_common_is_rejected(void **state)
{
    const so_sdp_transceiver *lines[] = {&voice};
    so_sdp *offer = sdp_parsed_file("chromium-audio-offer.sdp"), *answer;

    (void)state;
    for (size_t i = 0; i < offer->media[0].codec_count; i++)
        offer->media[0].codecs[i].clock = 16000;
    assert_false(so_sdp_acceptable(&so_sdp_voice, &offer->media[0]));
    answer = answered(&so_sdp_voice, lines, offer);
    assert_true(answer->media[0].rejected);
    assert_true(has("m=audio 0 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126"));
    assert_true(has("a=inactive"));
    assert_int_equal(count_of("a=group"), 0);
    assert_int_equal(count_of("a=fingerprint:"), 1);
    so_sdp_free(offer);
    so_sdp_free(answer);
}

/* An answer of ours, changed in one place, against the offer that it was made for. */
static void refuses(const char *name, const char *from, const char *to)
{
    const so_sdp_transceiver *lines[] = {&voice, &voice};
    static char changed[SO_SDP_MAX];
    so_sdp *offer = sdp_parsed_file(name), *answer = answered(&so_sdp_voice, lines, offer);
    const char *at = strstr(text, from);
    so_sdp_fault fault = SO_SDP_FINE;
    so_error err;

    assert_non_null(at);
    (void)snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    so_sdp_free(answer);
    answer = sdp_parsed(changed, strlen(changed), SO_SDP_ANSWER);
    assert_int_equal(so_sdp_check_answer(offer, answer, &fault, &err), SO_BAD_INPUT);
    assert_int_equal(fault, SO_SDP_MISMATCH);
    assert_non_null(strstr(err.text, "m-line"));
    so_sdp_free(offer);
    so_sdp_free(answer);
}

static void an_answer_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    refuses("chromium-audio-offer.sdp", "a=mid:0", "a=mid:9");
    refuses("chromium-audio-offer.sdp", "m=audio", "m=video");
    refuses("chromium-audio-offer.sdp", "opus/48000", "opus/16000");
    refuses("chromium-recvonly-offer.sdp", "a=sendonly", "a=sendrecv");
    refuses("chromium-audio-offer.sdp", "a=mid:0", "a=mid:9");
    refuses("firefox-stopped-offer.sdp", "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\n",
            "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=rtcp-mux\r\na=setup:active\r\na=ice-ufrag:abcd\r\n"
            "a=ice-pwd:abcdefghijklmnopqrstuv\r\n");
    refuses("chromium-audio-offer.sdp", "a=rtpmap:111 opus/48000/2\r\n",
            "a=rtpmap:111 opus/48000/2\r\nm=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n");
}

static void a_small_buffer_is_told(void **state)
{
    const so_sdp_transceiver *lines[SO_SDP_MEDIA_MAX + 1] = {&voice};
    so_sdp_own own = own_end();
    uint8_t small[100];
    so_writer w = so_writer_of(small, sizeof small);

    (void)state;
    assert_int_equal(so_sdp_write_offer(&w, &so_sdp_voice, &own, lines, 1, NULL), SO_TOO_LONG);
    assert_int_equal(so_sdp_write_offer(&w, &so_sdp_voice, &own, lines, SO_SDP_MEDIA_MAX + 1, NULL), SO_TOO_LONG);
    assert_int_equal(so_sdp_write_offer(&w, &so_sdp_voice, &own, lines, 0, NULL), SO_BAD_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_offer_has_what_browsers_want),
        cmocka_unit_test(our_answer_to_every_browser_is_opus_alone),
        cmocka_unit_test(roles_are_answered_as_RFC_8842_says),
        cmocka_unit_test(directions_intersect),
        cmocka_unit_test(what_firefox_and_we_agree_on),
        cmocka_unit_test(an_answerer_may_choose_other_payload_types_for_its_receiving),
        cmocka_unit_test(video_and_data_need_only_abilities),
        cmocka_unit_test(sound_and_picture_are_agreed_on_with_both_browsers),
        cmocka_unit_test(an_extension_whose_id_is_taken_is_left_out),
        cmocka_unit_test(h264_is_one_where_the_profile_and_the_mode_are),
        cmocka_unit_test(red_repeats_what_it_names_alone),
        cmocka_unit_test(later_offers_keep_places_types_and_ids),
        cmocka_unit_test(a_number_in_use_is_not_taken),
        cmocka_unit_test(nothing_in_common_is_rejected),
        cmocka_unit_test(an_answer_that_does_not_fit_is_refused),
        cmocka_unit_test(a_small_buffer_is_told),
    };
    return cmocka_run_group_tests_name("offers and answers fit each other", tests, NULL, NULL);
}
