/* The lowest of the values of the last while: of a path's delays it is the one without a queue. */
#ifndef SOTTO_RTP_LOWEST_H
#define SOTTO_RTP_LOWEST_H

#include <stdint.h>

#define SO_LOWEST_PARTS 4
#define SO_LOWEST_NONE INT64_MAX

/* The while is cut into parts, and the oldest part is forgotten as a whole: it reaches back over 3/4 of it at least. */
typedef struct so_lowest {
    int64_t span;                   /* of a part, in what times are counted in */
    int64_t began;                  /* the newest part */
    int64_t parts[SO_LOWEST_PARTS]; /* the newest first */
} so_lowest;

void so_lowest_init(so_lowest *lowest, int64_t span);
/* A time that runs back counts as none passed. */
void so_lowest_add(so_lowest *lowest, int64_t value, int64_t at);
/* SO_LOWEST_NONE: none was added. */
int64_t so_lowest_get(const so_lowest *lowest);

#endif
