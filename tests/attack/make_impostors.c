/*
 * make_impostors DIR [HOST]: writes DIR/ca.pem, which the client trusts, and KIND.pem and KIND.key for every kind of
 * impostor; DIR/kinds.tsv lists them: kind, OpenSSL's error number (0: honest), words that the refusal must hold.
 */
#include "attack/impostors.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static bool save(const char *dir, const char *name, const char *ending, const so_pem *pem)
{
    char path[4096];
    int fd;
    bool ok;

    (void)snprintf(path, sizeof path, "%s/%s%s", dir, name, ending);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ok = fd >= 0 && write(fd, pem->text, pem->len) == (ssize_t)pem->len;
    if (fd >= 0)
        ok = close(fd) == 0 && ok;
    if (!ok)
        perror(path);
    return ok;
}

static bool save_all(const char *dir, const impostors *all)
{
    char path[4096];
    FILE *kinds;
    bool ok = save(dir, "ca", ".pem", &all->ca);

    (void)snprintf(path, sizeof path, "%s/kinds.tsv", dir);
    kinds = fopen(path, "w");
    if (kinds == NULL) {
        perror(path);
        return false;
    }
    for (size_t i = 0; ok && i < all->count; i++) {
        const impostor *one = &all->list[i];
        ok = save(dir, one->kind, ".pem", &one->chain) && save(dir, one->kind, ".key", &one->key) &&
             fprintf(kinds, "%s\t%d\t%s\n", one->kind, one->verify_error, one->because == NULL ? "" : one->because) > 0;
    }
    return fclose(kinds) == 0 && ok;
}

int main(int argc, char **argv)
{
    impostors all;
    bool ok;

    if (argc < 2 || argc > 3) {
        (void)fprintf(stderr, "usage: make_impostors DIR [HOST]\n");
        return 2;
    }
    (void)mkdir(argv[1], 0700);
    ok = impostors_make(&all, argc == 3 ? argv[2] : "localhost", (so_unix)time(NULL));
    if (!ok)
        (void)fprintf(stderr, "make_impostors: the certificates could not be made\n");
    ok = ok && save_all(argv[1], &all);
    impostors_free(&all);
    return ok ? 0 : 1;
}
