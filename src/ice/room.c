/* Memory for what an agent keeps many of. Nothing that a stranger sends makes it grow. */
#include "ice/ice_inside.h"

#include <stdlib.h>

/* Takes the piece behind the last one; *count things of at most `most` are there now. */
static uint8_t more(void **piece, size_t size, uint8_t *count, unsigned most)
{
    uint8_t first = *count;

    if (first >= most || (*piece = calloc(SO_ICE_PIECE, size)) == NULL)
        return SO_ICE_NONE;
    *count = (uint8_t)(most - first < SO_ICE_PIECE ? most : first + SO_ICE_PIECE);
    return first;
}

#define MORE(ice, all, count, most)                                                                                    \
    do {                                                                                                               \
        void *piece = NULL;                                                                                            \
        uint8_t at = more(&piece, sizeof *(ice)->all[0], &(ice)->count, most);                                         \
                                                                                                                       \
        if (at != SO_ICE_NONE)                                                                                         \
            (ice)->all[at / SO_ICE_PIECE] = piece;                                                                     \
        return at;                                                                                                     \
    } while (0)

uint8_t so_ice_more_locals(so_ice *ice)
{
    MORE(ice, locals, local_count, SO_ICE_LOCALS);
}

uint8_t so_ice_more_remotes(so_ice *ice)
{
    MORE(ice, remotes, remote_count, SO_ICE_REMOTES);
}

uint8_t so_ice_more_pairs(so_ice *ice)
{
    MORE(ice, pairs, pair_count, SO_ICE_PAIRS);
}

uint8_t so_ice_more_transactions(so_ice *ice)
{
    MORE(ice, transactions, transaction_count, SO_ICE_TRANSACTIONS);
}

void so_ice_free_room(so_ice *ice)
{
    for (size_t i = 0; i < SO_ICE_PIECES(SO_ICE_LOCALS); i++)
        free(ice->locals[i]);
    for (size_t i = 0; i < SO_ICE_PIECES(SO_ICE_REMOTES); i++)
        free(ice->remotes[i]);
    for (size_t i = 0; i < SO_ICE_PIECES(SO_ICE_PAIRS); i++)
        free(ice->pairs[i]);
    for (size_t i = 0; i < SO_ICE_PIECES(SO_ICE_TRANSACTIONS); i++)
        free(ice->transactions[i]);
}
