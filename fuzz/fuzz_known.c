/*
 * trust/known: any bytes as a file of known peers. What is read keeps every bound, is written and read again as it was,
 * and can be taken into another list without breaking that one.
 */
#include "trust/known.h"

#include <stdlib.h>
#include <string.h>

static void check(bool good)
{
    if (!good)
        abort();
}

/* Each name, key and link once, and none longer than it may be. */
static void check_list(const so_known *known)
{
    check(known->count <= SO_KNOWN_MAX);
    for (size_t i = 0; i < known->count; i++) {
        const so_known_peer *peer = &known->peers[i];

        check(so_peer_name_check(peer->name, NULL) == SO_OK && so_thumbprint_is(peer->key));
        check(so_known_by_name(known, peer->name) == peer && so_known_by_key(known, peer->key) == peer);
        check(strlen(peer->since) == SO_KNOWN_TIME_LEN && peer->link_count <= SO_KNOWN_LINKS);
        check(peer->compared[0] == '\0' || strlen(peer->compared) == SO_KNOWN_TIME_LEN);
        for (size_t k = 0; k < peer->link_count; k++)
            check(so_known_by_link(known, peer->links[k]) == peer);
    }
}

static void check_same(const so_known *a, const so_known *b)
{
    check(a->count == b->count);
    check(a->count == 0 || memcmp(a->peers, b->peers, a->count * sizeof *a->peers) == 0);
}

static void write_and_read(const so_known *known)
{
    so_known again;
    so_error err;
    so_pem text;

    check(so_known_write(known, &text, &err) == SO_OK && text.len <= SO_KNOWN_FILE_MAX);
    check(so_known_parse(&again, so_pem_slice(&text), "it", &err) == SO_OK);
    check_same(known, &again);
    so_known_free(&again);
    so_pem_free(&text);
}

static void import(const so_known *file)
{
    static const char key[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", link[] = "AAAAAAAAAAAAAAAAAAAAAA";
    so_known mine = {0};
    so_error err;
    size_t added, before;

    check(so_known_pin(&mine, "Ann", key, 0, &err) == SO_OK && so_known_met(&mine, key, link, &err) == SO_OK);
    before = mine.count;
    if (so_known_merge(&mine, file, &added, &err) == SO_OK) {
        check(mine.count == before + added);
        for (size_t i = 0; i < file->count; i++)
            check(so_known_by_key(&mine, file->peers[i].key) != NULL);
        check_list(&mine);
        write_and_read(&mine);
        check(so_known_merge(&mine, file, &added, &err) == SO_OK && added == 0);
    } else {
        check(mine.count == before);
    }
    check(strcmp(so_known_by_link(&mine, link)->name, "Ann") == 0);
    so_known_free(&mine);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    so_known known;
    so_error err;
    so_status status = so_known_parse(&known, (so_slice){bytes, len}, "it", &err);

    check(status == SO_OK || status == SO_BAD_INPUT || status == SO_TOO_LONG);
    if (status != SO_OK) {
        check(known.count == 0 && known.peers == NULL);
        return 0;
    }
    check_list(&known);
    write_and_read(&known);
    import(&known);
    so_known_free(&known);
    return 0;
}
