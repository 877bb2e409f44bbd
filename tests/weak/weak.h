/*
 * A `sotto` whose defences can be taken away one by one, to show that `sotto rehearse` notices: WEAK in the environment
 * names the one that is off, as the attack on it is named. The linker puts these functions in the place of the true
 * ones
 * (--wrap), so that nothing of it stands in the program itself.
 */
#ifndef SOTTO_TESTS_WEAK_H
#define SOTTO_TESTS_WEAK_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Is this process the server? What the attacker's process does with the same functions stays as it is. */
extern bool weak_serves;

static inline bool weak(const char *defence)
{
    const char *off = getenv("WEAK");

    return off != NULL && strcmp(off, defence) == 0;
}

static inline bool weak_server(const char *defence)
{
    return weak_serves && weak(defence);
}

#endif
