/* Commands that a test runs as a person would; one that fails fails the test. Included after cmocka.h. */
#ifndef SOTTO_TESTS_SHELL_H
#define SOTTO_TESTS_SHELL_H

#include "base/status.h"

#include <stdio.h>
#include <stdlib.h>

SO_PRINTF(1, 2) static inline void shell(const char *fmt, ...)
{
    char line[900];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    assert_int_equal(system(line), 0);
}

#endif
