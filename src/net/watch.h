/* Word of the network of this machine: an interface came up or went down, an address came or went. */
#ifndef SOTTO_NET_WATCH_H
#define SOTTO_NET_WATCH_H

#include "net/loop.h"

typedef struct so_watch so_watch;

/*
 * changed is called, from the loop, after something may have changed: look which addresses there are. NULL: this system
 * does not tell (no Linux, or a sandbox without netlink); then nothing is watched.
 */
so_watch *so_watch_open(so_loop *loop, void (*changed)(void *user), void *user);
/* Closes later, in the loop; changed is not called any more. Takes NULL. */
void so_watch_close(so_watch *watch);

#endif
