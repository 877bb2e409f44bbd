"""Two peers of aiortc in one process: how fast a reliable data channel is, in messages of 64 KiB. For bench/run data.

usage: data_aiortc.py MEGABYTES     prints one JSON object, as bench_calls data does"""

import asyncio
import json
import sys
import time

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

MESSAGE = bytes(65536)
AHEAD = 1024 * 1024


async def main(megabytes):
    total = megabytes * 1000000 // len(MESSAGE) * len(MESSAGE)
    ends = [RTCPeerConnection(RTCConfiguration(iceServers=[])) for _ in range(2)]
    channel = ends[0].createDataChannel("bulk")
    opened, there, low = asyncio.Event(), asyncio.Event(), asyncio.Event()
    received = 0

    def take(message):
        nonlocal received
        received += len(message)
        if received >= total:
            there.set()

    ends[1].on("datachannel", lambda theirs: theirs.on("message", take))
    channel.on("open", opened.set)
    channel.bufferedAmountLowThreshold = AHEAD // 2
    channel.on("bufferedamountlow", low.set)
    await ends[0].setLocalDescription(await ends[0].createOffer())
    await ends[1].setRemoteDescription(RTCSessionDescription(ends[0].localDescription.sdp, "offer"))
    await ends[1].setLocalDescription(await ends[1].createAnswer())
    await ends[0].setRemoteDescription(RTCSessionDescription(ends[1].localDescription.sdp, "answer"))
    await opened.wait()
    began, used, sent = time.monotonic(), time.process_time(), 0
    while sent < total:
        while channel.bufferedAmount >= AHEAD:
            low.clear()
            await low.wait()
        channel.send(MESSAGE)
        sent += len(MESSAGE)
    await there.wait()
    print(json.dumps({"megabytes_per_second": total / 1e6 / (time.monotonic() - began),
                      "cpu_ns_per_byte": (time.process_time() - used) * 1e9 / total}))
    for end in ends:
        await end.close()


asyncio.run(asyncio.wait_for(main(int(sys.argv[1])), 120))
