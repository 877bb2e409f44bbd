#include "server/turn.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

bool so_ice_url_valid(const char *url, bool turn)
{
    const char *colon = strchr(url, ':');
    size_t scheme = colon == NULL ? 0 : (size_t)(colon - url);
    const char *base = turn ? "turn" : "stun";

    if ((scheme != 4 && scheme != 5) || strncmp(url, base, 4) != 0 || (scheme == 5 && url[4] != 's'))
        return false;
    return colon[1] != '\0' && colon[1] != '/' && strpbrk(colon, " \t\"\\<>") == NULL;
}

static void write_urls(so_writer *w, const char *const *urls, size_t count)
{
    so_write_text(w, "{\"urls\":[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            so_write_u8(w, ',');
        so_write_json(w, urls[i], strlen(urls[i]));
    }
    so_write_u8(w, ']');
}

so_status so_ice_write(so_writer *w, const so_ice_servers *servers, const char *member, so_unix now)
{
    char username[64], credential[32];
    uint8_t mac[SO_SHA1_LEN];
    so_status status;

    so_write_u8(w, '[');
    if (servers->stun_count > 0) {
        write_urls(w, servers->stun, servers->stun_count);
        so_write_u8(w, '}');
    }
    if (servers->turn_count > 0) {
        (void)snprintf(username, sizeof username, "%lld:%s", (long long)(now + servers->lifetime), member);
        status = so_hmac_sha1(mac, servers->secret, (so_slice){username, strlen(username)});
        if (status != SO_OK)
            return status;
        if (servers->stun_count > 0)
            so_write_u8(w, ',');
        write_urls(w, servers->turn, servers->turn_count);
        so_base64(credential, mac, sizeof mac);
        so_write_format(w, ",\"username\":\"%s\",\"credential\":\"%s\"}", username, credential);
    }
    so_write_u8(w, ']');
    return w->failed ? SO_TOO_LONG : SO_OK;
}
