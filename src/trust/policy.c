#include "trust/policy.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LAYER "policy"

/* ---- the tables ---- */

typedef enum rule_kind { A_VERSION, A_LIST, TRUE_IS_STRICT, FALSE_IS_STRICT } rule_kind;

/* The first name is the one that policies use; the others are what libraries and browsers say. */
typedef struct name_words {
    const char *names[4];
    const char *openssl;
} name_words;

static const name_words groups[] = {{{"x25519"}, "X25519"},
                                    {{"secp256r1", "P-256", "prime256v1"}, "P-256"},
                                    {{"secp384r1", "P-384"}, "P-384"},
                                    {{"secp521r1", "P-521"}, "P-521"},
                                    {{"x448"}, "X448"},
                                    {{"X25519MLKEM768"}, "X25519MLKEM768"}};
static const name_words profiles[] = {
    {{"SRTP_AES128_CM_HMAC_SHA1_80", "AES128_CM_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_80", "SRTP_AES128_CM_SHA1_80"},
     "SRTP_AES128_CM_SHA1_80"},
    {{"SRTP_AEAD_AES_128_GCM", "AEAD_AES_128_GCM"}, "SRTP_AEAD_AES_128_GCM"},
    {{"SRTP_AEAD_AES_256_GCM", "AEAD_AES_256_GCM"}, "SRTP_AEAD_AES_256_GCM"}};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef struct rule_words {
    const char *name, *code;
    rule_kind kind;
    uint8_t otherwise; /* the default: a version's minor number, or a boolean */
    so_policy_stage stage;
    so_door door;
    const name_words *names;
    uint8_t name_count;
    const char *subject; /* what is looked at */
    const char *broken;  /* of a rule that is true or false: what is so where it is not met */
    const char *meaning;
    const char *remedy;
} rule_words;

static const rule_words rules[SO_RULES] = {
    [SO_RULE_TLS_MIN] = {"tls_min", "policy-tls-min", A_VERSION, 2, SO_STAGE_SIGNALING, SO_DOOR_SIGNALING, NULL, 0,
                         "the TLS version of the connection to the server", NULL,
                         "The connection to the server has at least this version of TLS.",
                         "update the server, or ask for less"},
    [SO_RULE_TLS_GROUPS] = {"tls_groups", "policy-tls-groups", A_LIST, 0, SO_STAGE_SIGNALING, SO_DOOR_SIGNALING, groups,
                            COUNT(groups), "the key exchange of the connection to the server", NULL,
                            "The keys of the connection to the server are agreed on in one of these groups.",
                            "have the server offer such a group, or allow the one it has"},
    [SO_RULE_SEAL] = {"seal", "policy-seal", TRUE_IS_STRICT, true, SO_STAGE_SEAL, SO_DOOR_SEAL, NULL, 0, "the seal",
                      "there is no seal", "What the two ends say to each other is sealed with keys from the link.",
                      "use an end that seals"},
    [SO_RULE_DTLS_MIN] = {"dtls_min", "policy-dtls-min", A_VERSION, 2, SO_STAGE_MEDIA, SO_DOOR_MEDIA, NULL, 0,
                          "the DTLS version between the two ends", NULL,
                          "The handshake between the two ends has at least this version of DTLS.",
                          "update the older of the two ends, or ask for less"},
    [SO_RULE_DTLS_GROUPS] = {"dtls_groups", "policy-dtls-groups", A_LIST, 0, SO_STAGE_MEDIA, SO_DOOR_MEDIA, groups,
                             COUNT(groups), "the key exchange between the two ends", NULL,
                             "The keys of the call are agreed on in one of these groups.",
                             "use ends that both have such a group, or allow the one they agreed on"},
    [SO_RULE_SRTP_PROFILES] = {"srtp_profiles", "policy-srtp-profiles", A_LIST, 0, SO_STAGE_MEDIA, SO_DOOR_MEDIA,
                               profiles, COUNT(profiles), "the SRTP profile", NULL,
                               "Sound and picture are encrypted with one of these profiles.",
                               "use ends that both have such a profile, or allow the one they agreed on"},
    [SO_RULE_RELAY_ONLY] = {"relay_only", "policy-relay-only", TRUE_IS_STRICT, false, SO_STAGE_PATH, SO_DOOR_PATH, NULL,
                            0, "whether this end's packets go through a relay",
                            "this end's packets do not go through a relay",
                            "All packets go through a relay, and no address of this end is told to the other.",
                            "have the server offer a relay (sotto serve --turn)"},
    [SO_RULE_COMPARE] = {"compare", "policy-compare", TRUE_IS_STRICT, false, SO_STAGE_PERSON, SO_DOOR_PERSON, NULL, 0,
                         "whether people compared", "this end's person has not compared",
                         "Nothing goes out or is taken before this end's person has compared.",
                         "compare over another way, a telephone or a message, and say that both see the same"},
    [SO_RULE_KNOWN_ONLY] = {"known_only", "policy-known-only", TRUE_IS_STRICT, false, SO_STAGE_PERSON, SO_DOOR_PERSON,
                            NULL, 0, "whether the other end has a key that this end knows",
                            "this end has no name for the other end's key",
                            "The other end shows a key that this end has a name for.",
                            "compare and remember the other end in a call without this rule, then call again"},
    [SO_RULE_RECORDING] = {"recording", "policy-recording", FALSE_IS_STRICT, true, SO_STAGE_THIS_END, SO_NO_DOOR, NULL,
                           0, "whether this end records", "this end would write down or hand on what it receives",
                           "This end may write sound and picture of the other to a file, or hand it on.",
                           "let it out by the loudspeaker and the window alone"},
};

static bool is_flag(so_policy_rule rule)
{
    return rules[rule].kind == TRUE_IS_STRICT || rules[rule].kind == FALSE_IS_STRICT;
}

const char *so_policy_rule_name(so_policy_rule rule)
{
    return rules[rule].name;
}

const char *so_policy_rule_code(so_policy_rule rule)
{
    return rules[rule].code;
}

so_door so_policy_rule_door(so_policy_rule rule)
{
    return rules[rule].door;
}

const char *so_policy_rule_meaning(so_policy_rule rule)
{
    return rules[rule].meaning;
}

const char *so_policy_source_name(so_policy_source from)
{
    static const char *const names[] = {"default", "own", "server", "both"};

    return names[from];
}

void so_policy_default(so_policy *policy)
{
    memset(policy, 0, sizeof *policy);
    for (so_policy_rule rule = 0; rule < SO_RULES; rule++)
        policy->rules[rule].number = rules[rule].otherwise;
}

bool so_policy_wants(const so_policy *policy, so_policy_rule rule)
{
    return policy->rules[rule].number != 0;
}

bool so_policy_is_default(const so_policy *policy, so_policy_rule rule)
{
    const so_policy_value *value = &policy->rules[rule];

    return value->count == 0 && value->number == rules[rule].otherwise;
}

/* ---- reading ---- */

/* The first name alone, as it stands; name_count: there is none like it. */
static uint8_t place_of(const rule_words *rule, const char *name)
{
    uint8_t i = 0;

    while (i < rule->name_count && strcmp(rule->names[i].names[0], name) != 0)
        i++;
    return i;
}

static bool read_list(so_policy_value *value, const rule_words *rule, const json_t *json)
{
    const char *text = json_string_value(json);
    size_t count = json_array_size(json);

    if (text != NULL)
        return strcmp(text, "any") == 0;
    if (!json_is_array(json) || count == 0 || count > rule->name_count)
        return false;
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_array_get(json, i));
        uint8_t place = name == NULL ? rule->name_count : place_of(rule, name);

        if (place == rule->name_count || memchr(value->names, place, value->count) != NULL)
            return false;
        value->names[value->count++] = place;
    }
    return true;
}

static bool read_value(so_policy_value *value, const rule_words *rule, const json_t *json)
{
    const char *text = json_string_value(json);

    value->given = true;
    value->from = SO_FROM_OWN;
    switch (rule->kind) {
    case A_VERSION:
        value->number = text != NULL && strcmp(text, "1.3") == 0 ? 3 : 2;
        return text != NULL && (value->number == 3 || strcmp(text, "1.2") == 0);
    case A_LIST:
        return read_list(value, rule, json);
    default:
        value->number = json_is_true(json);
        return json_is_boolean(json);
    }
}

static const char *wanted_of(const rule_words *rule)
{
    switch (rule->kind) {
    case A_VERSION:
        return "\"1.2\" or \"1.3\"";
    case A_LIST:
        return "\"any\", or a list of names that docs/policy.md has, each once";
    default:
        return "true or false";
    }
}

so_status so_policy_read(so_policy *policy, const json_t *object, const char *what, so_error *err)
{
    const char *name;
    json_t *json;

    so_policy_default(policy);
    if (object == NULL)
        return SO_OK;
    if (!json_is_object(object))
        return so_fail(err, SO_BAD_INPUT, LAYER, "%s is no JSON object; write one as docs/policy.md shows", what);
    json_object_foreach((json_t *)object, name, json)
    {
        so_policy_rule rule = 0;

        while (rule < SO_RULES && strcmp(rules[rule].name, name) != 0)
            rule++;
        if (rule == SO_RULES || !read_value(&policy->rules[rule], &rules[rule], json)) {
            so_policy_default(policy);
            if (rule < SO_RULES)
                return so_fail(err, SO_BAD_INPUT, LAYER, "in %s, %s must be %s", what, rules[rule].name,
                               wanted_of(&rules[rule]));
            return so_fail(err, SO_BAD_INPUT, LAYER,
                           "%s has a rule \"%.40s\" that this program does not know; correct it, or update the program",
                           what, name);
        }
    }
    return SO_OK;
}

so_status so_policy_parse(so_policy *policy, so_slice text, const char *what, so_error *err)
{
    json_error_t where;
    json_t *root;
    so_status status;

    so_policy_default(policy);
    if (text.len > SO_POLICY_TEXT_MAX)
        return so_fail(err, SO_TOO_LONG, LAYER, "%s has more than %d bytes; it is no policy", what, SO_POLICY_TEXT_MAX);
    root = json_loadb((const char *)text.bytes, text.len, JSON_REJECT_DUPLICATES, &where);
    if (root == NULL)
        return so_fail(err, SO_BAD_INPUT, LAYER, "%s is no JSON: line %d: %s", what, where.line, where.text);
    status = so_policy_read(policy, root, what, err);
    json_decref(root);
    return status;
}

/* ---- the stricter of two ---- */

static bool same(const so_policy_value *a, const so_policy_value *b)
{
    return a->number == b->number && a->count == b->count && memcmp(a->names, b->names, sizeof a->names) == 0;
}

/* What both allow, in our order. false: nothing. */
static bool share(so_policy_value *ours, const so_policy_value *theirs)
{
    so_policy_value shared = {.from = ours->from, .given = ours->given};

    if (theirs->count == 0)
        return true;
    if (ours->count == 0) {
        *ours = *theirs;
        ours->from = SO_FROM_SERVER;
        return true;
    }
    for (uint8_t i = 0; i < ours->count; i++)
        if (memchr(theirs->names, ours->names[i], theirs->count) != NULL)
            shared.names[shared.count++] = ours->names[i];
    if (shared.count == 0)
        return false;
    if (!same(&shared, ours))
        shared.from = shared.count == theirs->count ? SO_FROM_SERVER : SO_FROM_BOTH;
    *ours = shared;
    return true;
}

static bool tighten_one(so_policy_value *ours, const so_policy_value *theirs, rule_kind kind)
{
    bool stricter = kind == FALSE_IS_STRICT ? theirs->number < ours->number : theirs->number > ours->number;

    if (kind == A_LIST)
        return share(ours, theirs);
    if (stricter) {
        ours->number = theirs->number;
        ours->from = SO_FROM_SERVER;
    }
    return true;
}

so_status so_policy_tighten(so_policy *policy, const so_policy *server, so_policy_rule *rule, so_error *err)
{
    so_policy result = *policy;

    for (*rule = 0; *rule < SO_RULES; ++*rule) {
        /* What a server does not say is its default, which asks for nothing: but of the seal there is but one kind. */
        if (server->rules[*rule].given && !tighten_one(&result.rules[*rule], &server->rules[*rule], rules[*rule].kind))
            return so_fail(err, SO_REFUSED, LAYER,
                           "this end's policy and the server's have nothing in common in the rule %s; allow in one of "
                           "them what the other asks for",
                           rules[*rule].name);
    }
    *policy = result;
    return SO_OK;
}

void so_policy_ask(so_policy *policy, so_policy_rule rule)
{
    so_policy_value *value = &policy->rules[rule];
    uint8_t strict = rules[rule].kind == TRUE_IS_STRICT;

    if (!is_flag(rule) || value->number == strict)
        return;
    value->number = strict;
    value->from = SO_FROM_OWN;
}

/* ---- checking ---- */

/* 2 and 3 for what is known to be 1.2 and 1.3, of TLS and DTLS; 0 for all else. */
static uint8_t minor_of(const char *version)
{
    if (strncmp(version, "TLSv", 4) == 0)
        version += 4;
    if (strcmp(version, "1.2") == 0)
        return 2;
    return strcmp(version, "1.3") == 0 ? 3 : 0;
}

static bool is_called(const name_words *words, const char *seen)
{
    for (size_t i = 0; i < COUNT(words->names) && words->names[i] != NULL; i++)
        if (strcasecmp(words->names[i], seen) == 0)
            return true;
    return false;
}

bool so_policy_same_name(so_policy_rule rule, const char *a, const char *b)
{
    for (uint8_t i = 0; i < rules[rule].name_count; i++)
        if (is_called(&rules[rule].names[i], a))
            return is_called(&rules[rule].names[i], b);
    return strcasecmp(a, b) == 0;
}

static bool allows(const so_policy_value *value, const rule_words *rule, const char *seen)
{
    /* Any group will do; a profile must be one that there is, since others do not encrypt, or hardly authenticate. */
    if (value->count == 0 && rule->names == groups)
        return true;
    for (uint8_t i = 0; i < rule->name_count; i++)
        if (is_called(&rule->names[i], seen) && (value->count == 0 || memchr(value->names, i, value->count) != NULL))
            return true;
    return false;
}

static const char *text_fact(so_policy_rule rule, const so_policy_facts *facts)
{
    switch (rule) {
    case SO_RULE_TLS_MIN:
        return facts->tls_version;
    case SO_RULE_TLS_GROUPS:
        return facts->tls_group;
    case SO_RULE_DTLS_MIN:
        return facts->dtls_version;
    case SO_RULE_DTLS_GROUPS:
        return facts->dtls_group;
    default:
        return facts->srtp_profile;
    }
}

static so_seen flag_fact(so_policy_rule rule, const so_policy_facts *facts)
{
    switch (rule) {
    case SO_RULE_SEAL:
        return facts->sealed;
    case SO_RULE_RELAY_ONLY:
        return facts->relayed;
    case SO_RULE_COMPARE:
        return facts->compared;
    case SO_RULE_KNOWN_ONLY:
        return facts->known;
    default:
        return facts->recording;
    }
}

static so_policy_fault check_flag(const so_policy_value *value, so_policy_rule rule, so_seen seen)
{
    bool strict = rules[rule].kind == TRUE_IS_STRICT;

    if ((value->number != 0) != strict)
        return SO_POLICY_HOLDS;
    if (seen == SO_UNSEEN)
        return SO_POLICY_NOT_OBSERVED;
    return (seen == SO_SEEN_YES) == strict ? SO_POLICY_HOLDS : SO_POLICY_NOT_ALLOWED;
}

static so_policy_fault check_one(const so_policy *policy, so_policy_rule rule, const so_policy_facts *facts)
{
    const so_policy_value *value = &policy->rules[rule];
    const char *seen;

    if (is_flag(rule))
        return check_flag(value, rule, flag_fact(rule, facts));
    seen = text_fact(rule, facts);
    if (seen == NULL)
        return so_policy_is_default(policy, rule) ? SO_POLICY_HOLDS : SO_POLICY_NOT_OBSERVED;
    if (rules[rule].kind == A_VERSION)
        return minor_of(seen) >= value->number ? SO_POLICY_HOLDS : SO_POLICY_BELOW;
    return allows(value, &rules[rule], seen) ? SO_POLICY_HOLDS : SO_POLICY_NOT_ALLOWED;
}

static void explain(so_error *err, const so_policy *policy, so_policy_rule rule, so_policy_fault fault,
                    const char *seen)
{
    static const char *const whose[] = {"a default", "of this end's policy", "of the server's policy",
                                        "of this end's policy and the server's"};
    char value[SO_POLICY_VALUE_TEXT];
    so_writer w = so_writer_of(value, sizeof value - 1);
    const rule_words *words = &rules[rule];
    const char *from = whose[policy->rules[rule].from];

    so_policy_write_value(policy, rule, &w);
    value[so_writer_len(&w)] = '\0';
    if (fault == SO_POLICY_NOT_OBSERVED)
        (void)so_fail(err, SO_REFUSED, LAYER, "the rule %s, %s, asks for %s, and this end cannot see %s; %s",
                      words->name, from, value, words->subject, words->remedy);
    else if (seen != NULL)
        (void)so_fail(err, SO_REFUSED, LAYER, "the rule %s, %s, asks for %s, and %s is %s; %s", words->name, from,
                      value, words->subject, seen, words->remedy);
    else
        (void)so_fail(err, SO_REFUSED, LAYER, "the rule %s, %s, is not met: %s; %s", words->name, from, words->broken,
                      words->remedy);
}

/* A list of stages has its rules in this order; in the last but one, who it is comes before what people say. */
static const so_policy_rule order[SO_RULES] = {
    SO_RULE_TLS_MIN,       SO_RULE_TLS_GROUPS, SO_RULE_SEAL,       SO_RULE_DTLS_MIN, SO_RULE_DTLS_GROUPS,
    SO_RULE_SRTP_PROFILES, SO_RULE_RELAY_ONLY, SO_RULE_KNOWN_ONLY, SO_RULE_COMPARE,  SO_RULE_RECORDING};

so_policy_fault so_policy_check(const so_policy *policy, so_policy_stage stage, const so_policy_facts *facts,
                                so_policy_rule *rule, so_error *err)
{
    for (size_t i = 0; i < SO_RULES; i++) {
        so_policy_fault fault;

        *rule = order[i];
        if (rules[*rule].stage != stage)
            continue;
        fault = check_one(policy, *rule, facts);
        if (fault != SO_POLICY_HOLDS) {
            explain(err, policy, *rule, fault, is_flag(*rule) ? NULL : text_fact(*rule, facts));
            return fault;
        }
    }
    return SO_POLICY_HOLDS;
}

/* ---- writing ---- */

void so_policy_write_value(const so_policy *policy, so_policy_rule rule, so_writer *w)
{
    const so_policy_value *value = &policy->rules[rule];

    if (rules[rule].kind == A_VERSION) {
        so_write_format(w, "\"1.%u\"", value->number);
    } else if (is_flag(rule)) {
        so_write_text(w, value->number != 0 ? "true" : "false");
    } else if (value->count == 0) {
        so_write_text(w, "\"any\"");
    } else {
        for (uint8_t i = 0; i < value->count; i++)
            so_write_format(w, "%s\"%s\"", i == 0 ? "[" : ",", rules[rule].names[value->names[i]].names[0]);
        so_write_text(w, "]");
    }
}

void so_policy_write(const so_policy *policy, so_writer *w)
{
    for (so_policy_rule rule = 0; rule < SO_RULES; rule++) {
        so_write_format(w, "%s\"%s\":", rule == 0 ? "{\"rules\":{" : ",", rules[rule].name);
        so_policy_write_value(policy, rule, w);
    }
    for (so_policy_rule rule = 0; rule < SO_RULES; rule++)
        so_write_format(w, "%s\"%s\":\"%s\"", rule == 0 ? "},\"from\":{" : ",", rules[rule].name,
                        so_policy_source_name(policy->rules[rule].from));
    so_write_text(w, "}}");
}

void so_policy_write_given(const so_policy *policy, so_writer *w)
{
    const char *before = "";

    so_write_text(w, "{");
    for (so_policy_rule rule = 0; rule < SO_RULES; rule++) {
        if (!policy->rules[rule].given)
            continue;
        so_write_format(w, "%s\"%s\":", before, rules[rule].name);
        so_policy_write_value(policy, rule, w);
        before = ",";
    }
    so_write_text(w, "}");
}

bool so_policy_openssl(const so_policy *policy, so_policy_rule rule, char out[SO_POLICY_VALUE_TEXT])
{
    const so_policy_value *value = &policy->rules[rule];
    size_t len = 0;

    out[0] = '\0';
    for (uint8_t i = 0; i < value->count; i++)
        len += (size_t)snprintf(out + len, SO_POLICY_VALUE_TEXT - len, "%s%s", i == 0 ? "" : ":",
                                rules[rule].names[value->names[i]].openssl);
    return value->count > 0;
}
