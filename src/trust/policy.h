/*
 * What a call must have: docs/policy.md. Pure. A policy is read from its text, made stricter by the server's, and held
 * against what was seen; each fault says the layer, the rule and the remedy.
 */
#ifndef SOTTO_TRUST_POLICY_H
#define SOTTO_TRUST_POLICY_H

#include "base/bytes.h"
#include "crypto/digest.h"
#include "trust/door.h"

#include <jansson.h>
#include <stdint.h>

#define SO_POLICY_TEXT_MAX 8192
/* Room for the JSON of any policy in force, and for the names of one list. */
#define SO_POLICY_JSON_MAX 2048
#define SO_POLICY_VALUE_TEXT 160
#define SO_POLICY_NAMES 6

/* In the order of docs/policy.md. */
typedef enum so_policy_rule {
    SO_RULE_TLS_MIN,
    SO_RULE_TLS_GROUPS,
    SO_RULE_SEAL,
    SO_RULE_DTLS_MIN,
    SO_RULE_DTLS_GROUPS,
    SO_RULE_SRTP_PROFILES,
    SO_RULE_RELAY_ONLY,
    SO_RULE_COMPARE,
    SO_RULE_KNOWN_ONLY,
    SO_RULE_RECORDING,
    SO_RULES
} so_policy_rule;

typedef enum so_policy_source { SO_FROM_DEFAULT, SO_FROM_OWN, SO_FROM_SERVER, SO_FROM_BOTH } so_policy_source;

typedef struct so_policy_value {
    so_policy_source from;
    bool given;                     /* a text that was read has it */
    uint8_t number;                 /* a version's minor number, or a boolean */
    uint8_t count;                  /* of a list; 0: any */
    uint8_t names[SO_POLICY_NAMES]; /* of a list, by their places in the table of names */
} so_policy_value;

typedef struct so_policy {
    so_policy_value rules[SO_RULES];
} so_policy;

/* What is in force where nobody asked for anything. */
void so_policy_default(so_policy *policy);

/*
 * Reads a policy: what the text does not have is the default. what names it in errors: "the file strict.json", "the
 * server's policy". SO_BAD_INPUT, SO_TOO_LONG: policy is the default, and is not to be used.
 */
so_status so_policy_parse(so_policy *policy, so_slice text, const char *what, so_error *err) SO_MUST_CHECK;
/* The same from an object of a message; NULL is a policy that asks for nothing. */
so_status so_policy_read(so_policy *policy, const json_t *object, const char *what, so_error *err) SO_MUST_CHECK;

/* Makes what is in force as strict as the server's too. SO_REFUSED: *rule can't be met, and nothing changed. */
so_status so_policy_tighten(so_policy *policy, const so_policy *server, so_policy_rule *rule,
                            so_error *err) SO_MUST_CHECK;
/* This end asks for it, for one call, beside its policy. */
void so_policy_ask(so_policy *policy, so_policy_rule rule);

bool so_policy_wants(const so_policy *policy, so_policy_rule rule); /* of a rule that is true or false: is it true? */
bool so_policy_is_default(const so_policy *policy, so_policy_rule rule);

typedef enum so_policy_stage {
    SO_STAGE_SIGNALING,
    SO_STAGE_SEAL,
    SO_STAGE_MEDIA,
    SO_STAGE_PATH,
    SO_STAGE_PERSON,
    SO_STAGE_THIS_END,
    SO_STAGES
} so_policy_stage;

typedef enum so_seen { SO_UNSEEN, SO_SEEN_NO, SO_SEEN_YES } so_seen;

/* NULL and SO_UNSEEN: this end cannot observe it. */
typedef struct so_policy_facts {
    const char *tls_version, *tls_group;                  /* "TLSv1.3", "x25519" */
    const char *dtls_version, *dtls_group, *srtp_profile; /* "1.2", "P-256", "AEAD_AES_128_GCM" */
    so_seen sealed, relayed, known, compared, recording;
} so_policy_facts;

typedef enum so_policy_fault {
    SO_POLICY_HOLDS,
    SO_POLICY_BELOW,
    SO_POLICY_NOT_ALLOWED,
    SO_POLICY_NOT_OBSERVED
} so_policy_fault;

/* Holds the rules of one stage against what was seen: the first that is not met, with a sentence, or SO_POLICY_HOLDS.
 */
so_policy_fault so_policy_check(const so_policy *policy, so_policy_stage stage, const so_policy_facts *facts,
                                so_policy_rule *rule, so_error *err) SO_MUST_CHECK;

const char *so_policy_rule_name(so_policy_rule rule);     /* "tls_min" */
const char *so_policy_rule_code(so_policy_rule rule);     /* "policy-tls-min" */
so_door so_policy_rule_door(so_policy_rule rule);         /* SO_NO_DOOR: it is of this end alone */
const char *so_policy_rule_meaning(so_policy_rule rule);  /* one sentence */
const char *so_policy_source_name(so_policy_source from); /* "own" */
/* The value as JSON. */
void so_policy_write_value(const so_policy *policy, so_policy_rule rule, so_writer *w);
/* {"rules":{...},"from":{...}} */
void so_policy_write(const so_policy *policy, so_writer *w);
/* The rules that the text gave, as a policy's text: what a server hands on. */
void so_policy_write_given(const so_policy *policy, so_writer *w);

/* Do two names, each of a library's or a browser's, stand for one group or profile? */
bool so_policy_same_name(so_policy_rule rule, const char *a, const char *b);
/*
 * The groups or profiles that a list allows, with colons between, under the names that OpenSSL takes. false: any.
 * SO_POLICY_VALUE_TEXT bytes hold all.
 */
bool so_policy_openssl(const so_policy *policy, so_policy_rule rule, char out[SO_POLICY_VALUE_TEXT]);

#endif
