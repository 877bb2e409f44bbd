/* ice/candidate: any line. What is read can be written, and reads back as the same. */
#include "ice/candidate.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    so_ice_candidate c, again;
    char line[SO_ICE_LINE];

    if (so_ice_candidate_parse(&c, (const char *)bytes, len) != SO_OK)
        return 0;
    if (c.component == 0 || c.component > 256 || c.priority == 0 || c.priority > 0x7fffffff)
        abort();
    if (so_ice_candidate_format(&c, line, sizeof line) != SO_OK) {
        if (c.type != SO_ICE_OTHER && c.transport != SO_ICE_OTHER_TRANSPORT)
            abort();
        return 0;
    }
    if (so_ice_candidate_parse(&again, line, strlen(line)) != SO_OK || memcmp(&c, &again, sizeof c) != 0)
        abort();
    return 0;
}
