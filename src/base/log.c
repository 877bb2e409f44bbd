#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

void so_log_line(const so_log *log, so_level level, const char *module, const char *fmt, ...)
{
    char text[600];
    va_list args;

    if (log == NULL || log->write == NULL || level < log->least)
        return;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    log->write(log->user, level, module, text);
}

const char *so_level_name(so_level level)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    return names[level];
}
