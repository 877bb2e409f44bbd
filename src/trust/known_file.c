/* The file of known peers: read and written. */
#include "base/bytes.h"
#include "base/text.h"
#include "trust/known.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define LAYER "known peers"
#define KIND "known peers"
#define VERSION 1
/* Of one peer: its name, of which each byte may need an escape, its links with quotes and commas, and the rest. */
#define LINE_MAX_LEN (2 * SO_PEER_NAME_LEN + SO_KNOWN_LINKS * (SO_KNOWN_LINK_LEN + 3) + 256)

/* ---- reading ---- */

/* number: of the peer, from 1. */
static so_status bad(so_error *err, const char *what, size_t number, const char *how)
{
    return so_fail(err, SO_BAD_INPUT, LAYER, "%s was not taken: peer %zu in it %s; take another copy of the file", what,
                   number, how);
}

static bool is_base64url(const char *text, size_t bytes)
{
    uint8_t out[SO_SHA256_LEN];
    size_t n = 0;

    return text != NULL && so_base64url_decode(out, bytes, &n, text, strlen(text)) == SO_OK && n == bytes;
}

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* NULL, or what is wrong. */
static const char *read_links(so_known_peer *peer, const json_t *links)
{
    if (!json_is_array(links) || json_array_size(links) > SO_KNOWN_LINKS)
        return "has no list of at most 32 links";
    for (size_t i = 0; i < json_array_size(links); i++) {
        const char *link = json_string_value(json_array_get(links, i));

        if (!is_base64url(link, 16))
            return "has a link that is not 22 base64url characters";
        memcpy(peer->links[peer->link_count++], link, SO_KNOWN_LINK_LEN + 1);
    }
    return NULL;
}

static const char *read_peer(so_known_peer *peer, const json_t *object)
{
    const char *name = text_of(object, "name"), *key = text_of(object, "key"), *since = text_of(object, "since"),
               *compared = text_of(object, "compared");

    if (name == NULL || so_peer_name_check(name, NULL) != SO_OK)
        return "has no name of 1 to 64 characters that can all be seen";
    if (!is_base64url(key, SO_SHA256_LEN))
        return "has no key of 43 base64url characters";
    if (!so_known_time_is(since) || !(json_is_null(json_object_get(object, "compared")) || so_known_time_is(compared)))
        return "has no time like 2026-11-24T12:00:00Z";
    memcpy(peer->name, name, strlen(name) + 1);
    memcpy(peer->key, key, sizeof peer->key);
    memcpy(peer->since, since, sizeof peer->since);
    if (compared != NULL)
        memcpy(peer->compared, compared, sizeof peer->compared);
    return read_links(peer, json_object_get(object, "links"));
}

static int in_order(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool any_twice(const char **texts, size_t count)
{
    if (count > 0)
        qsort(texts, count, sizeof *texts, in_order);
    for (size_t i = 1; i < count; i++)
        if (strcmp(texts[i - 1], texts[i]) == 0)
            return true;
    return false;
}

/* Names, keys and links each stand there once; sorted, since a file may have 32,000 links. */
static so_status check_each_once(const so_known *known, const char *what, so_error *err)
{
    const char **texts = calloc(known->count * SO_KNOWN_LINKS + 1, sizeof *texts), *twice = NULL;
    size_t links = 0;

    if (texts == NULL)
        return so_fail(err, SO_NO_MEMORY, LAYER, "no memory left for the list of known peers; end other programs");
    for (size_t i = 0; i < known->count; i++)
        texts[i] = known->peers[i].name;
    if (any_twice(texts, known->count))
        twice = "name";
    for (size_t i = 0; i < known->count; i++)
        texts[i] = known->peers[i].key;
    if (any_twice(texts, known->count))
        twice = "key";
    for (size_t i = 0; i < known->count; i++)
        for (size_t k = 0; k < known->peers[i].link_count; k++)
            texts[links++] = known->peers[i].links[k];
    if (any_twice(texts, links))
        twice = "link";
    free(texts);
    if (twice == NULL)
        return SO_OK;
    return so_fail(err, SO_BAD_INPUT, LAYER,
                   "%s was not taken: one %s stands in it twice; take another copy of the file", what, twice);
}

static so_status read_peers(so_known *known, const json_t *peers, const char *what, so_error *err)
{
    size_t count = json_array_size(peers);

    if (count == 0)
        return SO_OK;
    known->peers = calloc(count, sizeof *known->peers);
    if (known->peers == NULL)
        return so_fail(err, SO_NO_MEMORY, LAYER, "no memory left for the list of known peers; end other programs");
    known->room = count;
    for (size_t i = 0; i < count; i++) {
        const char *wrong = read_peer(&known->peers[i], json_array_get(peers, i));

        if (wrong != NULL)
            return bad(err, what, i + 1, wrong);
        known->count++;
    }
    return check_each_once(known, what, err);
}

so_status so_known_parse(so_known *known, so_slice text, const char *what, so_error *err)
{
    json_error_t fault = {.line = 0};
    const json_t *version, *peers;
    const char *kind;
    json_t *root;
    so_status status;

    memset(known, 0, sizeof *known);
    if (text.len > SO_KNOWN_FILE_MAX)
        return so_fail(err, SO_TOO_LONG, LAYER, "%s is larger than 2 MiB; give a file of known peers", what);
    root = json_loadb(text.bytes, text.len, JSON_REJECT_DUPLICATES, &fault);
    kind = text_of(root, "sotto");
    version = json_object_get(root, "version");
    peers = json_object_get(root, "peers");
    if (root == NULL) /* jansson's own words would repeat what stands there: a secret, if it is the wrong file */
        status = so_fail(err, SO_BAD_INPUT, LAYER,
                         "%s was not taken: it is not JSON (line %d); give a file of known peers", what, fault.line);
    else if (kind == NULL || strcmp(kind, KIND) != 0 || !json_is_integer(version))
        status = so_fail(err, SO_BAD_INPUT, LAYER,
                         "%s is no file of known peers; give one that sotto peers export or the call page wrote", what);
    else if (json_integer_value(version) != VERSION)
        status = so_fail(err, SO_BAD_INPUT, LAYER, "%s is of version %lld, and this program reads version 1; update it",
                         what, (long long)json_integer_value(version));
    else if (!json_is_array(peers) || json_array_size(peers) > SO_KNOWN_MAX)
        status = so_fail(err, SO_BAD_INPUT, LAYER, "%s has no list of at most %d peers; take another copy of the file",
                         what, SO_KNOWN_MAX);
    else
        status = read_peers(known, peers, what, err);
    json_decref(root);
    if (status != SO_OK)
        so_known_free(known);
    return status;
}

/* ---- writing ---- */

static void write_peer(so_writer *w, const so_known_peer *peer)
{
    so_write_text(w, "{\"name\":");
    so_write_json(w, peer->name, strlen(peer->name));
    so_write_format(w, ",\"key\":\"%s\",\"since\":\"%s\",\"compared\":", peer->key, peer->since);
    if (peer->compared[0] == '\0')
        so_write_text(w, "null");
    else
        so_write_json(w, peer->compared, strlen(peer->compared));
    so_write_text(w, ",\"links\":[");
    for (size_t i = 0; i < peer->link_count; i++)
        so_write_format(w, "%s\"%s\"", i == 0 ? "" : ",", peer->links[i]);
    so_write_text(w, "]}");
}

so_status so_known_write(const so_known *known, so_pem *text, so_error *err)
{
    size_t cap = 64 + known->count * LINE_MAX_LEN;
    so_writer w;

    memset(text, 0, sizeof *text);
    text->text = malloc(cap + 1);
    if (text->text == NULL)
        return so_fail(err, SO_NO_MEMORY, LAYER, "no memory left to write the known peers; end other programs");
    w = so_writer_of(text->text, cap);
    so_write_format(&w, "{\"sotto\":\"" KIND "\",\"version\":%d,\"peers\":[", VERSION);
    for (size_t i = 0; i < known->count; i++) {
        so_write_text(&w, i == 0 ? "\n" : ",\n");
        write_peer(&w, &known->peers[i]);
    }
    so_write_text(&w, "\n]}\n");
    text->len = so_writer_len(&w);
    text->text[text->len] = '\0';
    return text->len > 0 ? SO_OK : so_fail(err, SO_TOO_LONG, LAYER, "the known peers do not fit; forget some");
}
