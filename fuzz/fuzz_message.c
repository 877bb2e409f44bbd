/* signal/message: any bytes are a message or are refused with a sentence; what was taken has what it must have. */
#include "signal/message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    so_signal_message m;
    so_error err;

    err.text[0] = '\0';
    if (so_signal_parse(&m, (const char *)bytes, len, &err) != SO_OK) {
        if (err.text[0] == '\0')
            abort();
        return 0;
    }
    if (m.kind == SO_SIGNAL_JOIN && strlen(m.room) != SO_ROOM_TEXT_LEN)
        abort();
    if (m.kind == SO_SIGNAL_ENVELOPE && (strlen(m.to) != SO_MEMBER_ID_LEN || strlen(m.payload) != m.payload_len))
        abort();
    so_signal_message_free(&m);
    return 0;
}
