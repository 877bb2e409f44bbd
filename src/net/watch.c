#include "net/watch.h"

#include <stdlib.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

struct so_watch {
    uv_poll_t poll;
    int socket;
    void (*changed)(void *user);
    void *user;
};

static void on_closed(uv_handle_t *handle)
{
    so_watch *w = handle->data;

    (void)close(w->socket);
    free(w);
}

/* What was said does not matter, nor that some of it was lost: whoever is told looks for himself. */
static void on_readable(uv_poll_t *poll, int status, int events)
{
    so_watch *w = poll->data;
    char said[4096];

    (void)status;
    (void)events;
    while (recv(w->socket, said, sizeof said, MSG_DONTWAIT) > 0)
        continue;
    w->changed(w->user);
}

/* Links, and the addresses of both families. The kernel alone may send to the groups. */
static int open_socket(void)
{
    struct sockaddr_nl groups = {.nl_family = AF_NETLINK,
                                 .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

    if (fd >= 0 && bind(fd, (const struct sockaddr *)&groups, sizeof groups) == 0)
        return fd;
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

so_watch *so_watch_open(so_loop *loop, void (*changed)(void *user), void *user)
{
    so_watch *w = calloc(1, sizeof *w);

    if (w == NULL)
        return NULL;
    w->changed = changed;
    w->user = user;
    w->socket = open_socket();
    w->poll.data = w;
    if (w->socket < 0 || uv_poll_init(&loop->uv, &w->poll, w->socket) != 0) {
        if (w->socket >= 0)
            (void)close(w->socket);
        free(w);
        return NULL;
    }
    if (uv_poll_start(&w->poll, UV_READABLE, on_readable) != 0) {
        so_watch_close(w);
        return NULL;
    }
    return w;
}

void so_watch_close(so_watch *w)
{
    if (w == NULL)
        return;
    (void)uv_poll_stop(&w->poll);
    uv_close((uv_handle_t *)&w->poll, on_closed);
}

#else

so_watch *so_watch_open(so_loop *loop, void (*changed)(void *user), void *user)
{
    (void)loop;
    (void)changed;
    (void)user;
    return NULL;
}

void so_watch_close(so_watch *w)
{
    (void)w;
}

#endif
