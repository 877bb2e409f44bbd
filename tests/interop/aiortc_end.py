"""One end of a call by aiortc, for the tests of tests/interop. usage: aiortc_end.py [--video VP8|H264] [--begins-with sound|data]

aiortc does not trickle: its descriptions have all of its candidates, and it takes those of the other end from there."""

import argparse
import asyncio
import fractions
import hashlib
import time

import av
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

import signals
from lines import obey, say


class Tone(MediaStreamTrack):
    kind = "audio"

    def __init__(self):
        super().__init__()
        self.sample, self.start = 0, time.monotonic()

    async def recv(self):
        await asyncio.sleep(max(0, self.start + self.sample / signals.RATE - time.monotonic()))
        frame = av.AudioFrame(format="s16", layout="mono", samples=960)
        frame.planes[0].update(signals.tone(self.sample, 960).tobytes())
        frame.sample_rate, frame.pts, frame.time_base = signals.RATE, self.sample, fractions.Fraction(1, signals.RATE)
        self.sample += 960
        return frame


class Clock(MediaStreamTrack):
    kind = "video"

    def __init__(self):
        super().__init__()
        self.count, self.start = 0, time.monotonic()

    async def recv(self):
        await asyncio.sleep(max(0, self.start + self.count / signals.FPS - time.monotonic()))
        frame = av.VideoFrame(signals.WIDTH, signals.HEIGHT, "yuv420p")
        whole, at = signals.draw(self.count * 1000 // signals.FPS), 0
        for plane in frame.planes:
            size = plane.width * plane.height
            lines = [whole[at + y * plane.width:at + (y + 1) * plane.width] for y in range(plane.height)]
            plane.update(b"".join(line.ljust(plane.line_size, b"\0") for line in lines))
            at += size
        frame.pts, frame.time_base = self.count * 90000 // signals.FPS, fractions.Fraction(1, 90000)
        self.count += 1
        return frame


class End:
    def __init__(self, video):
        self.codec = video
        self.watch = signals.Watch()
        self.tasks = []
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.pc.on("track", lambda track: self.tasks.append(asyncio.ensure_future(self.look(track))))
        # As RFC 8841 has it, and not the drafts before: that is all that our end takes.
        self.pc._sctpLegacySdp = False
        self.channels = {}
        self.pc.on("datachannel", self.opened)
        self.pc.on("connectionstatechange", lambda: say("state", state=self.pc.connectionState))

    def listen(self, channel):
        def message(body):
            data = body.encode() if isinstance(body, str) else body
            say("message", id=channel.id, text=isinstance(body, str), length=len(data),
                sha256=hashlib.sha256(data).hexdigest(), body=body if isinstance(body, str) and len(data) <= 200 else "")
        channel.on("message", message)
        channel.on("close", lambda: say("channel", kind="closed", id=channel.id))

    def opened(self, channel):
        self.channels[channel.id] = channel
        self.listen(channel)
        say("channel", kind="opened", id=channel.id, label=channel.label, protocol=channel.protocol,
            unordered=not channel.ordered, repeats=channel.maxRetransmits, life=channel.maxPacketLifeTime)

    def open_channel(self, command):
        channel = self.pc.createDataChannel(
            command["label"], maxPacketLifeTime=command.get("life"), maxRetransmits=command.get("repeats"),
            ordered=not command.get("unordered", False), protocol=command.get("protocol", ""),
            negotiated=command.get("negotiated", False), id=command["id"] if command.get("negotiated") else None)
        self.listen(channel)

        def made():
            self.channels[channel.id] = channel
            say("channel", kind="made", id=channel.id)
        if channel.readyState == "open":
            made()
        else:
            channel.on("open", made)

    async def want_key(self):
        for receiver in self.pc.getReceivers():
            if receiver.track and receiver.track.kind == "video":
                for source in receiver.getSynchronizationSources():
                    await receiver._send_rtcp_pli(source.source)

    async def want_first(self):
        """The other end may send as soon as it has answered. A first key frame that comes before the answer is lost, and
        aiortc does not ask for another."""
        while self.watch.pictures == 0:
            await self.want_key()
            await asyncio.sleep(0.5)

    async def look(self, track):
        if track.kind == "video":
            self.tasks.append(asyncio.ensure_future(self.want_first()))
        try:
            while True:
                frame = await track.recv()
                if track.kind == "audio":
                    both = memoryview(bytes(frame.planes[0])).cast("h")
                    self.watch.sound(both[:2 * frame.samples:2].tolist())
                else:
                    plane = frame.planes[0]
                    self.watch.picture(bytes(plane), plane.line_size, frame.width, frame.height)
        except MediaStreamError:
            say("ended", kind=track.kind)

    def prefer(self):
        """Of pictures that codec alone, and what repairs it."""
        for transceiver in self.pc.getTransceivers():
            if transceiver.kind == "video":
                codecs = RTCRtpSender.getCapabilities("video").codecs
                transceiver.setCodecPreferences([c for c in codecs if c.name in (self.codec, "rtx")])

    def add(self, kind):
        self.pc.addTrack(Tone() if kind == "audio" else Clock())
        self.prefer()

    async def tell(self, description):
        await self.pc.setLocalDescription(description)
        say("description", type=self.pc.localDescription.type, sdp=self.pc.localDescription.sdp)

    async def act(self, command):
        what = command["do"]
        if what == "offer":
            await self.tell(await self.pc.createOffer())
        elif what == "take":
            await self.pc.setRemoteDescription(RTCSessionDescription(command["sdp"], command["type"]))
            if command["type"] == "offer":
                await self.tell(await self.pc.createAnswer())
        elif what == "add-video":
            self.add("video")
        elif what == "want-key":
            await self.want_key()
        elif what == "open-channel":
            self.open_channel(command)
        elif what == "send":
            body = command["text"] if "text" in command else bytes((i ^ i >> 8) & 255 for i in range(command["length"]))
            self.channels[command["id"]].send(body)
        elif what == "close-channel":
            self.channels[command["id"]].close()
        elif what == "facts":
            say("facts", state=self.pc.connectionState, **self.watch.facts())
        elif what != "candidate":
            raise ValueError(what)

    async def close(self):
        await self.pc.close()
        for task in self.tasks:
            task.cancel()


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--video", default="VP8")
    parser.add_argument("--begins-with", default="both")
    options = parser.parse_args()
    end = End(options.video)
    if options.begins_with != "data":
        end.add("audio")
    if options.begins_with == "both":
        end.add("video")
    await obey(end.act)
    await end.close()


asyncio.run(main())
