/* What the tests of src/sdp share: the descriptions in tests/vectors/sdp, read whole. */
#ifndef SOTTO_TESTS_SDP_FILES_H
#define SOTTO_TESTS_SDP_FILES_H

#include "unit.h"

#include "sdp/sdp.h"

#include <dirent.h>

typedef struct sdp_file {
    char name[256];
    char text[SO_SDP_MAX];
    size_t len;
} sdp_file;

static inline void sdp_read_file(sdp_file *f, const char *name)
{
    char path[1024];
    FILE *in;

    (void)snprintf(f->name, sizeof f->name, "%s", name);
    (void)snprintf(path, sizeof path, "%s/sdp/%s", TEST_VECTORS, name);
    in = fopen(path, "rb");
    assert_non_null(in);
    f->len = fread(f->text, 1, sizeof f->text, in);
    (void)fclose(in);
}

static inline so_sdp_type sdp_type_of(const char *name)
{
    return strstr(name, "answer") != NULL ? SO_SDP_ANSWER : SO_SDP_OFFER;
}

static inline so_sdp *sdp_parsed(const char *text, size_t len, so_sdp_type type)
{
    so_sdp *sdp;
    so_sdp_fault fault;
    so_error err = {0};
    so_status status = so_sdp_parse(&sdp, type, text, len, &fault, &err);

    if (status != SO_OK)
        print_error("%s\n%.*s\n", err.text, (int)len, text);
    assert_int_equal(status, SO_OK);
    assert_int_equal(fault, SO_SDP_FINE);
    return sdp;
}

static inline so_sdp *sdp_parsed_file(const char *name)
{
    static sdp_file f;

    sdp_read_file(&f, name);
    return sdp_parsed(f.text, f.len, sdp_type_of(name));
}

/* Calls visit for every file of tests/vectors/sdp; returns how many that were. */
static inline size_t sdp_each_file(void (*visit)(const sdp_file *f, void *user), void *user)
{
    static sdp_file f;
    struct dirent *entry;
    size_t count = 0;
    DIR *dir = opendir(TEST_VECTORS "/sdp");

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        size_t len = strlen(entry->d_name);
        if (len < 4 || strcmp(entry->d_name + len - 4, ".sdp") != 0)
            continue;
        sdp_read_file(&f, entry->d_name);
        visit(&f, user);
        count++;
    }
    (void)closedir(dir);
    return count;
}

static inline bool sdp_is_refused(const sdp_file *f)
{
    return strncmp(f->name, "refused.", 8) == 0;
}

#endif
