/* Whom the attacks go to: a server of this very program, or one whose operator allows it. */
#include "cli/rehearse_wire.h"

#include "base/secret.h"
#include "base/text.h"
#include "net/fetch.h"
#include "net/sockaddr.h"
#include "server/rehearsal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define ADDRESSES 8
/* In seconds: short, so that who takes his time need not be waited for long. */
#define OWN_TIMEOUT "5"
#define END_TRIES 600 /* of 5 ms */

/* ---- a server of one's own ---- */

struct rehearse_own {
    char folder[64], ca[80], url[64], line[4096];
    size_t len;
    pid_t pid;
    uv_pipe_t out;
    bool ended, drained;
};

/* In the child. What is set in the environment is about the operator's server, not about this one. */
static void become_server(const struct rehearse_own *own, int out)
{
    static const char *const words[] = {"sotto",     "serve",          "--json",      "--log-level",
                                        "error",     "--listen",       "127.0.0.1:0", "--name",
                                        "localhost", "--tls-timeout",  OWN_TIMEOUT,   "--header-timeout",
                                        OWN_TIMEOUT, "--join-timeout", OWN_TIMEOUT,   "--state"};
    enum { WORDS = sizeof words / sizeof words[0] };
    char *argv[WORDS + 2];
    char **to = environ;

    for (char **from = environ; *from != NULL; from++)
        if (strncmp(*from, "SOTTO_", 6) != 0)
            *to++ = *from;
    *to = NULL;
    for (int i = 0; i < WORDS; i++)
        argv[i] = (char *)words[i];
    argv[WORDS] = (char *)own->folder;
    argv[WORDS + 1] = NULL;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* however this process ends, no server stays */
    if (dup2(out, STDOUT_FILENO) >= 0)
        (void)execv("/proc/self/exe", argv);
    _exit(127);
}

static void on_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *buf)
{
    struct rehearse_own *own = handle->data;

    (void)hint;
    if (own->len + 1 >= sizeof own->line) /* what it says later concerns nobody */
        own->len = 0;
    *buf = uv_buf_init(own->line + own->len, (unsigned)(sizeof own->line - 1 - own->len));
}

static void on_line(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
    struct rehearse_own *own = stream->data;

    (void)buf;
    if (len > 0)
        own->len += (size_t)len;
    else if (len < 0)
        own->ended = true;
}

static void on_pipe_closed(uv_handle_t *handle)
{
    ((struct rehearse_own *)handle->data)->drained = true;
}

static bool read_listening(struct rehearse_own *own)
{
    static const char wanted[] = "\"listen\":[\"127.0.0.1:";
    const char *at;
    unsigned long port;

    own->line[own->len] = '\0';
    at = strstr(own->line, wanted);
    if (at == NULL || strchr(own->line, '\n') == NULL)
        return false;
    port = strtoul(at + sizeof wanted - 1, NULL, 10);
    (void)snprintf(own->url, sizeof own->url, "https://localhost:%lu", port);
    return port != 0;
}

static bool spawn(rehearsal *r, struct rehearse_own *own)
{
    int ends[2];

    (void)uv_pipe_init(&r->loop.uv, &own->out, 0);
    own->out.data = own;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    own->pid = fork();
    if (own->pid == 0)
        become_server(own, ends[1]);
    (void)close(ends[1]);
    if (own->pid < 0 || uv_pipe_open(&own->out, ends[0]) != 0) {
        (void)close(ends[0]);
        return false;
    }
    return uv_read_start((uv_stream_t *)&own->out, on_alloc, on_line) == 0;
}

static void on_late(uv_timer_t *timer)
{
    ((rehearsal *)timer->data)->late = true;
}

so_status rehearse_own_start(rehearsal *r, so_url *url, so_error *err)
{
    struct rehearse_own *own = calloc(1, sizeof *own);
    const char *tmp = getenv("TMPDIR");

    if (own == NULL)
        return so_fail(err, SO_NO_MEMORY, "server", "not enough memory for a server");
    (void)snprintf(own->folder, sizeof own->folder, "%.40s/sotto-rehearse-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    if (mkdtemp(own->folder) == NULL) {
        so_status status = so_fail(err, SO_IO, "server", "can't make the folder %s: %s", own->folder, strerror(errno));

        free(own);
        return status;
    }
    r->own = own;
    if (!spawn(r, own))
        return so_fail(err, SO_IO, "server", "can't start a server: %s", strerror(errno));
    r->late = false;
    (void)uv_timer_start(&r->patience, on_late, 2 * REHEARSE_PATIENCE, 0);
    while (!own->ended && !r->late && !read_listening(own))
        (void)uv_run(&r->loop.uv, UV_RUN_ONCE);
    if (!read_listening(own))
        return so_fail(err, SO_IO, "server", "a server on loopback did not come up; does sotto serve?");
    uv_unref((uv_handle_t *)&own->out);
    (void)snprintf(own->ca, sizeof own->ca, "%s/ca.pem", own->folder);
    r->ca = own->ca;
    return so_url_parse(url, own->url, err);
}

static void remove_folder(const char *path)
{
    DIR *dir = opendir(path);

    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;)
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir != NULL)
        (void)closedir(dir);
    (void)rmdir(path);
}

/* It is told to go twice, which is: at once; and it does not linger. */
static void end_process(pid_t pid)
{
    (void)kill(pid, SIGTERM);
    for (int i = 0; i < END_TRIES; i++) {
        if (waitpid(pid, NULL, WNOHANG) != 0)
            return;
        if (i > 0)
            (void)kill(pid, SIGTERM);
        (void)usleep(5000);
    }
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}

void rehearse_own_end(rehearsal *r)
{
    struct rehearse_own *own = r->own;

    if (own == NULL)
        return;
    r->own = NULL;
    if (own->pid > 0)
        end_process(own->pid);
    remove_folder(own->folder);
    uv_close((uv_handle_t *)&own->out, on_pipe_closed);
    while (!r->interrupted && !own->drained)
        (void)uv_run(&r->loop.uv, UV_RUN_NOWAIT);
    if (!r->interrupted) /* else the loop still has it, and the process ends */
        free(own);
}

/* ---- somebody's server ---- */

static bool is_loopback(const so_address *address)
{
    static const uint8_t one[16] = {[15] = 1};

    return address->family == 4 ? address->ip[0] == 127 : memcmp(address->ip, one, sizeof one) == 0;
}

static size_t look_up(rehearsal *r, const char *host, so_address *out, int *fault)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC};
    uv_getaddrinfo_t request;
    size_t count = 0;

    *fault = uv_getaddrinfo(&r->loop.uv, &request, NULL, host, NULL, &hints);
    if (*fault != 0)
        return 0;
    for (const struct addrinfo *a = request.addrinfo; a != NULL && count < ADDRESSES; a = a->ai_next)
        if ((out[count] = so_sockaddr_address(a->ai_addr)).family != 0)
            count++;
    uv_freeaddrinfo(request.addrinfo);
    return count;
}

/* From here on the address is fixed: a name that is answered otherwise a moment later leads nobody else into this. */
static void fix(rehearsal *r, const so_address *address)
{
    char text[SO_ADDRESS_TEXT];

    so_address_ip_text(address, text);
    (void)snprintf(r->at, sizeof r->at, "%s", text);
}

/* One well-formed request, and nothing else before its answer. */
static so_status challenge(rehearsal *r, so_slice token, so_error *err)
{
    uint8_t bytes[SO_REHEARSAL_NONCE_BYTES];
    char nonce[SO_REHEARSAL_NONCE_LEN + 1], target[64], wanted[SO_REHEARSAL_PROOF_LEN + 1];
    const char *host = r->url->origin + strlen("https://");
    const so_fetch_request request = {
        .ctx = r->ctx, .url = r->url, .connect_to = r->at, .target = target, .timeout = 2 * REHEARSE_PATIENCE};
    const uint8_t *body;
    so_http *answer;
    size_t len;
    bool proven;
    so_status status = so_random_fill(&so_random_system, bytes, sizeof bytes);

    so_base64url(nonce, bytes, sizeof bytes);
    (void)snprintf(target, sizeof target, SO_REHEARSAL_PATH "?nonce=%s", nonce);
    if (status == SO_OK)
        status = so_rehearsal_proof(wanted, token, (so_slice){nonce, SO_REHEARSAL_NONCE_LEN},
                                    (so_slice){host, strlen(host)});
    if (status != SO_OK)
        return so_fail(err, status, "rehearsal", "this machine gives no random numbers, or no memory");
    status = so_fetch(&request, &answer, err);
    if (status != SO_OK)
        return status;
    body = so_http_body(answer, &len);
    proven = so_http_status(answer) == 200 && len == SO_REHEARSAL_PROOF_LEN && so_equal_secret(body, wanted, len);
    so_http_free(answer);
    so_wipe(wanted, sizeof wanted);
    if (proven)
        return SO_OK;
    return so_fail(err, SO_REFUSED, "rehearsal",
                   "%.150s does not know this token, so it is not attacked; its operator starts it with sotto serve "
                   "--allow-rehearsal-file FILE, and the same first line in FILE",
                   r->url->host);
}

static bool takes_connections(rehearsal *r)
{
    wire *w = wire_bare(r);
    bool opened = w != NULL && wire_opened(w);

    wire_free(w);
    return opened;
}

so_status rehearse_permit(rehearsal *r, const char *connect_to, so_slice token, so_error *err)
{
    const char *host = connect_to != NULL ? connect_to : r->url->host;
    so_address addresses[ADDRESSES];
    bool here = true;
    int fault;
    size_t count = look_up(r, host, addresses, &fault);
    so_status status = SO_IO;

    if (count == 0)
        return so_fail(err, SO_IO, "rehearsal", "%.200s can't be found (%s); check how it is spelt", host,
                       fault == 0 ? "no address" : uv_strerror(fault));
    for (size_t i = 0; i < count; i++)
        here = here && is_loopback(&addresses[i]);
    if (!here && token.len == 0)
        return so_fail(err, SO_REFUSED, "rehearsal",
                       "%.100s is not this machine's loopback, so its operator must allow it: start the server with "
                       "sotto serve --allow-rehearsal-file FILE, a secret of 16 characters or more in FILE's first "
                       "line, and give the same to --token-file",
                       host);
    for (size_t i = 0; i < count && status == SO_IO; i++) {
        fix(r, &addresses[i]);
        if (!here)
            status = challenge(r, token, err);
        else if (takes_connections(r))
            status = SO_OK;
        else
            (void)so_fail(err, SO_IO, "rehearsal", "port %u of %.200s takes no connection; is the server running?",
                          r->url->port, host);
    }
    return status;
}
