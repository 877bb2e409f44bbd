/* Times in seconds, and their quantiles. */
#ifndef SOTTO_BENCH_SAMPLES_H
#define SOTTO_BENCH_SAMPLES_H

#include <stddef.h>

typedef struct samples {
    double *values;
    size_t count, cap;
} samples;

void samples_add(samples *s, double value);
/* Sorts them. 0 when there are none. */
double samples_quantile(samples *s, double q);

#endif
