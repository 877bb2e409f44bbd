/* Every code that a call can end with, in words that say what happened and what to do. web/errors.js has the same
 * codes. */
#ifndef SOTTO_TRUST_WORDS_H
#define SOTTO_TRUST_WORDS_H

typedef struct so_words {
    const char *code;
    const char *title;  /* "The fingerprint does not match" */
    const char *text;   /* what happened */
    const char *remedy; /* "": there is nothing to do */
} so_words;

/* Never NULL: a code that nobody knows gets words that say so. */
const so_words *so_words_of(const char *code);

#endif
