#!/usr/bin/env python3
"""Writes the page's files as one C source: name, type, bytes, SHA-256. usage: embed.py OUT.c FILE..."""
import hashlib
import os
import sys

TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
         ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


def main(out, files):
    rows, bodies = [], []
    for i, path in enumerate(sorted(files, key=os.path.basename)):
        name = os.path.basename(path)
        data = open(path, "rb").read()
        digest = hashlib.sha256(data).hexdigest()
        lines = [", ".join(map(str, data[at:at + 24])) for at in range(0, len(data), 24)]
        bodies.append("static const uint8_t file_%d[] = {\n    %s};\n" % (i, ",\n    ".join(lines)))
        target = "/" if name == "index.html" else "/" + name
        rows.append('    {"%s", "%s", file_%d, sizeof file_%d, "%s"},\n'
                    % (target, TYPES[os.path.splitext(name)[1]], i, i, digest))
    with open(out, "w") as f:
        f.write('/* Made by tools/embed.py from web/. */\n#include "server/page.h"\n\n%s\n'
                "const so_page_file so_page_files[] = {\n%s};\nconst size_t so_page_file_count = %d;\n"
                % ("\n".join(bodies), "".join(rows), len(rows)))


main(sys.argv[1], sys.argv[2:])
