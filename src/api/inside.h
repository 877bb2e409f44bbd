/* What the files of the public API share. Handles are the so_ structs themselves, under names of their own. */
#ifndef SOTTO_API_INSIDE_H
#define SOTTO_API_INSIDE_H

#include "net/caller.h"
#include "sotto/sotto.h"

#include <signal.h>

struct sotto_engine {
    so_engine media;
    so_loop loop;
    SSL_CTX *ctx;
    bool has_loop;
};

static inline sotto_status api_status(so_status status)
{
    return (sotto_status)status;
}

/* Returns status, so that callers can write: return api_fail(...). */
static inline sotto_status api_fail(sotto_error *out, so_status status, const so_error *err)
{
    if (out != NULL && status != SO_OK) {
        out->status = api_status(status);
        out->layer = err->layer;
        _Static_assert(sizeof out->text == sizeof err->text, "the same room for a sentence");
        for (size_t i = 0; i < sizeof out->text; i++)
            out->text[i] = err->text[i];
    }
    return api_status(status);
}

/* How session descriptions call a codec; NULL: there is none of that number. */
const char *api_codec_name(sotto_codec codec);
so_sdp_kind api_codec_kind(sotto_codec codec);
/* What of a set of codecs this library has; false: nothing. */
bool api_choose(so_sdp_choice *choice, unsigned codecs);
/* Data channels, and whose they are. */
so_sctp_channel api_channel(const sotto_channel *channel);
sotto_data api_data(const so_sctp_event *event);
so_peer *api_peer(sotto_peer *peer);
so_caller *api_caller(sotto_call *call);
/* Who this end is, and whom it expects. */
typedef struct api_people {
    so_pkey *identity;
    so_known known;
} api_people;

so_status api_take_people(api_people *people, const sotto_call_options *options, so_error *err) SO_MUST_CHECK;
void api_drop_people(api_people *people);
void api_people_config(const api_people *people, const sotto_call_options *options, so_caller_config *config);
sotto_person api_person(const so_person *person);
sotto_frame api_frame(const so_peer_frame *frame, unsigned lost);

/* https://host[:port]/#secret into both; url keeps no fragment. invite is ended with so_invite_wipe, whatever comes. */
so_status api_read_link(so_url *url, so_invite *invite, const char *link, so_error *err) SO_MUST_CHECK;

/*
 * What is written to a connection that broke raises SIGPIPE, which is a program's to handle and not a library's: it is
 * blocked here, and taken away if it came meanwhile. Within another quiet time the inner one does nothing.
 */
typedef struct api_quiet {
    sigset_t before;
    bool pending;
} api_quiet;

api_quiet api_be_quiet(void);
void api_end_quiet(const api_quiet *quiet);

#endif
