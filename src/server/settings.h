/* What a server keeps of its options for as long as it runs: its secrets, its policy, what it says of STUN and TURN. */
#ifndef SOTTO_SERVER_SETTINGS_H
#define SOTTO_SERVER_SETTINGS_H

#include "server/options.h"
#include "server/policy.h"
#include "server/turn.h"

typedef struct so_settings {
    so_ice_servers ice; /* borrows of the options and of turn_secret */
    so_pem turn_secret, rehearsal_token;
    so_policy policy;
    char policy_text[SO_POLICY_JSON_MAX]; /* what of it members are handed; empty: no policy was given */
} so_settings;

/* Reads the files that the options name. settings: zeros. To be freed whatever comes; options outlive it. */
so_status so_settings_read(so_settings *settings, const so_options *options, so_unix now, so_error *err) SO_MUST_CHECK;
void so_settings_free(so_settings *settings);

#endif
