#include "server/settings.h"

#include "server/folder.h"
#include "server/rehearsal.h"

#include <string.h>

static so_status read_rehearsal_token(so_settings *s, const so_options *o, so_error *err)
{
    so_status status = SO_OK;

    if (o->allow_rehearsal != NULL && o->allow_rehearsal_file != NULL)
        return so_fail(err, SO_BAD_INPUT, "options", "give --allow-rehearsal or --allow-rehearsal-file, not both");
    if (o->allow_rehearsal != NULL &&
        so_pem_copy(&s->rehearsal_token, o->allow_rehearsal, strlen(o->allow_rehearsal)) != SO_OK)
        return so_fail(err, SO_NO_MEMORY, "server", "not enough memory to start");
    if (o->allow_rehearsal_file != NULL)
        status = so_passphrase_read(o->allow_rehearsal_file, &s->rehearsal_token, err);
    if (status == SO_OK && (o->allow_rehearsal != NULL || o->allow_rehearsal_file != NULL) &&
        s->rehearsal_token.len < SO_REHEARSAL_TOKEN_MIN)
        return so_fail(
            err, SO_BAD_INPUT, "options",
            "the token of --allow-rehearsal needs %d characters at least, or it can be guessed; openssl rand "
            "-hex 16 makes one",
            SO_REHEARSAL_TOKEN_MIN);
    return status;
}

static so_status read_turn_secret(so_settings *s, const so_options *o, so_unix now, so_error *err)
{
    uint8_t ice[SO_ICE_MAX];
    so_writer w = so_writer_of(ice, sizeof ice);

    for (size_t i = 0; i < o->ice_server.count + o->turn.count; i++) {
        bool turn = i >= o->ice_server.count;
        const char *url = turn ? o->turn.items[i - o->ice_server.count] : o->ice_server.items[i];
        if (!so_ice_url_valid(url, turn))
            return so_fail(err, SO_BAD_INPUT, "options", "\"%.100s\" must look like %s", url,
                           turn ? "turns:turn.example:5349 or turn:turn.example:3478" : "stun:stun.example:3478");
    }
    if (o->turn.count > 0 && o->turn_secret_file == NULL)
        return so_fail(err, SO_BAD_INPUT, "options",
                       "--turn needs --turn-secret-file FILE, which holds coturn's static-auth-secret");
    if (o->turn_secret_file != NULL) {
        so_status status = so_passphrase_read(o->turn_secret_file, &s->turn_secret, err);
        if (status != SO_OK)
            return status;
    }
    s->ice = (so_ice_servers){.stun = (const char *const *)o->ice_server.items,
                              .stun_count = o->ice_server.count,
                              .turn = (const char *const *)o->turn.items,
                              .turn_count = o->turn.count,
                              .secret = so_pem_slice(&s->turn_secret),
                              .lifetime = o->turn_lifetime};
    if (so_ice_write(&w, &s->ice, "AAAAAAAAAAA", now) != SO_OK)
        return so_fail(err, SO_BAD_INPUT, "options",
                       "the --ice-server and --turn addresses are more than a welcome holds (%d bytes); give fewer or "
                       "shorter ones",
                       SO_ICE_MAX);
    return SO_OK;
}

static so_status read_policy(so_settings *s, const so_options *o, so_error *err)
{
    so_writer w = so_writer_of(s->policy_text, sizeof s->policy_text - 1);
    so_status status = so_policy_load(&s->policy, o->policy, err);

    if (status != SO_OK || o->policy == NULL)
        return status;
    so_policy_write_given(&s->policy, &w);
    return SO_OK;
}

so_status so_settings_read(so_settings *s, const so_options *options, so_unix now, so_error *err)
{
    so_status status = read_rehearsal_token(s, options, err);

    if (status == SO_OK)
        status = read_turn_secret(s, options, now, err);
    return status == SO_OK ? read_policy(s, options, err) : status;
}

void so_settings_free(so_settings *s)
{
    so_pem_free(&s->turn_secret);
    so_pem_free(&s->rehearsal_token);
}
