#include "api/inside.h"

#include "base/secret.h"

#include <string.h>

_Static_assert(SOTTO_LINK_MAX >= sizeof((so_url *)0)->origin + 2 + SO_LINK_TEXT_LEN, "any link fits");

so_status api_read_link(so_url *url, so_invite *invite, const char *link, so_error *err)
{
    so_status status = so_url_parse(url, link, err);

    if (status != SO_OK)
        return status;
    if (url->fragment == NULL)
        return so_fail(err, SO_BAD_INPUT, "link", "the link has no secret behind a #; copy it again, whole");
    status = so_invite_parse(invite, url->fragment, strlen(url->fragment), err);
    url->fragment = NULL;
    return status;
}

/* A secret, so no more of it than fits whole. */
static so_status write_link(char *link, size_t cap, const so_url *url, const so_invite *invite, so_error *err)
{
    so_writer w = so_writer_of(link, cap);
    char text[SO_LINK_TEXT_LEN + 1];
    so_status status = so_invite_text(invite, text);

    if (status == SO_OK) {
        so_write_format(&w, "%s/#%s", url->origin, text);
        so_write_u8(&w, 0);
        if (w.failed)
            status =
                so_fail(err, SO_TOO_LONG, "link", "the buffer is too short for the link; give SOTTO_LINK_MAX bytes");
    } else {
        (void)so_fail(err, status, "link", "the link can't be written (%s); try again", so_status_name(status));
    }
    so_wipe(text, sizeof text);
    if (status != SO_OK)
        so_wipe(link, cap);
    return status;
}

sotto_status sotto_link_make(char *link, size_t cap, const char *url, sotto_error *error)
{
    so_error err = {.layer = "link"};
    so_invite invite = {0};
    so_url parsed;
    so_status status = so_url_parse(&parsed, url, &err);

    if (status == SO_OK && so_invite_make(&invite, &so_random_system) != SO_OK)
        status = so_fail(&err, SO_CRYPTO, "link", "the system gives no random numbers; no link can be made");
    if (status == SO_OK)
        status = write_link(link, cap, &parsed, &invite, &err);
    else
        memset(link, 0, cap);
    so_invite_wipe(&invite);
    return api_fail(error, status, &err);
}

sotto_status sotto_link_check(const char *link, sotto_error *error)
{
    so_error err = {.layer = "link"};
    so_invite invite = {0};
    so_url url;
    so_status status = api_read_link(&url, &invite, link, &err);

    so_invite_wipe(&invite);
    return api_fail(error, status, &err);
}
