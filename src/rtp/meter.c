#include "rtp/meter.h"

#include <string.h>

#define RESTART (10000000 / SO_METER_PART) /* parts: a time so far back is another clock's */

static size_t place_of(int64_t part)
{
    return (size_t)((uint64_t)part % SO_METER_PARTS);
}

static void begin_at(so_meter *meter, int64_t part)
{
    memset(meter, 0, sizeof *meter);
    meter->any = true;
    meter->first = meter->last = part;
}

void so_meter_add(so_meter *meter, size_t bytes, int64_t at)
{
    int64_t part = (at - (at < 0 ? SO_METER_PART - 1 : 0)) / SO_METER_PART; /* of times before zero, too */

    if (!meter->any || part < meter->last - RESTART || part > meter->last + RESTART)
        begin_at(meter, part);
    while (meter->last < part)
        meter->bytes[place_of(++meter->last)] = 0;
    if (part > meter->last - SO_METER_PARTS && part >= meter->first)
        meter->bytes[place_of(part)] += (uint32_t)bytes;
}

uint64_t so_meter_rate(const so_meter *meter, size_t parts)
{
    uint64_t bytes = 0;

    if (!meter->any || parts == 0 || parts >= SO_METER_PARTS || meter->last - meter->first < (int64_t)parts)
        return 0;
    for (size_t i = 1; i <= parts; i++)
        bytes += meter->bytes[place_of(meter->last - (int64_t)i)];
    return bytes * 8 * 1000000 / (parts * SO_METER_PART);
}
