#!/usr/bin/env python3
"""What a call costs that passes encoded media through, and what it adds: libsotto's end and GStreamer's webrtcbin.

usage: media.py END FOLDER ROUNDS SECONDS    END: the program bench_end; one JSON object a line and figure

Run by bench/run in a network namespace of its own. Films are VP8 at 30 pictures a second with Opus, 1080p with 4 Mbit/s
and 360p with 300 kbit/s, which is below what an end sends at first; the other end of every call is libsotto's, so that
only one side differs.
"""
import json
import pathlib
import queue
import statistics
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = "/usr/bin/python3"  # Debian's, for which its GStreamer is
WARM = 4.0
BURST = 200  # ms in which every packet of the film is lost
PATIENCE = 20


class Failure(Exception):
    """The measurement itself did not work."""


class End:
    """A program that speaks the language of tests/interop."""

    def __init__(self, name, command):
        self.name, self.other, self.events, self.pictures = name, None, queue.Queue(), []
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            try:
                event = json.loads(line)
            except ValueError:
                return  # it was stopped within a line
            kind = event["event"]
            if kind == "description":
                self.other.tell(do="take", type=event["type"], sdp=event["sdp"])
            elif kind == "candidate":
                self.other.tell(do="candidate", candidate=event["candidate"])
            elif kind in ("shown", "seen"):
                self.pictures.append((event["at"], event["len"]))
            self.events.put(event)

    def tell(self, **command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()

    def wait(self, wanted, what):
        until = time.monotonic() + PATIENCE
        while True:
            try:
                event = self.events.get(timeout=max(0.01, until - time.monotonic()))
            except queue.Empty:
                raise Failure("%s: no %s within %d s" % (self.name, what, PATIENCE)) from None
            if wanted(event):
                return event

    def cpu(self):
        """Seconds of all its threads."""
        tasks = pathlib.Path("/proc/%d/task" % self.process.pid)
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e9

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()


class Call:
    """Two ends, of which the first one offers and sends."""

    def __init__(self, sender, receiver):
        self.ends = sender, receiver
        sender.other, receiver.other = receiver, sender

    def __enter__(self):
        self.ends[0].tell(do="offer")
        for end in self.ends:
            end.wait(lambda e: e["event"] == "state" and e["state"] in ("open", "connected"), "connection")
        return self

    def __exit__(self, *_):
        for end in self.ends:
            end.stop()

    def cpu_of(self, end, seconds):
        """Percent of a core."""
        time.sleep(WARM)
        before, since = end.cpu(), time.monotonic()
        time.sleep(seconds)
        return 100 * (end.cpu() - before) / (time.monotonic() - since)


def make_file(folder, name, seconds, size=None, rate=None):
    file = folder / name
    command = ["ffmpeg", "-loglevel", "error", "-y", "-f", "lavfi", "-i", "sine=f=440:r=48000:d=%d" % seconds]
    if size:
        command += ["-f", "lavfi", "-i", "testsrc2=s=%s:r=30:d=%d" % (size, seconds), "-c:v", "libvpx", "-deadline", "realtime",
                    "-cpu-used", "16", "-b:v", rate, "-g", "60", "-auto-alt-ref", "0", "-lag-in-frames", "0"]
    subprocess.run(command + ["-c:a", "libopus", "-b:a", "64k", str(file)], check=True)
    return file


class Suite:
    def __init__(self, program, folder, rounds, seconds):
        self.program, self.rounds, self.seconds = program, rounds, seconds
        # As long as the longest call below: webrtcbin's end does not begin it anew.
        long = int(WARM + seconds + 12)
        self.sound = make_file(folder, "sound.webm", long)
        self.films = {"1080p": make_file(folder, "large.webm", long, "1920x1080", "4M"),
                      "360p": make_file(folder, "small.webm", long, "640x360", "300k")}

    def sotto(self, sends, film, *more):
        """sends: a file, or None."""
        return End("sotto", [self.program, "--video", "VP8", "--in", str(sends or "none"),
                             *([] if film else ["--begins-with", "sound"]), *more])

    def gst(self, sends, film):
        return End("webrtcbin", [PYTHON, str(HERE / "gst_end.py"), "--send", str(sends or "none"),
                                 "--kind", "film" if film else "sound"])

    def say(self, what, unit, mine, theirs):
        print(json.dumps({"what": what, "unit": unit, "sotto": mine, "webrtcbin": theirs}), flush=True)

    def cpu(self, title, file, film):
        mine, theirs = {"send": [], "take": []}, {"send": [], "take": []}
        for _ in range(self.rounds):
            for way in ("send", "take"):
                for figures, make in ((mine, self.sotto), (theirs, self.gst)):
                    ends = ((make(file, film), self.sotto(None, film)) if way == "send" else
                            (self.sotto(file, film), make(None, film)))
                    with Call(*ends) as call:
                        figures[way].append(call.cpu_of(ends[0 if way == "send" else 1], self.seconds))
        for way in ("send", "take"):
            self.say("%s, %s" % (title, "sent" if way == "send" else "taken"), "% of a core", mine[way], theirs[way])

    def delay(self, name):
        """From when a picture is given to the sender until the receiver gives it out; and after a burst of losses."""
        delays, gaps = ([], []), ([], [])
        for _ in range(self.rounds):
            for side, make in enumerate((lambda: self.sotto(None, True, "--tell", "pictures"),
                                          lambda: self.gst(None, True))):
                sender, receiver = self.sotto(self.films[name], True, "--tell", "pictures"), make()
                with Call(sender, receiver):
                    time.sleep(WARM + 3)
                    burst = time.monotonic_ns() // 1000
                    sender.tell(do="mute", ms=BURST)
                    time.sleep(3)
                    if side == 1:
                        receiver.tell(do="facts")
                        receiver.pictures = receiver.wait(lambda e: e["event"] == "facts", "facts")["seen"]
                    shown, seen = dict((n, at) for at, n in sender.pictures), [tuple(s) for s in receiver.pictures]
                quiet = [(at - shown[n]) / 1000 for at, n in seen if n in shown and burst - 3e6 < at < burst and at > shown[n]]
                after = [at for at, _ in seen if at > burst + BURST * 1000]
                if len(quiet) < 20 or not after:
                    raise Failure("%s showed nothing of the film" % receiver.name)
                delays[side].append(statistics.median(quiet))
                around = [at for at, _ in seen if burst - 1e6 < at < burst + 3e6]
                gaps[side].append(max(b - a for a, b in zip(around, around[1:])) / 1000)
        self.say("%s picture, given to given out" % name, "ms", *delays)
        self.say("%s stands still, %d ms lost" % (name, BURST), "ms", *gaps)


def main():
    program, folder, rounds, seconds = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    suite = Suite(program, folder, rounds, seconds)
    suite.cpu("CPU, 1080p30 film", suite.films["1080p"], True)
    suite.cpu("CPU, sound", suite.sound, False)
    for name in suite.films:
        suite.delay(name)


if __name__ == "__main__":
    try:
        main()
    except (Failure, OSError, subprocess.SubprocessError) as fault:
        sys.exit("bench/media.py: %s" % fault)
