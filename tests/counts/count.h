/*
 * For programs that say what a piece of work costs in things that can be counted: the same on every run, whatever else
 * the machine does. tests/counts/run runs them under callgrind and holds the counts against tests/counts/bars.txt.
 *
 *   warm up;
 *   count_start();
 *   do the work 1,000 times;
 *   count_stop("the work", 1000);
 */
#ifndef SOTTO_TESTS_COUNT_H
#define SOTTO_TESTS_COUNT_H

#include <stdbool.h>
#include <stddef.h>

/* From here on instructions and allocations count. No allocation and no output happens in these two themselves. */
void count_start(void);
/* "instructions" and "allocations" of what, for each of `times`. */
void count_stop(const char *what, size_t times);

/* Something else that was counted: "bytes", say. */
void count_say(const char *what, const char *metric, double value);

/* Calls of malloc, calloc, realloc and aligned_alloc so far, those of libraries too; and bytes taken and not given
 * back. */
size_t count_allocations(void);
size_t count_held(void);

/* Ends the program unless it is so. */
void count_must(bool ok, const char *what);

#endif
