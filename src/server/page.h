/*
 * The call page: its files, built into the command, and the headers that go with every answer. `sotto serve` sends
 * them; `sotto page verify` compares what another host sends with them.
 */
#ifndef SOTTO_SERVER_PAGE_H
#define SOTTO_SERVER_PAGE_H

#include "base/bytes.h"

typedef struct so_page_file {
    const char *target; /* "/" or "/name" */
    const char *type;
    const uint8_t *bytes;
    size_t len;
    const char *sha256; /* hex */
} so_page_file;

extern const so_page_file so_page_files[];
extern const size_t so_page_file_count;

/* NULL: no such file. */
const so_page_file *so_page_find(const char *target);

/* Names of the headers that every answer carries; values from so_page_header. */
extern const char *const so_page_headers[];
extern const size_t so_page_header_count;

/*
 * Writes the value that the header named has on a server whose page is at origin ("https://host[:port]"), without a
 * final zero. False: that server does not send it (HSTS on a loopback name, where it would hit other local servers).
 */
bool so_page_header(so_writer *w, const char *name, const char *origin);

/* Is this the host of a URL that only this machine can mean: localhost, *.localhost, 127.0.0.0/8, [::1]? */
bool so_page_loopback_host(const char *host, size_t len);

#endif
