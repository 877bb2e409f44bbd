/* Whether descriptions fit each other, and what they came to. */
#include "sdp/match.h"
#include "sdp/model.h"

#include <string.h>
#include <strings.h>

static bool same_mid(const so_sdp_media *a, const so_sdp_media *b)
{
    return a->mid == NULL || b->mid == NULL ? a->mid == b->mid : strcmp(a->mid, b->mid) == 0;
}

static bool codec_in_common(const so_sdp_media *offered, const so_sdp_media *answered)
{
    for (size_t i = 0; i < answered->codec_count; i++)
        for (size_t k = 0; k < offered->codec_count; k++)
            if (answered->codecs[i].clock == offered->codecs[k].clock &&
                strcasecmp(answered->codecs[i].name, offered->codecs[k].name) == 0)
                return true;
    return answered->kind == SO_SDP_APPLICATION;
}

/* NULL: it fits. */
static const char *misfit(const so_sdp_media *offered, const so_sdp_media *answered)
{
    if (strcmp(offered->kind_name, answered->kind_name) != 0 || !same_mid(offered, answered))
        return "is another one than was offered";
    if (answered->rejected)
        return NULL;
    if (offered->rejected)
        return "takes what the offer had rejected";
    if ((offered->profile == SO_SDP_SCTP) != (answered->profile == SO_SDP_SCTP))
        return "is under another protocol than was offered";
    /* RFC 3264 §6.1: an answer takes away, and adds nothing */
    if (offered->kind != SO_SDP_APPLICATION &&
        (answered->direction & ~(unsigned)so_sdp_reverse(offered->direction)) != 0)
        return "sends or wants what was not offered";
    if (answered->bundled && !offered->bundled)
        return "is bundled, which was not offered";
    if (!codec_in_common(offered, answered))
        return "has no codec of those that were offered";
    return NULL;
}

so_status so_sdp_check_answer(const so_sdp *offer, const so_sdp *answer, so_sdp_fault *fault, so_error *err)
{
    if (offer->media_count != answer->media_count)
        return so_sdp_fail(fault, err, SO_SDP_MISMATCH, "the answer has %zu m-lines and the offer %zu",
                           answer->media_count, offer->media_count);
    for (size_t i = 0; i < offer->media_count; i++) {
        const char *what = misfit(&offer->media[i], &answer->media[i]);
        if (what != NULL)
            return so_sdp_fail(fault, err, SO_SDP_MISMATCH, "m-line %zu of the answer %s", i + 1, what);
    }
    return SO_OK;
}

so_status so_sdp_check_reoffer(const so_sdp *local, const so_sdp *remote, const so_sdp *offer, so_sdp_fault *fault,
                               so_error *err)
{
    /* RFC 3264 §8: "the number of m= lines ... MUST be equal to or greater" */
    if (offer->media_count < remote->media_count)
        return so_sdp_fail(fault, err, SO_SDP_MISMATCH, "an offer in mid-call leaves m-lines out");
    for (size_t i = 0; i < remote->media_count; i++) {
        const so_sdp_media *before = &remote->media[i];
        if (before->rejected || local->media[i].rejected)
            continue;
        if (strcmp(before->kind_name, offer->media[i].kind_name) != 0 || !same_mid(before, &offer->media[i]))
            return so_sdp_fail(fault, err, SO_SDP_MISMATCH,
                               "m-line %zu of an offer in mid-call is another one than before", i + 1);
    }
    return SO_OK;
}

static void agree_codecs(so_sdp_agreed *agreed, const so_sdp_abilities *abilities)
{
    for (size_t i = 0; i < agreed->remote->codec_count; i++) {
        const so_sdp_codec *theirs = &agreed->remote->codecs[i], *ours;
        size_t ability = so_sdp_ability_of(abilities, agreed->remote, theirs);
        if (ability == abilities->codec_count || agreed->codec_count == SO_SDP_ABILITIES_MAX)
            continue;
        ours = so_sdp_find(abilities, ability, agreed->local);
        if (ours == NULL)
            continue;
        agreed->codecs[agreed->codec_count++] = (so_sdp_agreed_codec){.ability = &abilities->codecs[ability],
                                                                      .send_type = theirs->type,
                                                                      .receive_type = ours->type,
                                                                      .fmtp = theirs->fmtp};
    }
}

static void agree_extensions(so_sdp_agreed *agreed, const so_sdp_abilities *abilities)
{
    for (size_t i = 0; i < agreed->local->extension_count; i++) {
        const so_sdp_extension *ours = &agreed->local->extensions[i];
        const so_sdp_extension *theirs = so_sdp_extension_of(agreed->remote, ours->uri);
        size_t ability = so_sdp_extension_ability_of(abilities, agreed->local, ours);
        so_sdp_direction direction;
        if (theirs == NULL || theirs->id != ours->id || ability == abilities->extension_count ||
            agreed->extension_count == SO_SDP_ABILITIES_MAX)
            continue;
        direction = ours->direction & so_sdp_reverse(theirs->direction);
        if (direction != SO_SDP_INACTIVE)
            agreed->extensions[agreed->extension_count++] = (so_sdp_agreed_extension){
                .ability = &abilities->extensions[ability], .id = ours->id, .direction = direction};
    }
}

void so_sdp_agree(so_sdp_agreed *agreed, const so_sdp_abilities *abilities, const so_sdp *local, const so_sdp *remote,
                  size_t i)
{
    const so_sdp_media *l = &local->media[i], *r = &remote->media[i];

    memset(agreed, 0, sizeof *agreed);
    agreed->kind = l->kind;
    agreed->mid = l->mid;
    agreed->local = l;
    agreed->remote = r;
    agreed->accepted = !l->rejected && !r->rejected;
    if (!agreed->accepted)
        return;
    agreed->direction = l->direction & so_sdp_reverse(r->direction);
    if (l->profile != SO_SDP_SCTP) {
        agree_codecs(agreed, abilities);
        agree_extensions(agreed, abilities);
        if (agreed->codec_count == 0)
            agreed->direction = SO_SDP_INACTIVE;
    }
}
