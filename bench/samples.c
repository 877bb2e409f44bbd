#include "samples.h"

#include <stdlib.h>

void samples_add(samples *s, double value)
{
    if (s->count == s->cap) {
        size_t cap = s->cap == 0 ? 4096 : s->cap * 2;
        double *values = realloc(s->values, cap * sizeof *values);
        if (values == NULL)
            return;
        s->values = values;
        s->cap = cap;
    }
    s->values[s->count++] = value;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double samples_quantile(samples *s, double q)
{
    if (s->count == 0)
        return 0;
    qsort(s->values, s->count, sizeof *s->values, compare);
    return s->values[(size_t)(q * (double)(s->count - 1))];
}
