#!/usr/bin/env python3
"""The one-way rule: an include in src/ may not run back up, and only the outer modules may call the system.

usage: check_layers.py [ROOT]   exit code 1 and one line for each breach
"""
import pathlib
import re
import sys

# What each module may include, besides itself. The protocol modules do not know each other: peer joins them.
CORE = {"base", "crypto"}
PROTOCOLS = {"stun", "ice", "dtls", "srtp", "rtp", "sctp", "sdp"}
MAY = {"base": set(), "crypto": {"base"}, **{name: CORE for name in PROTOCOLS}}
MAY["ice"] = CORE | {"stun"}  # a check is a STUN transaction
MAY["trust"] = CORE | PROTOCOLS
MAY["peer"] = MAY["trust"] | {"trust"}
MAY["signal"] = MAY["trust"] | {"trust"}
MAY["call"] = MAY["peer"] | {"peer", "signal"}  # where the seal and the media of one call meet
MAY["net"] = MAY["call"] | {"call"}
MAY["sotto"] = set()  # include/sotto, the public header
MAY["api"] = MAY["net"] | {"net", "sotto"}
MAY["media"] = MAY["net"] | {"net"}
MAY["server"] = MAY["net"] | {"net"}
MAY["cli"] = MAY["media"] | {"media", "server"}

# OpenSSL gives the time until its next retransmission as a struct timeval.
# usrsctp is one stack for the whole process, so that its associations need a lock, whatever threads they are in.
EXCEPTIONS = {"dtls": {"sys/time.h"}, "sctp": {"pthread.h"}}
MAY_CALL = {"sctp": {"pthread_mutex_lock", "pthread_mutex_unlock"}}
OUTER = {"net", "api", "server", "media", "cli"}
NAMES_OPENSSL = {"crypto", "dtls", "net", "api"}
NAMES_JANSSON = {"trust", "signal", "call", "cli"}
CALLS = re.compile(r"\b(socket|connect|accept|bind|listen|send|sendto|sendmsg|recv|recvfrom|recvmsg|poll|select|epoll_\w+|"
                   r"time|gettimeofday|clock_gettime|clock|usleep|nanosleep|sleep|pthread_\w+|thrd_\w+|uv_\w+|fopen|open|"
                   r"getenv|fork|system|popen|rand|random|srand)\s*\(")
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.M)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"", re.S)


def blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def breaches(path, module, text):
    for m in INCLUDE.finditer(text):
        line = text.count("\n", 0, m.start()) + 1
        kind, name = m.groups()
        top = name.split("/")[0]
        if kind == '"' and top not in MAY:
            yield line, f'"{name}" is in no module'
        elif kind == '"' and top != module and top not in MAY[module]:
            yield line, f"{module} may not include {name}"
        elif kind == "<" and top == "openssl" and module not in NAMES_OPENSSL:
            yield line, f"{module} may not name OpenSSL"
        elif kind == "<" and name == "jansson.h" and module not in NAMES_JANSSON:
            yield line, f"{module} may not name jansson"
        elif kind == "<" and module not in OUTER and name not in EXCEPTIONS.get(module, ()) and (top in ("sys", "netinet", "pthread.h", "unistd.h", "uv.h", "threads.h")):
            yield line, f"{module} does no I/O and reads no clock, so it needs no <{name}>"
    if module in OUTER:
        return
    code = COMMENT.sub(blank, text)
    for m in CALLS.finditer(code):
        # a struct's own member of that name (random->fill, x.send) is no system call
        if code[max(0, m.start() - 2):m.start()].endswith((".", "->")):
            continue
        if m.group(1) in MAY_CALL.get(module, ()):
            continue
        yield code.count("\n", 0, m.start()) + 1, f"{module} calls {m.group(1)}()"


def main(root):
    count = 0
    for path in sorted((root / "src").rglob("*.[ch]")):
        module = path.relative_to(root / "src").parts[0]
        if module not in MAY:
            print(f"{path}: {module} is not a module of ARCHITECTURE.md")
            count += 1
            continue
        for line, what in breaches(path, module, path.read_text()):
            print(f"{path}:{line}: {what}")
            count += 1
    return count


if __name__ == "__main__":
    sys.exit(1 if main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")) else 0)
