/*
 * signal/message: any bytes are a message or are refused with a sentence; what was taken has what it must have. White
 * space in front sends a text round the quick way for envelopes, to jansson: both ways must say the same.
 */
#include "signal/message.h"

#include <stdlib.h>
#include <string.h>

static bool same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void check(const so_signal_message *m)
{
    if (m->kind == SO_SIGNAL_JOIN && strlen(m->room) != SO_ROOM_TEXT_LEN)
        abort();
    if (m->kind == SO_SIGNAL_ENVELOPE && (strlen(m->to) != SO_MEMBER_ID_LEN || strlen(m->payload) != m->payload_len))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    so_signal_message quick, slow;
    so_error err = {.text = ""};
    char *spaced = malloc(len + 1);
    bool taken, taken_slowly;

    spaced[0] = ' ';
    if (len > 0)
        memcpy(spaced + 1, bytes, len);
    taken = so_signal_parse(&quick, (const char *)bytes, len, &err) == SO_OK;
    if (!taken && err.text[0] == '\0')
        abort();
    taken_slowly = so_signal_parse(&slow, spaced, len + 1, &err) == SO_OK;
    if (taken != taken_slowly)
        abort();
    if (taken) {
        check(&quick);
        if (quick.kind != slow.kind || !same(quick.to, slow.to) || !same(quick.from, slow.from) ||
            !same(quick.payload, slow.payload))
            abort();
        so_signal_message_free(&quick);
        so_signal_message_free(&slow);
    }
    free(spaced);
    return 0;
}
