"""One end of a call by GStreamer's webrtcbin that passes encoded media through, for bench/media.py.

usage: gst_end.py --send FILE|none [--kind film|sound]

FILE is WebM with VP8 and Opus, or Opus alone; it is sent at its own pace, once. What comes is taken out of its packets
and counted, and not decoded. The language is that of tests/interop: commands and events, an object of JSON a line."""

import argparse
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "interop"))
from lines import say  # noqa: E402
from webrtcbin import Gst, GstWebRTC, WebrtcbinEnd  # noqa: E402

SOUND = "rtpopuspay pt=111 ! capsfilter caps=application/x-rtp,media=audio,encoding-name=OPUS,payload=111,clock-rate=48000"
PICTURE = ("rtpvp8pay pt=96 picture-id-mode=15-bit "
           "! capsfilter caps=application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000")
UNPACK = {"audio": "rtpopusdepay", "video": "rtpvp8depay request-keyframe=true wait-for-keyframe=true"}


# Numbers as libsotto's offers have them.
TAKES = ("application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000,rtcp-fb-nack=true,rtcp-fb-nack-pli=true,"
         "rtcp-fb-transport-cc=true,extmap-3=http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01")


class End(WebrtcbinEnd):
    def __init__(self, file, film):
        text = f"filesrc location={file} ! matroskademux name=film film. ! queue ! opusparse ! clocksync ! {SOUND} ! bin. "
        if film:
            text += f"film. ! queue ! clocksync ! {PICTURE} ! bin. "
        pipeline, webrtcbin = Gst.Pipeline.new("end"), Gst.ElementFactory.make("webrtcbin", "bin")
        if file != "none":
            pipeline = Gst.parse_launch("webrtcbin name=bin " + text)
            webrtcbin = pipeline.get_by_name("bin")
        else:
            pipeline.add(webrtcbin)
        super().__init__(pipeline, webrtcbin)
        self.seen = []
        self.bin.connect("on-new-transceiver", self.on_transceiver)

    def on_transceiver(self, _, transceiver):
        """It answers with an extension only where it is told so; without this one nobody knows what the path bears."""
        transceiver.set_property("do-nack", True)
        if transceiver.get_property("kind") == GstWebRTC.WebRTCKind.VIDEO:
            transceiver.set_property("codec-preferences", Gst.Caps.from_string(TAKES))

    def on_media(self, pad, kind):
        part = self.add_part(f"{UNPACK[kind]} name=unpack ! fakesink sync=false", pad)
        if kind == "video":
            part.get_by_name("unpack").get_static_pad("src").add_probe(Gst.PadProbeType.BUFFER, self.on_picture)

    def on_picture(self, _, info):
        self.seen.append((time.monotonic_ns() // 1000, info.get_buffer().get_size()))
        return Gst.PadProbeReturn.OK

    def act(self, command):
        if command["do"] == "facts":
            say("facts", seen=self.seen)
        else:
            super().act(command)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--send", default="none")
    parser.add_argument("--kind", default="film")
    options = parser.parse_args()
    Gst.init(None)
    return End(options.send, options.kind == "film").run()


sys.exit(main())
