"""The language of the ends in tests/interop, an object of JSON a line on standard input and output (harness.mjs says
which), for ends that run in asyncio."""

import asyncio
import json
import sys
import threading


_speaking = threading.Lock()


def say(event, **what):
    with _speaking:  # GStreamer has many threads, and a line is one
        print(json.dumps({"event": event, **what}), flush=True)


async def obey(act):
    """Hands each command to act until one is "close", or whoever gives them is gone."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while True:
        text = await reader.readline()
        if not text:
            return
        command = json.loads(text)
        if command["do"] == "close":
            return
        await act(command)
