#include "ice/ice_inside.h"

#include "base/secret.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define OR(value, other) ((value) != 0 ? (value) : (other))
#define TRIES 7 /* Rc, RFC 8489 §6.2.1 */

static void end_creds(so_ice_creds *creds)
{
    so_hmac_free(creds->key);
    so_hmac_free(creds->remote_key);
    so_wipe(creds, sizeof *creds);
}

/* RFC 8445 §5.3: at least 24 random bits of ufrag and 128 of password; here 48 and 144. */
static so_status fresh_creds(so_ice_creds *creds, const so_random *random)
{
    uint8_t raw[6 + 18];
    so_status status = so_random_fill(random, raw, sizeof raw);

    memset(creds, 0, sizeof *creds);
    if (status == SO_OK) {
        so_base64(creds->ufrag, raw, 6);
        so_base64(creds->pwd, raw + 6, 18);
        status = so_hmac_sha1_new(&creds->key, (so_slice){creds->pwd, strlen(creds->pwd)});
    }
    so_wipe(raw, sizeof raw);
    if (status != SO_OK)
        end_creds(creds);
    return status;
}

so_ice_creds *so_ice_creds_of(so_ice *ice, bool old)
{
    return old ? &ice->old_creds : &ice->creds;
}

static so_status draw_tie_breaker(so_ice *ice)
{
    return so_random_fill(&ice->config.random, (uint8_t *)&ice->tie_breaker, sizeof ice->tie_breaker);
}

so_status so_ice_new(so_ice **ice, const so_ice_config *config)
{
    so_ice *i;
    so_status status;

    *ice = NULL;
    if ((config->pacing_ms != 0 && config->pacing_ms < SO_ICE_LEAST_PACING_MS) || config->pacing_ms > 10000 ||
        config->tries > TRIES)
        return SO_BAD_INPUT;
    i = calloc(1, sizeof *i);
    if (i == NULL)
        return SO_NO_MEMORY;
    i->config = *config;
    i->config.pacing_ms = OR(config->pacing_ms, 50);
    i->config.nomination_wait_ms = OR(config->nomination_wait_ms, 500);
    i->config.patience_ms = OR(config->patience_ms, SO_ICE_PATIENCE_MS);
    i->config.silence_ms = OR(config->silence_ms, 5000);
    i->config.tries = OR(config->tries, TRIES);
    i->controlling = config->controlling;
    i->selected = i->old_pair = SO_ICE_NONE;
    i->first_valid_at = i->deadline = SO_ICE_NEVER;
    status = fresh_creds(&i->creds, &i->config.random);
    if (status == SO_OK)
        status = draw_tie_breaker(i);
    if (status == SO_OK)
        *ice = i;
    else
        so_ice_free(i);
    return status;
}

void so_ice_free(so_ice *ice)
{
    if (ice == NULL)
        return;
    end_creds(&ice->creds);
    end_creds(&ice->old_creds);
    so_ice_free_room(ice);
    so_wipe(ice, sizeof *ice);
    free(ice);
}

const char *so_ice_ufrag(const so_ice *ice)
{
    return ice->creds.ufrag;
}

const char *so_ice_pwd(const so_ice *ice)
{
    return ice->creds.pwd;
}

void so_ice_wake_at(so_ice *ice, so_msec when)
{
    if (when < ice->deadline)
        ice->deadline = when;
}

void so_ice_run(so_ice *ice, so_msec now)
{
    ice->deadline = SO_ICE_NEVER;
    if (!ice->closed) {
        so_ice_time_out(ice, now);
        so_ice_keep_consent(ice, now);
        so_ice_gather(ice, now);
        so_ice_nominate(ice, now);
        so_ice_check(ice, now);
    }
    so_ice_settle(ice, now);
    for (unsigned i = 0; i < ice->transaction_count; i++)
        if (so_ice_transaction_at(ice, i)->purpose != SO_ICE_IDLE)
            so_ice_wake_at(ice, so_ice_transaction_at(ice, i)->next);
}

void so_ice_tick(so_ice *ice, so_msec now)
{
    so_ice_run(ice, now);
}

/* RFC 8445 §7.3.1.1: "A change in roles will require an agent to recompute pair priorities". */
void so_ice_set_role(so_ice *ice, bool controlling)
{
    if (ice->controlling == controlling)
        return;
    ice->controlling = controlling;
    ice->tell_role = true;
    so_ice_rank_pairs(ice);
    for (unsigned i = 0; i < ice->transaction_count; i++) /* a controlled agent nominates nothing */
        if (so_ice_transaction_at(ice, i)->nominating)
            so_ice_transaction_at(ice, i)->purpose = SO_ICE_IDLE;
    for (unsigned i = 0; i < ice->pair_count; i++)
        so_ice_pair_at(ice, i)->nominate = false;
}

so_status so_ice_set_controlling(so_ice *ice, bool controlling)
{
    if (ice->creds.remote_known || ice->old_creds.remote_known)
        return SO_STATE;
    so_ice_set_role(ice, controlling);
    ice->tell_role = false;
    return SO_OK;
}

void so_ice_drop_old(so_ice *ice)
{
    if (ice->old_creds.key == NULL)
        return;
    if (ice->old_pair != SO_ICE_NONE)
        so_ice_free_pair(ice, ice->old_pair);
    for (uint8_t i = 0; i < ice->remote_count; i++)
        if (so_ice_remote_at(ice, i)->used && so_ice_remote_at(ice, i)->old)
            so_ice_free_remote(ice, i);
    so_ice_forget_stale(ice);
    end_creds(&ice->old_creds);
}

/* Everything of the generation goes but the pair that media goes over. */
static void forget_generation(so_ice *ice, uint8_t kept, so_msec now)
{
    for (uint8_t i = 0; i < ice->pair_count; i++)
        if (i != kept && so_ice_pair_at(ice, i)->state != SO_ICE_PAIR_FREE)
            so_ice_free_pair(ice, i);
    for (uint8_t i = 0; i < ice->remote_count; i++)
        if (so_ice_remote_at(ice, i)->used && (kept == SO_ICE_NONE || so_ice_pair_at(ice, kept)->remote != i))
            so_ice_free_remote(ice, i);
    /* The peer may send over an old pair until it too knows the new one, for as long as it has our consent. */
    for (unsigned i = 0; i < SO_ICE_COUNTED; i++) {
        so_ice_counted *c = &ice->counted[i];
        c->used = c->used && (!c->old || now < c->seen + SO_ICE_CONSENT_MS);
        c->old = true;
    }
    ice->selected = SO_ICE_NONE;
    ice->old_pair = kept;
    if (kept != SO_ICE_NONE) {
        so_ice_pair_at(ice, kept)->old = so_ice_remote_at(ice, so_ice_pair_at(ice, kept)->remote)->old = true;
        so_ice_pair_at(ice, kept)->queued = 0;
    }
    for (unsigned i = 0; i < ice->transaction_count; i++) /* consent goes on; checks were of that generation */
        if (so_ice_transaction_at(ice, i)->purpose == SO_ICE_CHECK)
            so_ice_transaction_at(ice, i)->purpose = SO_ICE_IDLE;
    so_ice_announce_again(ice, kept == SO_ICE_NONE ? SO_ICE_NONE : so_ice_pair_at(ice, kept)->local);
    ice->early_count = ice->reply_count = 0;
    ice->remote_end = ice->local_end = ice->tell_end = ice->tell_selected = ice->failed = false;
    ice->had_pair = kept != SO_ICE_NONE;
    ice->first_valid_at = SO_ICE_NEVER;
}

so_status so_ice_restart(so_ice *ice, so_msec now)
{
    so_ice_creds fresh;
    uint8_t kept = so_ice_sending(ice);
    so_status status;

    if (ice->closed)
        return SO_STATE;
    status = fresh_creds(&fresh, &ice->config.random);
    if (status != SO_OK)
        return status;
    if (kept != SO_ICE_NONE && so_ice_pair_at(ice, kept)->old) {
        end_creds(&ice->creds); /* a restart of a restart: what was between never carried anything */
    } else {
        end_creds(&ice->old_creds);
        ice->old_creds = ice->creds;
    }
    ice->creds = fresh;
    so_wipe(&fresh, sizeof fresh);
    forget_generation(ice, kept, now);
    so_ice_run(ice, now);
    return SO_OK;
}

static bool are_remote(const so_ice_creds *creds, const char *ufrag, const char *pwd)
{
    return creds->remote_known && strcmp(creds->remote_ufrag, ufrag) == 0 && strcmp(creds->remote_pwd, pwd) == 0;
}

/* What came before its credentials is looked at now; RFC 8445 §7.3. */
static void take_early(so_ice *ice, so_msec now)
{
    for (unsigned i = 0; i < ice->early_count; i++)
        so_ice_take_check(ice, &ice->early[i], now);
    ice->early_count = 0;
}

so_status so_ice_set_remote(so_ice *ice, so_msec now, const char *ufrag, const char *pwd, bool lite)
{
    so_hmac *key;
    so_status status;

    if (ice->closed)
        return SO_STATE;
    if (are_remote(&ice->creds, ufrag, pwd))
        return SO_OK;
    if (!so_ice_chars(ufrag, strlen(ufrag), 4, SO_ICE_UFRAG) || !so_ice_chars(pwd, strlen(pwd), 22, SO_ICE_PWD) ||
        are_remote(&ice->old_creds, ufrag, pwd))
        return SO_BAD_INPUT;
    status = so_hmac_sha1_new(&key, (so_slice){pwd, strlen(pwd)});
    if (status == SO_OK && ice->creds.remote_known)
        status = so_ice_restart(ice, now);
    if (status != SO_OK) {
        so_hmac_free(key);
        return status;
    }
    memcpy(ice->creds.remote_ufrag, ufrag, strlen(ufrag) + 1);
    memcpy(ice->creds.remote_pwd, pwd, strlen(pwd) + 1);
    ice->creds.remote_key = key;
    ice->creds.remote_known = true;
    ice->creds.lite = lite;
    if (lite) /* RFC 8445 §6.1.1: the full agent "MUST take the controlling role" */
        so_ice_set_role(ice, true);
    ice->patient_from = ice->news_at = now;
    so_ice_forget_strangers(ice);
    take_early(ice, now);
    so_ice_run(ice, now);
    return SO_OK;
}

void so_ice_close(so_ice *ice)
{
    ice->closed = true;
    ice->reply_count = 0;
    for (unsigned i = 0; i < ice->transaction_count; i++)
        so_ice_transaction_at(ice, i)->purpose = SO_ICE_IDLE;
    for (unsigned i = 0; i < ice->local_count; i++)
        so_ice_local_at(ice, i)->announce = false;
    ice->tell_end = ice->tell_role = ice->tell_selected = false;
    ice->selected = SO_ICE_NONE;
    so_ice_run(ice, 0);
}
