"""One end of a call by GStreamer's webrtcbin, for the tests of tests/interop.

usage: webrtcbin_end.py [--video VP8|H264] [--begins-with sound]

It trickles. What it sends are live sources of GStreamer, pictures from signals.py; what it gets is decoded by decodebin."""

import argparse
import sys

import gi

gi.require_version("GstApp", "1.0")
gi.require_version("GstVideo", "1.0")

import signals  # noqa: E402
from lines import say  # noqa: E402
from webrtcbin import GLib, Gst, WebrtcbinEnd  # noqa: E402
from gi.repository import GstApp, GstVideo  # noqa: E402

TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
SEND_AUDIO = f"""audiotestsrc is-live=true freq={signals.OWN_TONE} volume=0.3 ! audio/x-raw,rate=48000,channels=1
    ! opusenc ! rtpopuspay pt=111
    ! capsfilter caps="application/x-rtp,media=audio,encoding-name=OPUS,payload=111,clock-rate=48000" """
ENCODERS = {
    "VP8": "vp8enc deadline=1 target-bitrate=400000 keyframe-max-dist=3000 ! rtpvp8pay pt=96 picture-id-mode=15-bit",
    "H264": "openh264enc bitrate=400000 gop-size=3000 ! video/x-h264,profile=constrained-baseline "
            "! rtph264pay pt=102 config-interval=-1 aggregate-mode=zero-latency",
}
TYPES = {"VP8": 96, "H264": 102}
SAYS = {"VP8": "", "H264": ",packetization-mode=(string)1,profile-level-id=(string)42e01f"}
LOOKS = {
    "audio": "audioconvert ! audioresample ! capsfilter caps=audio/x-raw,format=S16LE,channels=1,rate=48000",
    "video": "videoconvert ! capsfilter caps=video/x-raw,format=I420",
}


class End(WebrtcbinEnd):
    def __init__(self, video):
        pipeline, webrtcbin = Gst.Pipeline.new("end"), Gst.ElementFactory.make("webrtcbin", "bin")
        pipeline.add(webrtcbin)
        super().__init__(pipeline, webrtcbin)
        self.codec = video
        self.watch = signals.Watch()
        self.count = 0
        self.looked = {}
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", self.on_error)

    def on_error(self, _, message):
        error, detail = message.parse_error()
        print(f"webrtcbin: {error.message}: {detail}", file=sys.stderr, flush=True)

    # ---- what it sends ----

    def send(self, text):
        part = Gst.parse_bin_from_description(text, True)
        self.pipeline.add(part)
        pad = self.bin.request_pad_simple("sink_%u")
        part.get_static_pad("src").link(pad)
        pad.get_property("transceiver").set_property("do-nack", True)
        part.sync_state_with_parent()
        return part

    def add(self, kind):
        if kind == "audio":
            self.send(SEND_AUDIO)
            return
        part = self.send(
            f"appsrc name=clock is-live=true format=time do-timestamp=true caps=video/x-raw,format=I420,"
            f"width={signals.WIDTH},height={signals.HEIGHT},framerate={signals.FPS}/1 ! queue ! {ENCODERS[self.codec]} "
            f"! capsfilter caps=\"application/x-rtp,media=video,encoding-name={self.codec},payload={TYPES[self.codec]},"
            f"clock-rate=90000,extmap-3={TRANSPORT_CC},rtcp-fb-transport-cc=true,rtcp-fb-ccm-fir=true"
            f"{SAYS[self.codec]}\"")
        self.clock = part.get_by_name("clock")
        GLib.timeout_add(1000 // signals.FPS, self.push)

    def push(self):
        self.clock.push_buffer(Gst.Buffer.new_wrapped(signals.draw(self.count * 1000 // signals.FPS)))
        self.count += 1
        return True

    # ---- what it gets ----

    def on_media(self, pad, kind):
        decoder = Gst.ElementFactory.make("decodebin", None)
        decoder.connect("pad-added", self.on_decoded, kind)
        decoder.connect("element-added", self.on_element)
        self.pipeline.add(decoder)
        decoder.sync_state_with_parent()
        pad.link(decoder.get_static_pad("sink"))
        self.looked[kind] = pad

    def on_element(self, _, element):
        """A picture that refers to a lost one waits for a key frame, which is asked for."""
        if element.get_factory().get_name() in ("rtpvp8depay", "rtph264depay"):
            element.set_property("request-keyframe", True)
            element.set_property("wait-for-keyframe", True)

    def on_decoded(self, _, pad, kind):
        look = self.add_part(f"{LOOKS[kind]} ! appsink name=look sync=false emit-signals=true", pad)
        look.get_by_name("look").connect("new-sample", self.on_sample, kind)

    def on_sample(self, sink, kind):
        sample = sink.emit("pull-sample")
        there, info = sample.get_buffer().map(Gst.MapFlags.READ)
        if there:
            what = bytes(info.data)
            sample.get_buffer().unmap(info)
            if kind == "audio":
                self.watch.sound(memoryview(what).cast("h").tolist())
            else:
                video = GstVideo.VideoInfo.new_from_caps(sample.get_caps())
                self.watch.picture(what, video.stride[0], video.width, video.height)
        return Gst.FlowReturn.OK

    # ---- what a test asks for ----

    def want_key(self):
        event = GstVideo.video_event_new_upstream_force_key_unit(Gst.CLOCK_TIME_NONE, True, 0)
        self.looked["video"].send_event(event)

    def act(self, command):
        what = command["do"]
        if what == "add-video":
            self.add("video")
        elif what == "want-key":
            self.want_key()
        elif what == "facts":
            say("facts", state=self.state(), **self.watch.facts())
        else:
            super().act(command)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--video", default="VP8")
    parser.add_argument("--begins-with", default="both")
    options = parser.parse_args()
    Gst.init(None)
    end = End(options.video)
    end.add("audio")
    if options.begins_with != "sound":
        end.add("video")
    return end.run()


sys.exit(main())
