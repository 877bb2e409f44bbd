/*
 * A bad network between two network namespaces: a link that loses, delays, reorders and is slow, by seed. Kernels
 * without netem have none of their own.
 *
 *   link --a /proc/PID/ns/net --b /proc/PID/ns/net [--name NAME] [SETTING VALUE]...
 *
 * Makes a TUN device of that name (call0) in each namespace and carries packets between them until its standard input
 * ends. Settings go for both directions: loss (percent), delay and jitter (ms, one way), reorder (percent of packets
 * that jitter lets overtake; without it order is kept), rate (bits a second, 0: any), queue (ms of the rate that may
 * wait; the rest is dropped), seed. On standard input each line is a setting, "down", "up", or "stats", which is
 * answered with one JSON object. "ready" is said when the devices are there.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define PACKET 2048
#define WAITING 16384

typedef struct settings {
    double loss, reorder;          /* percent */
    uint64_t delay, jitter, queue; /* µs */
    uint64_t rate;                 /* bits a second */
    bool down;
} settings;

typedef struct packet {
    uint64_t due;
    uint64_t order;
    size_t len;
    uint8_t bytes[PACKET];
} packet;

/* One direction. Packets that are under way are a heap by when they are due. */
typedef struct way {
    int from, to;
    uint64_t busy_until, last_due;
    packet *heap[WAITING];
    size_t count;
    uint64_t passed, bytes, lost, dropped, worst_queue;
} way;

static settings set = {.queue = 1000000};
static uint64_t dice_state = 1, orders;
static way ways[2];

static uint64_t now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* xorshift64*, from 0 up to 1 */
static double dice(void)
{
    dice_state ^= dice_state >> 12;
    dice_state ^= dice_state << 25;
    dice_state ^= dice_state >> 27;
    return (double)(dice_state * 0x2545f4914f6cdd1d >> 11) / 9007199254740992.0;
}

static bool earlier(const packet *a, const packet *b)
{
    return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void push(way *w, packet *p)
{
    size_t i = w->count++;

    for (; i > 0 && earlier(p, w->heap[(i - 1) / 2]); i = (i - 1) / 2)
        w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = p;
}

static packet *pop(way *w)
{
    packet *first = w->heap[0], *last = w->heap[--w->count];
    size_t i = 0;

    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= w->count)
            break;
        if (child + 1 < w->count && earlier(w->heap[child + 1], w->heap[child]))
            child++;
        if (!earlier(w->heap[child], last))
            break;
        w->heap[i] = w->heap[child];
        i = child;
    }
    w->heap[i] = last;
    return first;
}

/* When it arrives; 0: never. */
static uint64_t fate(way *w, size_t len, uint64_t now)
{
    uint64_t start = w->busy_until > now ? w->busy_until : now, due;

    if (set.down || dice() * 100 < set.loss) {
        w->lost++;
        return 0;
    }
    if (start - now > set.queue) {
        w->dropped++;
        return 0;
    }
    if (start - now > w->worst_queue)
        w->worst_queue = start - now;
    w->busy_until = set.rate == 0 ? now : start + len * 8 * 1000000 / set.rate;
    due = w->busy_until + set.delay + (uint64_t)(dice() * (double)set.jitter);
    if (dice() * 100 >= set.reorder && due < w->last_due)
        due = w->last_due;
    if (due > w->last_due)
        w->last_due = due;
    return due;
}

static void take(way *w)
{
    packet *p = malloc(sizeof *p);
    ssize_t len;

    while (p != NULL && w->count < WAITING && (len = read(w->from, p->bytes, sizeof p->bytes)) > 0) {
        p->len = (size_t)len;
        p->due = fate(w, p->len, now_us());
        p->order = orders++;
        if (p->due == 0)
            continue;
        push(w, p);
        p = malloc(sizeof *p);
    }
    free(p);
}

static void give(way *w)
{
    while (w->count > 0 && w->heap[0]->due <= now_us()) {
        packet *p = pop(w);

        if (write(w->to, p->bytes, p->len) == (ssize_t)p->len) {
            w->passed++;
            w->bytes += p->len;
        }
        free(p);
    }
}

/* ---- settings ---- */

static bool apply(const char *name, const char *text)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || value < 0)
        return false;
    if (strcmp(name, "loss") == 0)
        set.loss = value;
    else if (strcmp(name, "reorder") == 0)
        set.reorder = value;
    else if (strcmp(name, "delay") == 0)
        set.delay = (uint64_t)(value * 1000);
    else if (strcmp(name, "jitter") == 0)
        set.jitter = (uint64_t)(value * 1000);
    else if (strcmp(name, "queue") == 0)
        set.queue = (uint64_t)(value * 1000);
    else if (strcmp(name, "rate") == 0)
        set.rate = (uint64_t)value;
    else if (strcmp(name, "seed") == 0)
        dice_state = (uint64_t)value * 0x9e3779b97f4a7c15 | 1;
    else
        return false;
    return true;
}

static void say_stats(void)
{
    (void)printf("{");
    for (int i = 0; i < 2; i++) {
        (void)printf("%s\"%s\":{\"passed\":%llu,\"bytes\":%llu,\"lost\":%llu,\"dropped\":%llu,\"queue\":%.1f}",
                     i == 0 ? "" : ",", i == 0 ? "ab" : "ba", (unsigned long long)ways[i].passed,
                     (unsigned long long)ways[i].bytes, (unsigned long long)ways[i].lost,
                     (unsigned long long)ways[i].dropped, (double)ways[i].worst_queue / 1000);
        ways[i].worst_queue = 0;
    }
    (void)printf("}\n");
    (void)fflush(stdout);
}

static void obey(char *line)
{
    char *value = strchr(line, ' ');

    if (value != NULL)
        *value++ = '\0';
    if (strcmp(line, "stats") == 0)
        say_stats();
    else if (strcmp(line, "down") == 0 || strcmp(line, "up") == 0)
        set.down = line[0] == 'd';
    else if (value == NULL || !apply(line, value))
        (void)fprintf(stderr, "link: no such setting: %s\n", line);
}

/* false: the input has ended. */
static bool read_lines(void)
{
    static char text[4096];
    static size_t len;
    ssize_t got = read(0, text + len, sizeof text - 1 - len);
    char *line = text, *end;

    if (got <= 0)
        return got < 0 && errno == EAGAIN;
    len += (size_t)got;
    text[len] = '\0';
    for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        obey(line);
    }
    len -= (size_t)(line - text);
    memmove(text, line, len);
    return len < sizeof text - 1;
}

/* ---- devices ---- */

static int open_device(const char *ns, const char *name)
{
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    int space = open(ns, O_RDONLY | O_CLOEXEC), fd;

    if (space < 0 || setns(space, CLONE_NEWNET) != 0)
        return -1;
    (void)close(space);
    fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    (void)snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    return fd >= 0 && ioctl(fd, TUNSETIFF, &request) == 0 ? fd : -1;
}

static int carry(void)
{
    for (;;) {
        struct pollfd fds[] = {{ways[0].from, POLLIN, 0}, {ways[1].from, POLLIN, 0}, {0, POLLIN, 0}};
        struct timespec wait = {.tv_sec = 1};
        uint64_t now = now_us();

        for (int i = 0; i < 2; i++) {
            uint64_t left;

            if (ways[i].count == 0)
                continue;
            left = ways[i].heap[0]->due > now ? ways[i].heap[0]->due - now : 0;
            if (left < (uint64_t)wait.tv_sec * 1000000 + (uint64_t)wait.tv_nsec / 1000)
                wait = (struct timespec){.tv_nsec = (long)(left * 1000)};
        }
        if (ppoll(fds, 3, &wait, NULL) < 0 && errno != EINTR)
            return 1;
        for (int i = 0; i < 2; i++) {
            take(&ways[i]);
            give(&ways[i]);
        }
        if ((fds[2].revents & (POLLIN | POLLHUP)) != 0 && !read_lines())
            return 0;
    }
}

int main(int argc, char **argv)
{
    const char *a = NULL, *b = NULL, *name = "call0";

    for (int i = 1; i + 1 < argc; i += 2) {
        const char *option = argv[i], *value = argv[i + 1];

        if (strcmp(option, "--a") == 0)
            a = value;
        else if (strcmp(option, "--b") == 0)
            b = value;
        else if (strcmp(option, "--name") == 0)
            name = value;
        else if (!apply(option, value))
            a = NULL;
    }
    if (a == NULL || b == NULL || argc % 2 == 0) {
        (void)fprintf(stderr, "usage: link --a NS --b NS [--name NAME] [SETTING VALUE]...\n");
        return 2;
    }
    ways[0].from = ways[1].to = open_device(a, name);
    ways[1].from = ways[0].to = open_device(b, name);
    if (ways[0].from < 0 || ways[1].from < 0) {
        (void)fprintf(stderr, "link: the devices can't be made (%s); run as root, where there is /dev/net/tun\n",
                      strerror(errno));
        return 1;
    }
    (void)printf("ready\n");
    (void)fflush(stdout);
    return carry();
}
