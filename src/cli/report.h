/* `sotto report`: what was checked, for those who show it. */
#ifndef SOTTO_CLI_REPORT_H
#define SOTTO_CLI_REPORT_H

#include "trust/report_check.h"

#include <stdio.h>

/* docs/report.schema.json */
extern const char so_report_schema[];

typedef struct report_view {
    const char *names[2]; /* of the files */
    so_checked_report reports[2];
    char known[2][SO_PEER_NAME_LEN + 1]; /* what this machine's user calls the one who signed; "": nothing */
    size_t count;                        /* of the reports, all checked */
    so_shared_fact facts[SO_SHARED_FACTS];
    size_t fact_count;
    bool agree;
} report_view;

/* One file to hand to an auditor: no script, nothing from elsewhere, readable on paper. false: it can't be written. */
bool report_html(const report_view *view, FILE *out);

/* A member's text; "": it has none. */
const char *report_text(const json_t *object, const char *name);
/* From when to when, and how long, by that end's clock. */
void report_times(char out[120], const json_t *report);

#endif
