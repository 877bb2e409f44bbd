"""One end of a call by GStreamer's webrtcbin that passes encoded media through, for bench/media.py.

usage: gst_end.py --send FILE|none [--kind film|sound]

FILE is WebM with VP8 and Opus, or Opus alone; it is sent at its own pace, once. What comes is taken out of its packets
and counted, and not decoded. The language is that of tests/interop: commands and events, an object of JSON a line."""

import argparse
import json
import pathlib
import sys
import threading
import time

import gi

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "interop"))
gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

from lines import say  # noqa: E402

SOUND = "rtpopuspay pt=111 ! capsfilter caps=application/x-rtp,media=audio,encoding-name=OPUS,payload=111,clock-rate=48000"
PICTURE = ("rtpvp8pay pt=96 picture-id-mode=15-bit "
           "! capsfilter caps=application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000")
UNPACK = {"audio": "rtpopusdepay", "video": "rtpvp8depay request-keyframe=true wait-for-keyframe=true"}


# Numbers as libsotto's offers have them.
TAKES = ("application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000,rtcp-fb-nack=true,rtcp-fb-nack-pli=true,"
         "rtcp-fb-transport-cc=true,extmap-3=http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01")


class End:
    def __init__(self, file, film):
        self.seen = []
        self.pipeline = Gst.Pipeline.new("end")
        if file != "none":
            text = f"webrtcbin name=bin bundle-policy=max-bundle filesrc location={file} ! matroskademux name=film "
            text += f"film. ! queue ! opusparse ! clocksync ! {SOUND} ! bin. "
            if film:
                text += f"film. ! queue ! clocksync ! {PICTURE} ! bin. "
            self.pipeline = Gst.parse_launch(text)
            self.bin = self.pipeline.get_by_name("bin")
        else:
            self.bin = Gst.ElementFactory.make("webrtcbin", "bin")
            self.bin.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
            self.pipeline.add(self.bin)
        self.bin.connect("on-new-transceiver", self.on_transceiver)
        self.bin.connect("on-ice-candidate", lambda _, line, text: say("candidate", candidate=text, line=line))
        self.bin.connect("notify::connection-state", lambda *_: say("state", state=self.state()))
        self.bin.connect("pad-added", self.on_pad)
        self.bin.connect("on-negotiation-needed", lambda *_: say("negotiate"))

    def state(self):
        return self.bin.get_property("connection-state").value_nick

    def on_transceiver(self, _, transceiver):
        """It answers with an extension only where it is told so; without this one nobody knows what the path bears."""
        transceiver.set_property("do-nack", True)
        if transceiver.get_property("kind") == GstWebRTC.WebRTCKind.VIDEO:
            transceiver.set_property("codec-preferences", Gst.Caps.from_string(TAKES))

    def on_pad(self, _, pad):
        if pad.direction != Gst.PadDirection.SRC:
            return
        kind = pad.get_current_caps().get_structure(0).get_string("media")
        part = Gst.parse_bin_from_description(f"{UNPACK[kind]} name=unpack ! fakesink sync=false", True)
        if kind == "video":
            part.get_by_name("unpack").get_static_pad("src").add_probe(Gst.PadProbeType.BUFFER, self.on_picture)
        self.pipeline.add(part)
        part.sync_state_with_parent()
        pad.link(part.get_static_pad("sink"))

    def on_picture(self, _, info):
        self.seen.append((time.monotonic_ns() // 1000, info.get_buffer().get_size()))
        return Gst.PadProbeReturn.OK

    def describe(self, signal, name):
        """What a pad will send is known once the first of it has come; before, its m-line would have no codec."""
        if not all(pad.get_current_caps() for pad in self.bin.sinkpads):
            GLib.timeout_add(10, self.describe, signal, name)
            return False

        def made(promise, *_):
            reply = promise.get_reply()  # the description lives as long as this
            description = reply.get_value(name)
            self.bin.emit("set-local-description", description, Gst.Promise.new())
            say("description", type=name, sdp=description.sdp.as_text())
        self.bin.emit(signal, None, Gst.Promise.new_with_change_func(made))
        return False

    def take(self, name, sdp):
        _, message = GstSdp.SDPMessage.new_from_text(sdp)
        kind = GstWebRTC.WebRTCSDPType.OFFER if name == "offer" else GstWebRTC.WebRTCSDPType.ANSWER
        description = GstWebRTC.WebRTCSessionDescription.new(kind, message)
        then = (lambda *_: self.describe("create-answer", "answer")) if name == "offer" else (lambda *_: None)
        self.bin.emit("set-remote-description", description, Gst.Promise.new_with_change_func(then))

    def obey(self, command):
        what = command["do"]
        if what == "offer":
            self.describe("create-offer", "offer")
        elif what == "take":
            self.take(command["type"], command["sdp"])
        elif what == "candidate" and command["candidate"]:
            self.bin.emit("add-ice-candidate", 0, command["candidate"])
        elif what == "facts":
            say("facts", seen=self.seen)
        return False


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--send", default="none")
    parser.add_argument("--kind", default="film")
    options = parser.parse_args()
    Gst.init(None)
    end = End(options.send, options.kind == "film")
    loop = GLib.MainLoop()

    def read():
        for line in sys.stdin:
            command = json.loads(line)
            if command["do"] == "close":
                break
            GLib.idle_add(end.obey, command)
        GLib.idle_add(loop.quit)

    threading.Thread(target=read, daemon=True).start()
    end.pipeline.set_state(Gst.State.PLAYING)
    loop.run()
    end.pipeline.set_state(Gst.State.NULL)


main()
