/* Key-exchange groups by OpenSSL's names. Older versions refuse a whole list for one name that they do not know. */
#ifndef SOTTO_CRYPTO_GROUPS_H
#define SOTTO_CRYPTO_GROUPS_H

#include "base/status.h"

/* Of a list, with its final zero. */
#define SO_GROUPS_MAX 160

/*
 * Uses those of the list (names with colons between) that OpenSSL has, in its order; set is SSL_set1_groups_list or its
 * neighbour for a context, with what it sets them for. SO_REFUSED: there are none of them; SO_TOO_LONG.
 */
so_status so_groups_use(const char *list, bool (*set)(void *target, const char *list), void *target) SO_MUST_CHECK;

#endif
