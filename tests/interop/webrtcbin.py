"""What ends by GStreamer's webrtcbin have in common: signaling in the language of harness.mjs, with trickled candidates."""

import json
import sys
import threading
import traceback

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

from lines import say  # noqa: E402


class WebrtcbinEnd:
    def __init__(self, pipeline, webrtcbin):
        self.pipeline, self.bin = pipeline, webrtcbin
        self.loop, self.failed = GLib.MainLoop(), False
        self.bin.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
        self.bin.connect("on-ice-candidate", lambda _, line, text: say("candidate", candidate=text, line=line))
        self.bin.connect("notify::connection-state", lambda *_: say("state", state=self.state()))
        self.bin.connect("pad-added", self.on_pad)

    def state(self):
        return self.bin.get_property("connection-state").value_nick

    def on_pad(self, _, pad):
        if pad.direction == Gst.PadDirection.SRC:
            self.on_media(pad, pad.get_current_caps().get_structure(0).get_string("media"))

    def add_part(self, text, pad):
        """Elements that take what a pad gives."""
        part = Gst.parse_bin_from_description(text, True)
        self.pipeline.add(part)
        part.sync_state_with_parent()
        pad.link(part.get_static_pad("sink"))
        return part

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

    def take(self, kind, text):
        result, sdp = GstSdp.SDPMessage.new_from_text(text)
        assert result == GstSdp.SDPResult.OK, result
        types = {"offer": GstWebRTC.WebRTCSDPType.OFFER, "answer": GstWebRTC.WebRTCSDPType.ANSWER}
        description = GstWebRTC.WebRTCSessionDescription.new(types[kind], sdp)

        def taken(promise, *_):
            if promise.get_reply() is not None and promise.get_reply().has_field("error"):
                say("refused", text=promise.get_reply().get_value("error").message)
            elif kind == "offer":
                self.describe("create-answer", "answer")
        self.bin.emit("set-remote-description", description, Gst.Promise.new_with_change_func(taken))

    def act(self, command):
        what = command["do"]
        if what == "offer":
            self.describe("create-offer", "offer")
        elif what == "take":
            self.take(command["type"], command["sdp"])
        elif what == "candidate":
            if command["candidate"]:  # of an end of candidates it knows nothing
                self.bin.emit("add-ice-candidate", 0, command["candidate"])
        else:
            raise ValueError(what)

    def obey(self, command):
        try:
            self.act(command)
        except Exception:  # anything: who waits must see why it waits in vain
            traceback.print_exc()
            self.failed = True
            self.loop.quit()
        return False

    def listen(self):
        """Commands come on a thread of their own, and are obeyed in the main loop."""
        for text in sys.stdin:
            command = json.loads(text)
            if command["do"] == "close":
                break
            GLib.idle_add(self.obey, command)
        GLib.idle_add(self.loop.quit)

    def run(self):
        """Until it is told to close. Returns the exit code."""
        self.pipeline.set_state(Gst.State.PLAYING)
        threading.Thread(target=self.listen, daemon=True).start()
        self.loop.run()
        self.pipeline.set_state(Gst.State.NULL)
        return 1 if self.failed else 0
