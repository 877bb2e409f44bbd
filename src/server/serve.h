/* `sotto serve`: listeners, connections, the certificate and its renewal, signals, and the way down. */
#ifndef SOTTO_SERVER_SERVE_H
#define SOTTO_SERVER_SERVE_H

#include "server/options.h"

/* Runs until it is told to stop. 0: it stopped as it was asked to; 1: it could not start, *err says why. */
int so_serve(const so_options *options, so_error *err);

#endif
