/* --http: a port without TLS that redirects to the public URL and does nothing else. */
#ifndef SOTTO_SERVER_REDIRECT_H
#define SOTTO_SERVER_REDIRECT_H

#include "net/loop.h"
#include "server/session.h"

typedef struct so_redirect so_redirect;

so_status so_redirect_open(so_redirect **redirect, so_loop *loop, const char *where, so_hub *hub,
                           so_error *err) SO_MUST_CHECK;
/* NULL does nothing. Frees redirect once its last connection is closed. */
void so_redirect_close(so_redirect *redirect);
unsigned so_redirect_port(const so_redirect *redirect);

#endif
