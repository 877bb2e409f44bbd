#include "cli/call_people.h"

#include "cli/keyring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LAYER "identity"

struct call_people {
    const call_options *options;
    call_people_seat seat;
    so_pkey *identity;
    so_known known; /* as the file had it when it was last read or changed */
    so_caller *caller;
    so_person told;  /* what was said of it last */
    bool remembered; /* --remember has been done, or can't be */
};

/* What of the list is to be changed: one call's worth. */
typedef struct change {
    call_people *people;
    const so_person *person;
    char link[SO_KNOWN_LINK_LEN + 1];
    bool pin, met, compared, replace;
} change;

/* ---- the key, and the list ---- */

/* Nobody asked for it to be kept: where there is no place, a key of this call alone will do. */
static bool may_do_without(const call_options *o, so_status status)
{
    return (status == SO_NOT_FOUND || status == SO_IO) && o->state == NULL && o->passphrase_file == NULL &&
           o->expect == NULL && o->remember == NULL;
}

static so_status open_identity(call_people *p, so_error *err)
{
    const call_options *o = p->options;
    so_pem passphrase = {NULL, 0};
    so_status status = SO_OK;

    if (o->private_call)
        return so_pkey_make(&p->identity, err);
    if (o->passphrase_file != NULL)
        status = so_passphrase_read(o->passphrase_file, &passphrase, err);
    if (status == SO_OK)
        status = so_identity_open(o->state, so_pem_slice(&passphrase), &p->identity, err);
    so_pem_free(&passphrase);
    if (status == SO_OK || !may_do_without(o, status))
        return status;
    (void)fprintf(stderr, "sotto call: no identity is kept (%s); this call has a key of its own\n", err->text);
    return so_pkey_make(&p->identity, err);
}

static so_status open_known(call_people *p, so_error *err)
{
    so_status status = so_peers_load(p->options->state, &p->known, err);

    if (status != SO_OK && may_do_without(p->options, status))
        status = SO_OK;
    if (status == SO_OK && p->options->expect != NULL && so_known_by_name(&p->known, p->options->expect) == NULL)
        status =
            so_fail(err, SO_NOT_FOUND, LAYER, "you know nobody as %s; look at sotto peers list", p->options->expect);
    if (status == SO_OK && p->options->remember != NULL)
        status = so_peer_name_check(p->options->remember, err);
    return status;
}

so_status call_people_open(call_people **out, const call_options *o, const call_people_seat *seat, so_error *err)
{
    call_people *p = calloc(1, sizeof *p);
    so_status status;

    *out = NULL;
    if (p == NULL)
        return so_fail(err, SO_NO_MEMORY, LAYER, "no memory for who is known; end other programs");
    p->options = o;
    p->seat = *seat;
    status = open_identity(p, err);
    if (status == SO_OK)
        status = open_known(p, err);
    if (status != SO_OK) {
        call_people_close(p);
        return status;
    }
    *out = p;
    return SO_OK;
}

void call_people_close(call_people *p)
{
    if (p == NULL)
        return;
    so_pkey_free(p->identity);
    so_known_free(&p->known);
    free(p);
}

so_pkey *call_people_identity(const call_people *p)
{
    return p->identity;
}

void call_people_config(const call_people *p, so_caller_config *config)
{
    config->identity = p->identity;
    config->known = &p->known;
    config->expect = p->options->expect;
    config->nobody_compares = !p->seat.asked;
}

void call_people_call(call_people *p, so_caller *caller)
{
    if (p == NULL)
        return;
    p->caller = caller;
    p->told = (so_person){0};
    p->remembered = false;
}

/* ---- what is learnt ---- */

static so_status edit(so_known *known, void *user, so_error *err)
{
    const change *c = user;
    const so_person *person = c->person;
    so_unix now = (so_unix)time(NULL);
    so_status status = SO_OK;

    if (c->pin)
        status = so_known_pin(known, c->people->options->remember, person->key, now, err);
    if (status == SO_OK && c->replace)
        status = so_known_replace(known, person->expected, person->key, now, err);
    if (status == SO_OK && c->met)
        status = so_known_met(known, person->key, c->link, err);
    if (status == SO_OK && c->compared)
        status = so_known_compared(known, person->key, now, err);
    return status;
}

/* In the file and here; what can't be kept is said, and the call goes on. */
static bool learn(call_people *p, change *c)
{
    so_known now = {0};
    so_error err;

    c->people = p;
    if (so_known_link(c->link, &p->options->invite) != SO_OK ||
        so_peers_change(p->options->state, edit, c, &err) != SO_OK ||
        so_peers_load(p->options->state, &now, &err) != SO_OK) {
        p->seat.fault(p->seat.user, &err);
        return false;
    }
    so_known_free(&p->known);
    p->known = now;
    so_caller_review(p->caller);
    return true;
}

/* Is the link the last one with which this peer was met? Then there is nothing to write down. */
static bool is_met(const call_people *p, const so_person *person)
{
    const so_known_peer *peer = so_known_by_key(&p->known, person->key);
    char link[SO_KNOWN_LINK_LEN + 1];

    return peer != NULL && peer->link_count > 0 && so_known_link(link, &p->options->invite) == SO_OK &&
           strcmp(peer->links[peer->link_count - 1], link) == 0;
}

static void note_meeting(call_people *p, const so_person *person)
{
    change c = {.person = person};

    if (!person->met || person->alarm || person->key[0] == '\0')
        return;
    c.pin = person->identity == SO_RECOGNISED_UNKNOWN && p->options->remember != NULL && !p->remembered;
    c.met = c.pin || (person->identity == SO_RECOGNISED_KNOWN && !is_met(p, person));
    c.compared = c.pin && person->compared;
    p->remembered |= c.pin;
    if (c.pin || c.met)
        (void)learn(p, &c);
}

/* ---- what is said ---- */

bool call_people_wait(const call_people *p)
{
    const so_call *call = p == NULL || p->caller == NULL ? NULL : so_caller_call(p->caller);
    const so_person *person = call == NULL ? NULL : so_call_person(call);

    return person != NULL && p->seat.asked &&
           (person->alarm || (so_call_compares(call) && person->has_string && !person->compared));
}

void call_people_event(call_people *p, const so_call_event *event)
{
    so_person person;

    if (p == NULL || p->caller == NULL || event->kind != SO_CALL_PERSON)
        return;
    person = *so_call_person(so_caller_call(p->caller)); /* it changes with what is learnt here */
    if (!p->seat.shown)
        call_say_person(p->options, &p->told, &person, call_people_wait(p));
    p->told = person;
    if (person.alarm && !p->seat.asked)
        so_caller_decide(p->caller, false);
    else
        note_meeting(p, &person);
}

/* ---- what a person answers ---- */

void call_people_compare(call_people *p, bool same)
{
    so_person person;

    if (p == NULL || p->caller == NULL || so_call_person(so_caller_call(p->caller))->compared)
        return;
    so_caller_compare(p->caller, same);
    if (p->caller == NULL)
        return;
    person = *so_call_person(so_caller_call(p->caller));
    if (same && person.compared && person.name[0] != '\0')
        (void)learn(p, &(change){.person = &person, .compared = true});
}

void call_people_decide(call_people *p, bool go_on)
{
    if (p != NULL && p->caller != NULL)
        so_caller_decide(p->caller, go_on);
}

void call_people_take_key(call_people *p)
{
    so_person person;

    if (p == NULL || p->caller == NULL)
        return;
    person = *so_call_person(so_caller_call(p->caller));
    if (person.alarm && person.identity == SO_RECOGNISED_CHANGED)
        (void)learn(p, &(change){.person = &person, .replace = true, .met = true});
}

void call_people_answer(call_people *p, const char *line, size_t len)
{
    const so_person *person;
    char answer = len > 0 ? line[0] : '\0';

    if (!call_people_wait(p))
        return;
    person = so_call_person(so_caller_call(p->caller));
    if (person->alarm) {
        if (answer == 't')
            call_people_take_key(p);
        else if (answer == 'y' || answer == 'n')
            call_people_decide(p, answer == 'y');
    } else if (answer == 'y' || answer == 'n') {
        call_people_compare(p, answer == 'y');
    }
    if (p->caller != NULL && call_people_wait(p) && answer != 'y' && answer != 'n' && answer != 't' &&
        !p->options->json)
        (void)puts("Answer with y or n, and Enter.");
}
