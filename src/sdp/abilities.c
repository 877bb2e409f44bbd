/* What this end can do, best first: the tables that offers and answers are made from. */
#include "sdp/negotiate.h"

#define AUDIO (1 << SO_SDP_AUDIO)
#define VIDEO (1 << SO_SDP_VIDEO)
#define COUNT(a) (sizeof(a) / sizeof(a)[0])
/* RFC 8841: the port that everybody names, and the longest message that is taken. */
#define DATA .sctp_port = 5000, .max_message_size = 262144

/* RFC 7587 §7: "opus/48000/2" whatever is sent. */
#define OPUS                                                                                                           \
    .kind = SO_SDP_AUDIO, .type = 111, .channels = 2, .clock = 48000, .name = "opus",                                  \
    .fmtp = "minptime=10;useinbandfec=1"

/* RFC 6184 §8.1: Constrained Baseline, level 3.1, as every browser with H.264 has it. */
#define H264(mode) "level-asymmetry-allowed=1;packetization-mode=" #mode ";profile-level-id=42e01f"
#define H264_MUST "packetization-mode;profile-level-id"

static const so_sdp_ability voice_codecs[] = {{OPUS}};

static const so_sdp_extension_ability voice_extensions[] = {
    {AUDIO, 1, SO_SDP_SENDRECV, SO_SDP_URI_LEVEL},
    {AUDIO | VIDEO, 4, SO_SDP_SENDRECV, SO_SDP_URI_MID},
};

const so_sdp_abilities so_sdp_voice = {.codecs = voice_codecs,
                                       .codec_count = COUNT(voice_codecs),
                                       .extensions = voice_extensions,
                                       .extension_count = COUNT(voice_extensions),
                                       DATA};

static const char *const audio_feedback[] = {"transport-cc", NULL};
static const char *const video_feedback[] = {"goog-remb", "transport-cc", "ccm fir", "nack", "nack pli", NULL};

#define VIDEO_CODEC(number, what)                                                                                      \
    .kind = SO_SDP_VIDEO, .type = (number), .channels = 1, .clock = 90000, .name = (what), .feedback = video_feedback
#define RTX(number, of)                                                                                                \
    .kind = SO_SDP_VIDEO, .type = (number), .channels = 1, .clock = 90000, .name = "rtx", .repairs = (of)

#define SOUND_CODECS 4 /* of those below, the first ones */

static const so_sdp_ability video_codecs[] = {
    {OPUS, .feedback = audio_feedback},
    {.kind = SO_SDP_AUDIO, .type = 63, .channels = 2, .clock = 48000, .name = "red", .repairs = 111},
    {.kind = SO_SDP_AUDIO, .type = 0, .channels = 1, .clock = 8000, .name = "PCMU", .feedback = audio_feedback},
    {.kind = SO_SDP_AUDIO, .type = 8, .channels = 1, .clock = 8000, .name = "PCMA", .feedback = audio_feedback},
    {VIDEO_CODEC(96, "VP8")},
    {RTX(97, 96)},
    {VIDEO_CODEC(102, "H264"), .fmtp = H264(1), .must = H264_MUST},
    {RTX(103, 102)},
    {VIDEO_CODEC(104, "H264"), .fmtp = H264(0), .must = H264_MUST},
    {RTX(105, 104)},
};

static const so_sdp_extension_ability video_extensions[] = {
    {AUDIO, 1, SO_SDP_SENDRECV, SO_SDP_URI_LEVEL},
    {AUDIO | VIDEO, 2, SO_SDP_SENDRECV, SO_SDP_URI_SEND_TIME},
    {AUDIO | VIDEO, 3, SO_SDP_SENDRECV, SO_SDP_URI_TRANSPORT_CC},
    {AUDIO | VIDEO, 4, SO_SDP_SENDRECV, SO_SDP_URI_MID},
};

const so_sdp_abilities so_sdp_sound = {.codecs = video_codecs,
                                       .codec_count = SOUND_CODECS,
                                       .extensions = voice_extensions,
                                       .extension_count = COUNT(voice_extensions),
                                       DATA};

const so_sdp_abilities so_sdp_video = {.codecs = video_codecs,
                                       .codec_count = COUNT(video_codecs),
                                       .extensions = video_extensions,
                                       .extension_count = COUNT(video_extensions),
                                       DATA};

static const so_sdp_ability *repaired(const so_sdp_ability *a)
{
    for (size_t i = 0; a->repairs != 0 && i < COUNT(video_codecs); i++)
        if (video_codecs[i].type == a->repairs && video_codecs[i].repairs == 0)
            return &video_codecs[i];
    return a;
}

void so_sdp_choose(so_sdp_choice *choice, bool (*wanted)(const void *user, const char *name), const void *user)
{
    size_t count = 0;

    _Static_assert(COUNT(video_codecs) <= SO_SDP_CHOICE_MAX, "all of them fit");
    for (size_t i = 0; i < COUNT(video_codecs); i++)
        if (wanted(user, repaired(&video_codecs[i])->name))
            choice->codecs[count++] = video_codecs[i];
    choice->abilities = so_sdp_video;
    choice->abilities.codecs = choice->codecs;
    choice->abilities.codec_count = count;
}
