#include "signal/said.h"

#include <string.h>

static const char *string_of(const json_t *root, const char *name)
{
    return json_string_value(json_object_get(root, name));
}

so_status so_said_parse(so_said *said, const char *text, size_t len)
{
    const json_t *sdp;

    memset(said, 0, sizeof *said);
    said->root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(said->root)) {
        so_said_free(said);
        return SO_BAD_INPUT;
    }
    said->call = string_of(said->root, "call");
    said->agent = string_of(said->root, "agent");
    said->audio = json_is_true(json_object_get(said->root, "audio"));
    said->video = json_is_true(json_object_get(said->root, "video"));
    said->screen = json_is_true(json_object_get(said->root, "screen"));
    sdp = json_object_get(said->root, "sdp");
    said->sdp = json_string_value(sdp);
    said->sdp_len = json_string_length(sdp);
    said->candidate = string_of(said->root, "candidate");
    said->mid = string_of(said->root, "sdpMid");
    said->ufrag = string_of(said->root, "usernameFragment");
    said->reason = string_of(said->root, "reason");
    return SO_OK;
}

void so_said_free(so_said *said)
{
    json_decref(said->root);
    said->root = NULL;
}

static void write_string(so_writer *w, const char *before, const char *text)
{
    so_write_text(w, before);
    if (text == NULL)
        so_write_text(w, "null");
    else
        so_write_json(w, text, strlen(text));
}

static void write_bool(so_writer *w, const char *before, bool value)
{
    so_write_text(w, before);
    so_write_text(w, value ? "true" : "false");
}

void so_said_write_state(so_writer *w, const char *call, bool audio, bool video, bool screen)
{
    write_string(w, "{\"call\":", call);
    write_bool(w, ",\"audio\":", audio);
    write_bool(w, ",\"video\":", video);
    write_bool(w, ",\"screen\":", screen);
    so_write_text(w, ",\"agent\":\"native\"}");
}

void so_said_write_description(so_writer *w, const char *type, const char *sdp)
{
    write_string(w, "{\"type\":", type);
    write_string(w, ",\"sdp\":", sdp);
    so_write_text(w, "}");
}

void so_said_write_candidate(so_writer *w, const char *line, const char *mid, const char *ufrag)
{
    write_string(w, "{\"candidate\":", line);
    if (line[0] != '\0') {
        write_string(w, ",\"sdpMid\":", mid);
        write_string(w, ",\"usernameFragment\":", ufrag);
    }
    so_write_text(w, "}");
}

void so_said_write_bye(so_writer *w, const char *reason)
{
    write_string(w, "{\"reason\":", reason);
    so_write_text(w, "}");
}
