#!/usr/bin/env python3
"""Writes a text file as a C string. usage: embed_text.py OUT.c NAME HEADER FILE"""
import sys

out, name, header, path = sys.argv[1:]
data = open(path, "rb").read() + b"\0"
rows = [", ".join(map(str, data[at:at + 24])) for at in range(0, len(data), 24)]
with open(out, "w") as f:
    # Numbers: C promises room for literals of 4,095 characters alone.
    f.write('/* Made by tools/embed_text.py from %s. */\n#include "%s"\n\nconst char %s[] = {\n    %s};\n'
            % (path.rsplit("/", 1)[-1], header, name, ",\n    ".join(rows)))
