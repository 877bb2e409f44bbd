#include "crypto/groups.h"

#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

so_status so_groups_use(const char *list, bool (*set)(void *target, const char *list), void *target)
{
    char known[SO_GROUPS_MAX] = "", name[SO_GROUPS_MAX];
    size_t used = 0;
    bool done;

    if (strlen(list) >= sizeof known)
        return SO_TOO_LONG;
    for (size_t at = 0, len; list[at] != '\0'; at += len + (list[at + len] == ':')) {
        len = strcspn(list + at, ":");
        (void)snprintf(name, sizeof name, "%.*s", (int)len, list + at);
        if (len > 0 && set(target, name))
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", used == 0 ? "" : ":", name);
    }
    done = used > 0 && set(target, known);
    ERR_clear_error();
    return done ? SO_OK : SO_REFUSED;
}
