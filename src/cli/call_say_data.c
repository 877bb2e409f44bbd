/* What is said of data channels: lines of chat, and files. */
#include "base/text.h"
#include "cli/call_say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void call_say_chat(const call_options *o, so_slice text)
{
    size_t cap = 64 + 6 * text.len;
    char *line = malloc(cap);
    so_writer w;

    if (line == NULL)
        return;
    if (o->json) {
        w = so_writer_of(line, cap);
        so_write_text(&w, "{\"event\":\"chat\",\"text\":");
        so_write_json(&w, text.bytes, text.len);
        so_write_text(&w, "}");
        call_say_out(&w);
    } else {
        (void)snprintf(line, cap, "%.*s", (int)text.len, (const char *)text.bytes);
        so_text_tame(line);
        (void)printf("< %s\n", line);
        (void)fflush(stdout);
    }
    free(line);
}

/* "1.5 MB", as disks are sold. */
static void size_text(char out[32], uint64_t bytes)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB", "PB"};
    double size = (double)bytes;
    size_t unit = 0;

    for (; size >= 999.95 && unit + 1 < sizeof units / sizeof units[0]; unit++)
        size /= 1000;
    (void)snprintf(out, 32, unit == 0 ? "%.0f %s" : "%.1f %s", size, units[unit]);
}

static void say_for_people(bool in, const char *state, const so_file_offer *offer, uint64_t bytes)
{
    static const char *const words[][3] = {
        {"offered", "The other end is asked to take", "The other end offers"},
        {"accepted", "The other end takes", "Taking"},
        {"refused", "The other end refused", "Not taken (give --data-out FOLDER to take files):"},
        {"done", "Delivered, and its digest fits:", "Taken, and its digest fits:"},
        {"differs", "Arrived altered, and kept by nobody:", "Not what was offered, and not kept:"},
        {"cancelled", "Not delivered:", "Not taken whole, and not kept:"},
    };
    char name[SO_FILE_NAME + 1], size[32] = "size not known", digest[2 * SO_SHA256_LEN + 1];

    call_say_tame(name, sizeof name, offer->name);
    if (offer->known || strcmp(state, "done") == 0)
        size_text(size, offer->known ? offer->size : bytes);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(words[i][0], state) == 0)
            (void)printf("%s %s (%s)\n", words[i][in ? 2 : 1], name, size);
    if (offer->known && strcmp(state, "offered") == 0) {
        so_hex(digest, offer->sha256, SO_SHA256_LEN);
        (void)printf("  SHA-256 %s\n", digest);
    }
    (void)fflush(stdout);
}

void call_say_file(const call_options *o, bool in, const char *state, const so_file_offer *offer, uint64_t bytes)
{
    uint8_t line[2 * CALL_SAY_LINE];
    char digest[2 * SO_SHA256_LEN + 1];
    so_writer w;

    if (!o->json) {
        say_for_people(in, state, offer, bytes);
        return;
    }
    w = so_writer_of(line, sizeof line);
    so_write_format(&w, "{\"event\":\"file\",\"way\":\"%s\",\"state\":\"%s\"", in ? "in" : "out", state);
    call_say_member(&w, ",\"name\":", offer->name);
    so_write_format(&w, ",\"bytes\":%llu", (unsigned long long)bytes);
    if (offer->known) {
        so_hex(digest, offer->sha256, SO_SHA256_LEN);
        so_write_format(&w, ",\"size\":%llu,\"sha256\":\"%s\"}", (unsigned long long)offer->size, digest);
    } else {
        so_write_text(&w, ",\"size\":null,\"sha256\":null}");
    }
    call_say_out(&w);
}
