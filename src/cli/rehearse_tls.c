/*
 * The server's TLS (attacks 9 and 25 of tests/attack): hellos written byte by byte, since no library offers any more
 * what they offer; and what goes over the port without TLS, and with it.
 */
#include "cli/rehearse_wire.h"

#include "server/page.h"

#include <string.h>

enum {
    OLD_1_0,
    OLD_1_1,
    NULL_CIPHERS,
    ANONYMOUS,
    STATIC_RSA,
    CBC,
    OBSOLETE,
};

#define SSL_3_0 0x0300
#define TLS_1_0 0x0301
#define TLS_1_1 0x0302
#define TLS_1_2 0x0303
#define RECORD_ALERT 21
#define RECORD_HANDSHAKE 22
#define SERVER_HELLO 2
#define ALERT_LEN 7
/* A ServerHello as far as its random: record head, handshake head, version. */
#define RANDOM_AT (5 + 4 + 2)
#define RANDOM_LEN 32

/* The registry of RFC 8447; a list ends with 0. */
static const uint16_t sound[] = {0xc02b, 0xc02c, 0xc02f, 0xc030, 0xcca8, 0xcca9, 0};
static const uint16_t of_old_versions[] = {0xc009, 0xc00a, 0xc013, 0xc014, 0x0033, 0x0039, 0x002f, 0x0035, 0x000a, 0};
static const uint16_t without_encryption[] = {0xc006, 0xc010, 0xc001, 0xc00b, 0x0001, 0x0002, 0x003b, 0xc015, 0};
static const uint16_t without_certificate[] = {0xc018, 0xc019, 0x0034, 0x003a, 0x006c,
                                               0x006d, 0x00a6, 0x00a7, 0xc017, 0};
static const uint16_t without_secrecy[] = {0x009c, 0x009d, 0x003c, 0x003d, 0x002f, 0x0035, 0xc09c, 0xc09d, 0};
static const uint16_t without_aead[] = {0xc009, 0xc00a, 0xc013, 0xc014, 0xc023, 0xc024, 0xc027, 0xc028, 0};
/* export, RC4, DES, 3DES, IDEA, SEED, Camellia, CCM with a tag of 8 bytes, and all with finite-field Diffie-Hellman */
static const uint16_t nobodys[] = {0x0003, 0x0006, 0x0008, 0x0014, 0x0004, 0x0005, 0xc007, 0xc011, 0x0009, 0x0015,
                                   0x000a, 0x0016, 0xc008, 0xc012, 0x0007, 0x0096, 0x009a, 0x0041, 0x0084, 0xc072,
                                   0xc073, 0xc076, 0xc077, 0xc0ae, 0xc0af, 0x009e, 0x009f, 0x0067, 0x006b, 0};

typedef struct offer {
    uint16_t version;
    const uint16_t *ciphers;
    const char *alpn; /* one protocol, behind its length */
} offer;

static void write_extension(so_writer *w, uint16_t type, const void *bytes, size_t len)
{
    so_write_u16(w, type);
    so_write_u16(w, (uint16_t)len);
    so_write_bytes(w, bytes, len);
}

static void write_extensions(so_writer *w, const offer *o, const char *host)
{
    static const uint8_t groups[] = {0, 6, 0, 29, 0, 23, 0, 24}, points[] = {1, 0};
    static const uint8_t signatures[] = {0, 16, 4, 3, 5, 3, 8, 4, 8, 5, 4, 1, 5, 1, 2, 3, 2, 1};
    uint8_t bytes[300];
    so_writer e = so_writer_of(bytes, sizeof bytes);
    size_t len = strlen(host);

    so_write_u16(&e, (uint16_t)(len + 3));
    so_write_u8(&e, 0);
    so_write_u16(&e, (uint16_t)len);
    so_write_text(&e, host);
    write_extension(w, 0, bytes, so_writer_len(&e));
    write_extension(w, 10, groups, sizeof groups);
    write_extension(w, 11, points, sizeof points);
    write_extension(w, 13, signatures, sizeof signatures);
    e = so_writer_of(bytes, sizeof bytes);
    so_write_u16(&e, (uint16_t)strlen(o->alpn));
    so_write_text(&e, o->alpn);
    write_extension(w, 16, bytes, so_writer_len(&e));
}

/* RFC 5246 §7.4.1.2, in one record. */
static size_t write_hello(uint8_t *out, size_t cap, const offer *o, const char *host)
{
    uint8_t extensions[800], body[1200], random[RANDOM_LEN] = "a hello of sotto rehearse, see 1";
    so_writer e = so_writer_of(extensions, sizeof extensions), b = so_writer_of(body, sizeof body);
    so_writer w = so_writer_of(out, cap);
    size_t count = 0;

    while (o->ciphers[count] != 0)
        count++;
    write_extensions(&e, o, host);
    so_write_u16(&b, o->version);
    so_write_bytes(&b, random, sizeof random);
    so_write_u8(&b, 0);
    so_write_u16(&b, (uint16_t)(2 * count + 2));
    for (size_t i = 0; i < count; i++)
        so_write_u16(&b, o->ciphers[i]);
    so_write_u16(&b, 0x00ff); /* RFC 5746 §3.3: some refuse whoever does not say it, which would look like strength */
    so_write_u16(&b, 0x0100); /* one way to compress: not at all */
    so_write_u16(&b, (uint16_t)so_writer_len(&e));
    so_write_bytes(&b, extensions, so_writer_len(&e));
    so_write_u8(&w, RECORD_HANDSHAKE);
    so_write_u16(&w, o->version < TLS_1_0 ? o->version : TLS_1_0);
    so_write_u16(&w, (uint16_t)(so_writer_len(&b) + 4));
    so_write_u16(&w, 0x0100); /* ClientHello, and the first of three bytes of length */
    so_write_u16(&w, (uint16_t)so_writer_len(&b));
    so_write_bytes(&w, body, so_writer_len(&b));
    return b.failed || e.failed || w.failed ? 0 : so_writer_len(&w);
}

typedef struct answer {
    bool reached, hello;
    unsigned alert;   /* 0: none */
    bool closed;      /* without a word */
    uint16_t version; /* of the hello */
    uint16_t cipher;
    uint8_t random[RANDOM_LEN];
} answer;

static void read_answer(wire *w, size_t len, answer *a)
{
    so_reader in = so_reader_of(wire_bytes(w), len);
    uint8_t type = so_read_u8(&in);
    const uint8_t *random;

    (void)so_read_u32(&in);
    if (type == RECORD_ALERT) {
        (void)so_read_u8(&in);
        a->alert = so_read_u8(&in);
        return;
    }
    a->hello = type == RECORD_HANDSHAKE && so_read_u8(&in) == SERVER_HELLO;
    (void)so_read_bytes(&in, 3);
    a->version = so_read_u16(&in);
    random = so_read_bytes(&in, RANDOM_LEN);
    if (random != NULL)
        memcpy(a->random, random, RANDOM_LEN);
    (void)so_read_bytes(&in, so_read_u8(&in));
    a->cipher = so_read_u16(&in);
    a->hello = a->hello && !in.failed;
}

static answer say_hello(rehearsal *r, const offer *o)
{
    uint8_t hello[1500];
    size_t len = write_hello(hello, sizeof hello, o, r->url->host);
    wire *w = wire_bare(r);
    answer a = {.reached = w != NULL && wire_opened(w)};

    if (a.reached) {
        wire_send(w, hello, len);
        len = wire_wait(w, ALERT_LEN, REHEARSE_PATIENCE);
        if (len > 0 && wire_bytes(w)[0] == RECORD_HANDSHAKE)
            len = wire_wait(w, RANDOM_AT + RANDOM_LEN + 1 + 32 + 2, REHEARSE_SILENCE);
        if (len > 0)
            read_answer(w, len, &a);
        a.closed = len == 0 && wire_ended(w);
    }
    wire_free(w);
    return a;
}

static const char *name_of(uint16_t version)
{
    return version == SSL_3_0 ? "SSL 3.0" : version == TLS_1_0 ? "TLS 1.0" : version == TLS_1_1 ? "TLS 1.1" : "TLS 1.2";
}

static const char http_1_1[] = "\x08http/1.1";

static bool tls_works(rehearsal *r)
{
    const offer o = {TLS_1_2, sound, http_1_1};
    answer a = say_hello(r, &o);
    wire *w;
    bool opened;

    if (!a.reached)
        return rehearse_failed(r, "port %u takes no connection", r->url->port);
    if (!a.hello || a.version != TLS_1_2)
        return rehearse_failed(r, "TLS 1.2 with sound ciphers got no answer to its hello");
    w = wire_tls(r);
    opened = w != NULL && wire_opened(w);
    if (!opened)
        (void)rehearse_failed(r, "%.250s", w == NULL ? "not enough memory" : wire_why(w)->text);
    wire_free(w);
    return opened;
}

/* What a refusal looked like; a hello back is none. */
static rehearse_result judge(rehearsal *r, const offer *o, const answer *a)
{
    if (!a->reached)
        return rehearse_not_tried(r, "port %u took no connection", r->url->port);
    if (a->hello)
        return rehearse_weak(r, "it went on with %s, cipher 0x%04x", name_of(a->version), a->cipher);
    if (a->alert != 0)
        return rehearse_held(r, "refused with TLS alert %u", a->alert);
    if (a->closed)
        return rehearse_held(r, "closed without a word");
    return rehearse_weak(r, "the hello of %s was neither answered nor refused", name_of(o->version));
}

static rehearse_result old_hello(rehearsal *r, int variant)
{
    static const offer offers[] = {
        [OLD_1_0] = {TLS_1_0, of_old_versions, http_1_1},
        [OLD_1_1] = {TLS_1_1, of_old_versions, http_1_1},
        [NULL_CIPHERS] = {TLS_1_2, without_encryption, http_1_1},
        [ANONYMOUS] = {TLS_1_2, without_certificate, http_1_1},
        [STATIC_RSA] = {TLS_1_2, without_secrecy, http_1_1},
        [CBC] = {TLS_1_2, without_aead, http_1_1},
        [OBSOLETE] = {TLS_1_2, nobodys, http_1_1},
    };
    answer a;

    if (variant == OLD_1_0) {
        const offer older = {SSL_3_0, of_old_versions, http_1_1};

        a = say_hello(r, &older);
        if (a.hello)
            return judge(r, &older, &a);
    }
    a = say_hello(r, &offers[variant]);
    return judge(r, &offers[variant], &a);
}

/* RFC 7301 §3.2: who speaks something else must not be taken for one who speaks HTTP/1.1. */
static rehearse_result other_protocol(rehearsal *r, int variant)
{
    const offer o = {TLS_1_2, sound, "\x02h2"};
    answer a = say_hello(r, &o);

    (void)variant;
    return judge(r, &o, &a);
}

/* RFC 8446 §4.1.3: in a handshake that was talked down from 1.3 the server's random ends in this. */
static rehearse_result downgrade(rehearsal *r, int variant)
{
    static const uint8_t mark[] = {'D', 'O', 'W', 'N', 'G', 'R', 'D', 1};
    const offer o = {TLS_1_2, sound, http_1_1};
    answer a = say_hello(r, &o);

    (void)variant;
    if (!a.hello)
        return rehearse_not_tried(r, "no hello came back");
    if (memcmp(a.random + RANDOM_LEN - sizeof mark, mark, sizeof mark) != 0)
        return rehearse_weak(r, "TLS 1.2 comes without the mark by which an end would notice; does it speak 1.3?");
    return rehearse_held(r, "the hello carries RFC 8446's mark, at which an end that knows TLS 1.3 gives up");
}

static rehearse_result in_the_clear(rehearsal *r, int variant)
{
    char request[400];
    wire *w = wire_bare(r);
    rehearse_result result;
    size_t len;

    (void)variant;
    if (w == NULL || !wire_opened(w)) {
        wire_free(w);
        return rehearse_not_tried(r, "port %u took no connection", r->url->port);
    }
    (void)snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
                   r->url->origin + strlen("https://"));
    wire_send(w, request, strlen(request));
    len = wire_wait(w, 5, REHEARSE_PATIENCE);
    if (len >= 5 && memcmp(wire_bytes(w), "HTTP/", 5) == 0)
        result = rehearse_weak(r, "it answered HTTP without TLS on the port of HTTPS");
    else if (len >= 5 && wire_bytes(w)[0] == RECORD_ALERT)
        result = rehearse_held(r, "refused with a TLS alert");
    else if (wire_wait_end(w, REHEARSE_PATIENCE))
        result = rehearse_held(r, "closed without a word");
    else
        result = rehearse_weak(r, "neither answered nor closed");
    wire_free(w);
    return result;
}

static rehearse_result headers(rehearsal *r, int variant)
{
    char request[400], wanted[80], missing[200] = "";
    wire *w = wire_tls(r);
    rehearse_result result;

    (void)variant;
    (void)snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
                   r->url->origin + strlen("https://"));
    if (w == NULL || !wire_opened(w) || wire_request(w, request, strlen(request)) != 200) {
        wire_free(w);
        return rehearse_not_tried(r, "the page was not answered with 200");
    }
    for (size_t i = 0; i < so_page_header_count; i++) {
        uint8_t value[2000];
        so_writer v = so_writer_of(value, sizeof value);

        (void)snprintf(wanted, sizeof wanted, "\r\n%s: ", so_page_headers[i]);
        /* HSTS is not for loopback names, where it would hit other servers of the machine */
        if (so_page_header(&v, so_page_headers[i], r->url->origin) && !wire_head_has(w, wanted))
            (void)snprintf(missing + strlen(missing), sizeof missing - strlen(missing), " %s", so_page_headers[i]);
    }
    if (missing[0] != '\0')
        result = rehearse_weak(r, "missing:%.180s", missing);
    else if (wire_head_has(w, "'unsafe-inline'") || wire_head_has(w, "'unsafe-eval'"))
        result = rehearse_weak(r, "its Content-Security-Policy allows inline code or eval");
    else
        result = rehearse_held(r, "Content-Security-Policy and the others came with the page");
    wire_free(w);
    return result;
}

static const rehearse_attack attacks[] = {
    {"tls-1.0", "SSL 3.0 and TLS 1.0 offered, and nothing newer", old_hello, OLD_1_0},
    {"tls-1.1", "TLS 1.1 offered, and nothing newer", old_hello, OLD_1_1},
    {"tls-null", "ciphers that do not encrypt", old_hello, NULL_CIPHERS},
    {"tls-anonymous", "ciphers without a certificate", old_hello, ANONYMOUS},
    {"tls-static-rsa", "ciphers without forward secrecy", old_hello, STATIC_RSA},
    {"tls-cbc", "ciphers without AEAD", old_hello, CBC},
    {"tls-obsolete", "export ciphers, RC4, DES, 3DES, Camellia, short tags", old_hello, OBSOLETE},
    {"tls-downgrade", "a handshake talked down to TLS 1.2", downgrade, 0},
    {"tls-alpn", "another protocol than HTTP/1.1 by ALPN", other_protocol, 0},
    {"tls-clear", "HTTP without TLS on the port of HTTPS", in_the_clear, 0},
    {"tls-headers", "the page without the headers that bind a browser", headers, 0},
};

const rehearse_group rehearse_tls = {.name = "tls",
                                     .whom = REHEARSE_SERVER,
                                     .good = "TLS 1.2 and newer with sound ciphers opens",
                                     .control = tls_works,
                                     .attacks = attacks,
                                     .count = sizeof attacks / sizeof attacks[0]};
