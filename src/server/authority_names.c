/* The names that this host goes by. */
#include "server/authority.h"

#include <string.h>
#include <unistd.h>

/* RFC 1918 §3, RFC 4193 §3.1 (the half of fc00::/7 that is in use), and loopback. */
static const char *const private_networks[] = {"127.0.0.0/8",    "::1",     "10.0.0.0/8", "172.16.0.0/12",
                                               "192.168.0.0/16", "fd00::/8"};

/* The host's name, and its first label under .local (RFC 6762 §3); false for what is no name of its own. */
static bool host_names(so_name *host, so_name *local, const char *hostname)
{
    char text[SO_NAME_MAX + 2] = {0}, label[SO_LABEL_MAX + 8] = {0};
    size_t len;

    if (hostname == NULL && gethostname(text, sizeof text - 1) == 0)
        hostname = text;
    if (hostname == NULL || so_name_parse(host, hostname, NULL) != SO_OK || host->kind != SO_NAME_DNS ||
        host->text[0] == '*' || strcmp(host->text, "localhost") == 0)
        return false;
    len = strcspn(host->text, ".");
    if (len == strlen("localhost") && strncmp(host->text, "localhost", len) == 0) /* localhost.localdomain */
        return false;
    memcpy(label, host->text, len);
    memcpy(label + len, ".local", sizeof ".local");
    return so_name_parse(local, label, NULL) == SO_OK;
}

size_t so_authority_default_permits(so_permit permits[SO_CA_PERMITS_MAX], const char *hostname)
{
    so_name host, local;
    size_t n = 0;

    if (so_permit_parse(&permits[n], "localhost", NULL) == SO_OK)
        n++;
    if (host_names(&host, &local, hostname)) {
        /* A host called "dev" must not let its CA speak for every site under the top-level domain .dev. */
        if (so_permit_parse(&permits[n], host.text, NULL) == SO_OK)
            permits[n++].host_only = strchr(host.text, '.') == NULL;
        if (!so_name_equal(&host, &local) && so_permit_parse(&permits[n], local.text, NULL) == SO_OK)
            n++;
    }
    for (size_t i = 0; i < sizeof private_networks / sizeof private_networks[0]; i++) {
        if (so_permit_parse(&permits[n], private_networks[i], NULL) == SO_OK)
            n++;
    }
    return n;
}

size_t so_authority_default_names(so_name names[SO_LEAF_NAMES_MAX], const char *hostname)
{
    static const char *const always[] = {"localhost", "127.0.0.1", "::1"};
    so_name host, local;
    size_t n = 0;

    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++) {
        if (so_name_parse(&names[n], always[i], NULL) == SO_OK)
            n++;
    }
    if (host_names(&host, &local, hostname)) {
        names[n++] = host;
        if (!so_name_equal(&host, &local))
            names[n++] = local;
    }
    return n;
}
