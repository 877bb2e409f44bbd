/*
 * Sotto's own allocations counted, and made to fail one by one. The linker puts heap.c's functions in the place of
 * malloc and its kin (-Wl,--wrap=...) for the objects of the program alone: what libraries allocate for themselves is
 * counted by the executable's malloc, where no sanitizer has its own.
 */
#ifndef SOTTO_TESTS_SIM_HEAP_H
#define SOTTO_TESTS_SIM_HEAP_H

#include <stdbool.h>

/* How many there were, and which one fails; 0: none. */
extern unsigned long heap_own, heap_fail_at;
extern long heap_live;   /* of Sotto's, those that are not freed yet */
extern bool heap_paused; /* a test's own may not fail, and do not count */
/* Of everybody, while heap_counting. */
extern unsigned long heap_everybody;
extern bool heap_counting;

#endif
