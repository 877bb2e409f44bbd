#include "crypto/names.h"

#include <arpa/inet.h>
#include <string.h>

#define LAYER "certificate"
/* How much of a text that was refused an error repeats. */
#define SHOWN 64

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter_or_digit(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z');
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool parse_ip(uint8_t ip[16], uint8_t *ip_len, const char *text)
{
    bool six = strchr(text, ':') != NULL;

    *ip_len = six ? 16 : 4;
    return inet_pton(six ? AF_INET6 : AF_INET, text, ip) == 1;
}

static bool ip_text(char out[SO_NAME_MAX + 1], const uint8_t *ip, size_t ip_len)
{
    return inet_ntop(ip_len == 16 ? AF_INET6 : AF_INET, ip, out, SO_NAME_MAX + 1) != NULL;
}

/* What no host name ends in: such a text is an address, or meant as one. */
static bool ends_in_number(const char *text)
{
    const char *dot = strrchr(text, '.');
    const char *last = dot == NULL ? text : dot + 1;

    return *last != '\0' && last[strspn(last, "0123456789")] == '\0';
}

/* RFC 1123 §2.1 on top of RFC 952: letters, digits and '-', the '-' neither first nor last. */
static const char *label_fault(const char *label, size_t len)
{
    if (len == 0)
        return "it has an empty part, or a dot at an end; leave that dot out";
    if (len > SO_LABEL_MAX)
        return "a part between two dots is longer than 63 characters";
    if (label[0] == '-' || label[len - 1] == '-')
        return "a part begins or ends with '-'";
    for (size_t i = 0; i < len; i++) {
        if ((uint8_t)label[i] >= 0x80)
            return "it has letters outside ASCII; write it in its xn-- form";
        if (!is_letter_or_digit(label[i]) && label[i] != '-')
            return "only letters, digits, '-' and dots may stand in a host name";
    }
    return NULL;
}

/* text is in lower case, and without a wildcard. */
static const char *dns_fault(const char *text)
{
    const char *label = text;

    for (;;) {
        size_t len = strcspn(label, ".");
        const char *fault = label_fault(label, len);
        if (fault != NULL)
            return fault;
        if (label[len] == '\0')
            return NULL;
        label += len + 1;
    }
}

/* A wildcard is the whole first label, with at least two after it: never for everything under a top-level domain. */
static const char *wildcard_fault(const char *text)
{
    if (strncmp(text, "*.", 2) != 0 || strchr(text + 2, '*') != NULL)
        return "'*' may only stand for the whole first part, as in *.call.example";
    if (strchr(text + 2, '.') == NULL)
        return "a wildcard needs two parts after it, as in *.call.example; name the hosts one by one instead";
    return dns_fault(text + 2);
}

static so_status copy_lower(char out[SO_NAME_MAX + 1], const char *text, so_error *err)
{
    size_t len = strlen(text);

    if (len == 0)
        return so_fail(err, SO_BAD_INPUT, LAYER, "a name is empty; give a host name or an address");
    if (len > SO_NAME_MAX)
        return so_fail(err, SO_TOO_LONG, LAYER,
                       "the name that begins with '%.*s' has %zu characters, and DNS allows 253; give a shorter one",
                       24, text, len);
    for (size_t i = 0; i <= len; i++)
        out[i] = lower(text[i]);
    return SO_OK;
}

so_status so_name_from_ip(so_name *name, const uint8_t *ip, size_t ip_len)
{
    memset(name, 0, sizeof *name);
    if (ip_len != 4 && ip_len != 16)
        return SO_BAD_INPUT;
    name->kind = SO_NAME_IP;
    name->ip_len = (uint8_t)ip_len;
    memcpy(name->ip, ip, ip_len);
    return ip_text(name->text, ip, ip_len) ? SO_OK : SO_BAD_INPUT;
}

so_status so_name_parse(so_name *name, const char *text, so_error *err)
{
    uint8_t ip[16], ip_len = 0;
    const char *fault;
    so_status status;

    memset(name, 0, sizeof *name);
    name->kind = SO_NAME_DNS;
    status = copy_lower(name->text, text, err);
    if (status != SO_OK)
        return status;
    if (strchr(text, ':') != NULL || ends_in_number(text)) {
        if (parse_ip(ip, &ip_len, text))
            return so_name_from_ip(name, ip, ip_len);
        return so_fail(err, SO_BAD_INPUT, LAYER,
                       "'%.*s' is neither a host name nor an address; write an address like 192.168.1.5 or fd00::5, "
                       "without brackets, port or zone",
                       SHOWN, text);
    }
    fault = strchr(name->text, '*') == NULL ? dns_fault(name->text) : wildcard_fault(name->text);
    if (fault != NULL)
        return so_fail(err, SO_BAD_INPUT, LAYER, "'%.*s' is not a host name: %s", SHOWN, text, fault);
    return SO_OK;
}

/* How many leading ones a mask has, or -1 where it is not a prefix. */
static int prefix_of(const uint8_t *mask, size_t len)
{
    int ones = 0;
    bool ended = false;

    for (size_t bit = 0; bit < 8 * len; bit++) {
        bool one = (mask[bit / 8] >> (7 - bit % 8) & 1) != 0;
        if (one && ended)
            return -1;
        ended = ended || !one;
        ones += one;
    }
    return ones;
}

static void append(char out[SO_NAME_MAX + 1], const char *text)
{
    size_t at = strlen(out);

    for (; *text != '\0' && at < SO_NAME_MAX; text++)
        out[at++] = *text;
    out[at] = '\0';
}

so_status so_permit_from_ip(so_permit *permit, const uint8_t *ip, const uint8_t *mask, size_t ip_len)
{
    char tail[SO_NAME_MAX + 1];
    int prefix;

    memset(permit, 0, sizeof *permit);
    if (ip_len != 4 && ip_len != 16)
        return SO_BAD_INPUT;
    permit->kind = SO_NAME_IP;
    permit->ip_len = (uint8_t)ip_len;
    memcpy(permit->ip, ip, ip_len);
    memcpy(permit->mask, mask, ip_len);
    if (!ip_text(permit->text, ip, ip_len) || !ip_text(tail, mask, ip_len))
        return SO_BAD_INPUT;
    prefix = prefix_of(mask, ip_len);
    if (prefix == (int)(8 * ip_len))
        return SO_OK;
    if (prefix >= 0) {
        char digits[4] = {0};
        int at = 0;
        if (prefix >= 100)
            digits[at++] = (char)('0' + prefix / 100);
        if (prefix >= 10)
            digits[at++] = (char)('0' + prefix / 10 % 10);
        digits[at] = (char)('0' + prefix % 10);
        memcpy(tail, digits, sizeof digits);
    }
    append(permit->text, "/");
    append(permit->text, tail);
    return SO_OK;
}

void so_permit_exclude_all(so_permit *permit, size_t ip_len)
{
    static const uint8_t zero[16];

    memset(permit, 0, sizeof *permit);
    if (ip_len == 0 || so_permit_from_ip(permit, zero, zero, ip_len) != SO_OK)
        permit->kind = SO_NAME_DNS;
    permit->excluded = true;
}

/* Digits alone, at most `most`; -1 for anything else. */
static int parse_prefix(const char *text, int most)
{
    int value = 0;

    if (*text == '\0' || strlen(text) > 3)
        return -1;
    for (; *text != '\0'; text++) {
        if (!is_digit(*text))
            return -1;
        value = value * 10 + (*text - '0');
    }
    return value <= most ? value : -1;
}

static so_status parse_cidr(so_permit *permit, const char *text, const char *slash, so_error *err)
{
    char address[SO_NAME_MAX + 1] = {0};
    uint8_t ip[16], mask[16] = {0}, ip_len = 0;
    int prefix;

    memcpy(address, text, (size_t)(slash - text));
    if (!parse_ip(ip, &ip_len, address) || (prefix = parse_prefix(slash + 1, 8 * ip_len)) < 0)
        return so_fail(err, SO_BAD_INPUT, LAYER, "'%.*s' is not a network; write it like 10.0.0.0/8 or fd00::/8", SHOWN,
                       text);
    if (prefix == 0)
        return so_fail(err, SO_REFUSED, LAYER,
                       "'%.*s' permits every address, so whoever steals this CA could impersonate any; name the "
                       "networks that you use",
                       SHOWN, text);
    for (int bit = 0; bit < prefix; bit++)
        mask[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
    for (size_t i = 0; i < ip_len; i++) {
        if ((ip[i] & ~mask[i]) != 0)
            return so_fail(err, SO_BAD_INPUT, LAYER,
                           "'%.*s' has bits set after its /%d; write the network's first address, or the one address "
                           "without '/'",
                           SHOWN, text, prefix);
    }
    return so_permit_from_ip(permit, ip, mask, ip_len);
}

so_status so_permit_parse(so_permit *permit, const char *text, so_error *err)
{
    char copy[SO_NAME_MAX + 1];
    const char *slash = strchr(text, '/');
    so_name name;
    so_status status = copy_lower(copy, text, err);

    memset(permit, 0, sizeof *permit);
    if (status != SO_OK)
        return status;
    if (slash != NULL)
        return parse_cidr(permit, text, slash, err);
    if (strchr(text, '*') != NULL || text[0] == '.')
        return so_fail(err, SO_BAD_INPUT, LAYER,
                       "'%.*s' can't be permitted as it stands; leave '*' and the first dot out: a name that is "
                       "permitted takes every name below it along",
                       SHOWN, text);
    status = so_name_parse(&name, text, err);
    if (status == SO_OK && name.kind == SO_NAME_IP) {
        static const uint8_t ones[16] = {255, 255, 255, 255, 255, 255, 255, 255,
                                         255, 255, 255, 255, 255, 255, 255, 255};
        status = so_permit_from_ip(permit, name.ip, ones, name.ip_len);
    } else if (status == SO_OK) {
        permit->kind = SO_NAME_DNS;
        memcpy(permit->text, name.text, sizeof permit->text);
    }
    return status;
}

/* RFC 5280 §4.2.1.10: "Any DNS name that can be constructed by simply adding zero or more labels to the left-hand
 * side of the name satisfies the name constraint." A first dot, which it leaves open, everybody reads as one or more.
 */
static bool dns_below(const char *base, const char *name)
{
    size_t base_len = strlen(base), len = strlen(name);

    if (base_len == 0)
        return true;
    if (base_len > len || strcmp(base, name + (len - base_len)) != 0)
        return false;
    return base_len == len || base[0] == '.' || name[len - base_len - 1] == '.';
}

bool so_permit_matches(const so_permit *permit, const so_name *name)
{
    if (permit->kind != name->kind)
        return false;
    if (permit->kind == SO_NAME_DNS)
        return dns_below(permit->text, name->text);
    if (permit->ip_len != name->ip_len)
        return false;
    for (size_t i = 0; i < name->ip_len; i++) {
        if ((permit->ip[i] & permit->mask[i]) != (name->ip[i] & permit->mask[i]))
            return false;
    }
    return true;
}

bool so_permits_allow(const so_permit *permits, size_t count, const so_name *name)
{
    bool constrained = false, permitted = false;

    for (size_t i = 0; i < count; i++) {
        bool matches = so_permit_matches(&permits[i], name);
        if (permits[i].excluded && matches)
            return false;
        if (!permits[i].excluded && permits[i].kind == name->kind) {
            constrained = true;
            permitted = permitted || matches;
        }
    }
    return permitted || !constrained;
}

bool so_name_equal(const so_name *a, const so_name *b)
{
    return a->kind == b->kind && strcmp(a->text, b->text) == 0;
}

/* RFC 6125 §6.4.3: the wildcard stands for the left-most label, and for that one alone. */
static bool wildcard_covers(const char *pattern, const char *host)
{
    const char *rest = strchr(host, '.');

    return strncmp(pattern, "*.", 2) == 0 && rest != NULL && rest != host && strcmp(pattern + 1, rest) == 0;
}

bool so_names_cover(const so_name *names, size_t count, const char *host)
{
    so_name wanted;

    if (so_name_parse(&wanted, host, NULL) != SO_OK || strchr(host, '*') != NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (so_name_equal(&names[i], &wanted))
            return true;
        if (names[i].kind == SO_NAME_DNS && wanted.kind == SO_NAME_DNS && wildcard_covers(names[i].text, wanted.text))
            return true;
    }
    return false;
}
