/*
 * Which losses are ours? A path that loses packets whatever is sent on it (radio) does so at a lower rate too; a queue
 * that is full does not. Losses well over the usual call for a lower rate, and what is lost at that one is the usual
 * from then on.
 */
#ifndef SOTTO_RTP_LOSS_H
#define SOTTO_RTP_LOSS_H

#include "base/clock.h"

#include <stdbool.h>

/* Shares of 1. */
typedef struct so_loss {
    bool known;     /* the usual is */
    bool trial;     /* the rate was lowered, and this period shows what for */
    bool suspected; /* the last period lost too many */
    double usual;
    double share; /* lost in the last period */
    double lost, total;
    so_msec since; /* when the period began, or will begin */
} so_loss;

void so_loss_init(so_loss *loss);
/* Packets of which it became known; negative: one that was said to be lost has come. */
void so_loss_count(so_loss *loss, int lost, int received);
/* true: the rate is to be lowered. response: ms, after which what was lost before that is over. */
bool so_loss_judge(so_loss *loss, so_msec response, so_msec now);
/* The rate was lowered for another reason: what is lost just now says nothing. */
void so_loss_skip(so_loss *loss, so_msec response, so_msec now);

#endif
