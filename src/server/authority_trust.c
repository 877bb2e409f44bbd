/* What a person must do so that browsers and systems trust the CA. */
#include "server/authority.h"

#include <stdlib.h>
#include <string.h>

/* For a shell: unquoted where nothing needs it, else in single quotes. */
static void print_quoted(FILE *out, const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-+,:@%";

    if (text[0] != '\0' && text[0] != '-' && text[strspn(text, plain)] == '\0') {
        (void)fputs(text, out);
        return;
    }
    (void)fputc('\'', out);
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            (void)fputs("'\\''", out);
        else
            (void)fputc(*text, out);
    }
    (void)fputc('\'', out);
}

/* "CN=Sotto local CA 1a2b3c4d" -> "Sotto local CA 1a2b3c4d" */
static const char *common_name(const so_cert *ca)
{
    return strncmp(ca->subject, "CN=", 3) == 0 ? ca->subject + 3 : ca->subject;
}

static void print_certutil(FILE *out, const char *database, const so_authority_view *view)
{
    (void)fprintf(out, "    certutil -d %s -A -t C,, -n ", database);
    print_quoted(out, common_name(so_certs_at(view->ca, 0)));
    (void)fputs(" -i ", out);
    print_quoted(out, view->ca_path);
    (void)fputc('\n', out);
}

void so_authority_print_trust(FILE *out, const so_authority_view *view)
{
    const so_cert *ca = so_certs_at(view->ca, 0);
    const char *name = common_name(ca), *tag = strrchr(name, ' ');
    char system_path[128];

    (void)snprintf(system_path, sizeof system_path, "/usr/local/share/ca-certificates/sotto-%.40s.crt",
                   tag == NULL ? "ca" : tag + 1);
    (void)fputs(
        "To let a machine trust this server, give it the CA's certificate (never its key), compare the SHA-256\n"
        "fingerprint over another way, and install it once:\n\n    ",
        out);
    print_quoted(out, view->ca_path);
    (void)fprintf(out, "\n    SHA-256 %s\n\n", ca->sha256);
    (void)fputs("  Chromium and Chrome on Linux (certutil is in the package libnss3-tools; close the browser before):\n"
                "    mkdir -p \"$HOME/.pki/nssdb\"\n"
                "    test -e \"$HOME/.pki/nssdb/cert9.db\" || certutil -d \"sql:$HOME/.pki/nssdb\" -N "
                "--empty-password\n",
                out);
    print_certutil(out, "\"sql:$HOME/.pki/nssdb\"", view);
    (void)fputs("\n  Firefox: Settings, Privacy & Security, Certificates, View Certificates, Authorities, Import;\n"
                "  or, with PROFILE the profile folder that about:support shows:\n",
                out);
    print_certutil(out, "\"sql:PROFILE\"", view);
    (void)fputs("\n  The whole system (Debian, Ubuntu), for `sotto page verify`, curl and others:\n    sudo cp ", out);
    print_quoted(out, view->ca_path);
    (void)fputc(' ', out);
    print_quoted(out, system_path);
    (void)fputs(" && sudo update-ca-certificates\n\n  One command alone:\n    sotto page verify --ca ", out);
    print_quoted(out, view->ca_path);
    (void)fputs(" ...\n", out);
}
