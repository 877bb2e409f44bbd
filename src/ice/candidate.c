#include "ice/candidate.h"

#include "base/bytes.h"

#include <string.h>
#include <strings.h>

#define PRIORITY_MAX 0x7fffffffU /* 2^31 - 1, RFC 8445 §5.1.2 */

typedef struct token {
    const char *text;
    size_t len;
} token;

bool so_ice_chars(const char *text, size_t len, size_t least, size_t most)
{
    if (len < least || len > most)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/'))
            return false;
    }
    return true;
}

static bool is(token t, const char *word)
{
    return t.len == strlen(word) && strncasecmp(t.text, word, t.len) == 0;
}

/* Words are parted by single spaces; length 0 where a word is missing. */
static token next_word(so_reader *r)
{
    token t = {(const char *)r->at, 0};

    while (so_reader_left(r) > 0) {
        if (so_read_u8(r) == ' ')
            return t;
        t.len++;
    }
    return t;
}

static bool take_number(token t, uint32_t most, uint32_t *number)
{
    uint64_t n = 0;

    if (t.len == 0 || t.len > 10)
        return false;
    for (size_t i = 0; i < t.len; i++) {
        if (t.text[i] < '0' || t.text[i] > '9')
            return false;
        n = n * 10 + (unsigned)(t.text[i] - '0');
    }
    *number = (uint32_t)n;
    return n <= most;
}

/* A host name's characters, so that nothing else gets through to where names are shown or looked up. */
static bool is_name(token t)
{
    if (t.len == 0 || t.len > SO_ICE_NAME)
        return false;
    for (size_t i = 0; i < t.len; i++) {
        char c = t.text[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
              c == '_'))
            return false;
    }
    return true;
}

static bool take_ip(token t, uint16_t port, so_address *address)
{
    char ip[SO_ADDRESS_TEXT];

    if (t.len >= sizeof ip)
        return false;
    memcpy(ip, t.text, t.len);
    ip[t.len] = '\0';
    return so_address_parse(address, ip, port) == SO_OK;
}

static bool take_address(so_ice_candidate *c, token address, uint16_t port)
{
    if (take_ip(address, port, &c->address))
        return true;
    if (!is_name(address))
        return false;
    memcpy(c->name, address.text, address.len);
    c->address.port = port;
    return true;
}

static void take_type(so_ice_candidate *c, token t)
{
    c->type = is(t, "host")    ? SO_ICE_HOST
              : is(t, "srflx") ? SO_ICE_SRFLX
              : is(t, "prflx") ? SO_ICE_PRFLX
              : is(t, "relay") ? SO_ICE_RELAY
                               : SO_ICE_OTHER;
}

/* "foundation component transport priority address port typ type" */
static bool take_head(so_ice_candidate *c, so_reader *r)
{
    token foundation = next_word(r), component = next_word(r), transport = next_word(r), priority = next_word(r);
    token address = next_word(r), port = next_word(r), typ = next_word(r), type = next_word(r);
    uint32_t number;

    if (!so_ice_chars(foundation.text, foundation.len, 1, SO_ICE_FOUNDATION) || !take_number(component, 256, &number) ||
        number == 0)
        return false;
    memcpy(c->foundation, foundation.text, foundation.len);
    c->component = (uint16_t)number;
    c->transport = is(transport, "udp") ? SO_ICE_UDP : is(transport, "tcp") ? SO_ICE_TCP : SO_ICE_OTHER_TRANSPORT;
    if (transport.len == 0 || !take_number(priority, PRIORITY_MAX, &c->priority) || c->priority == 0 ||
        !take_number(port, UINT16_MAX, &number) || !take_address(c, address, (uint16_t)number))
        return false;
    take_type(c, type);
    return is(typ, "typ") && type.len > 0;
}

static bool take_tcptype(so_ice_candidate *c, token value)
{
    c->tcptype = is(value, "active")    ? SO_ICE_ACTIVE
                 : is(value, "passive") ? SO_ICE_PASSIVE
                 : is(value, "so")      ? SO_ICE_SO
                                        : SO_ICE_NO_TCPTYPE;
    return c->tcptype != SO_ICE_NO_TCPTYPE;
}

/* Pairs of a name and a value; what is not known is skipped (RFC 8839 §5.1). A raddr that is a name is none. */
static bool take_extensions(so_ice_candidate *c, so_reader *r)
{
    token raddr = {NULL, 0};
    uint32_t rport = 0;
    bool ok = true;

    while (ok && so_reader_left(r) > 0) {
        token name = next_word(r), value = next_word(r);
        ok = name.len > 0 && value.len > 0;
        if (is(name, "raddr"))
            raddr = value;
        else if (is(name, "rport"))
            ok = ok && take_number(value, UINT16_MAX, &rport);
        else if (is(name, "tcptype"))
            ok = ok && take_tcptype(c, value);
        else if (is(name, "ufrag")) {
            ok = ok && c->ufrag[0] == '\0' &&
                 so_ice_chars(value.text, value.len, 4, SO_ICE_UFRAG); /* of one generation */
            if (ok) {
                memcpy(c->ufrag, value.text, value.len);
                c->ufrag[value.len] = '\0';
            }
        }
    }
    if (ok && raddr.text != NULL && !take_ip(raddr, (uint16_t)rport, &c->related))
        ok = is_name(raddr);
    return ok;
}

so_status so_ice_candidate_parse(so_ice_candidate *candidate, const char *text, size_t len)
{
    static const char prefix[] = "candidate:";
    so_reader r;

    memset(candidate, 0, sizeof *candidate);
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r' || text[len - 1] == ' '))
        len--;
    if (len >= 2 && memcmp(text, "a=", 2) == 0) {
        text += 2;
        len -= 2;
    }
    if (len < sizeof prefix || memcmp(text, prefix, sizeof prefix - 1) != 0)
        return SO_BAD_INPUT;
    r = so_reader_of(text + sizeof prefix - 1, len - (sizeof prefix - 1));
    if (take_head(candidate, &r) && take_extensions(candidate, &r))
        return SO_OK;
    memset(candidate, 0, sizeof *candidate);
    return SO_BAD_INPUT;
}

static void write_where(so_writer *w, const so_ice_candidate *c)
{
    char ip[SO_ADDRESS_TEXT];

    so_address_ip_text(&c->address, ip);
    so_write_text(w, so_address_ip_len(&c->address) > 0 ? ip : c->name);
    so_write_format(w, " %u", c->address.port);
}

so_status so_ice_candidate_format(const so_ice_candidate *candidate, char *out, size_t cap)
{
    static const char *const types[] = {"host", "srflx", "prflx", "relay"};
    static const char *const tcptypes[] = {"", " tcptype active", " tcptype passive", " tcptype so"};
    const so_ice_candidate *c = candidate;
    so_writer w = so_writer_of(out, cap);
    char ip[SO_ADDRESS_TEXT];

    if (c->type == SO_ICE_OTHER || c->transport == SO_ICE_OTHER_TRANSPORT || c->foundation[0] == '\0' ||
        (so_address_ip_len(&c->address) == 0 && c->name[0] == '\0'))
        return SO_BAD_INPUT;
    so_write_format(&w, "candidate:%s %u %s %lu ", c->foundation, c->component,
                    c->transport == SO_ICE_UDP ? "udp" : "tcp", (unsigned long)c->priority);
    write_where(&w, c);
    so_write_format(&w, " typ %s", types[c->type]);
    if (so_address_ip_len(&c->related) > 0) {
        so_address_ip_text(&c->related, ip);
        so_write_format(&w, " raddr %s rport %u", ip, c->related.port);
    }
    so_write_text(&w, tcptypes[c->tcptype]);
    if (c->ufrag[0] != '\0')
        so_write_format(&w, " ufrag %s", c->ufrag);
    so_write_u8(&w, 0);
    return w.failed ? SO_TOO_LONG : SO_OK;
}

uint32_t so_ice_priority(so_ice_type type, uint16_t local_preference, uint16_t component)
{
    /* RFC 8445 §5.1.2.2's recommended type preferences */
    static const uint8_t preferences[] = {126, 100, 110, 0, 0};

    return (uint32_t)preferences[type] << 24 | (uint32_t)local_preference << 8 | (256U - component);
}

uint64_t so_ice_pair_priority(uint32_t g, uint32_t d)
{
    uint64_t least = g < d ? g : d, most = g < d ? d : g;

    return (least << 32) + 2 * most + (g > d ? 1 : 0);
}
