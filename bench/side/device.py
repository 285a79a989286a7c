"""Live text from a device, in real time: a PulseAudio server of its own with a null sink, whose monitor is the microphone.

Needs pulseaudio, pactl, paplay and numpy.
"""
import json
import os
import pathlib
import queue
import shutil
import signal
import subprocess
import threading
import time

from side.process import BenchError

NAMES = {"speech_started": "started", "speech_ended": "ended", "partial": "partial", "final": "final"}
START_S, QUIET_S = 60, 3.0


class Pulse:
    """A sound server with nobody else on it."""

    def __init__(self, scratch):
        for program in ("pulseaudio", "pactl", "paplay"):
            if not shutil.which(program):
                raise BenchError(f"{program} is not installed")
        home = pathlib.Path(scratch) / "pulse"
        home.mkdir(mode=0o700)
        self.environment = {**os.environ, "XDG_RUNTIME_DIR": str(home), "HOME": str(home)}
        self.environment.pop("PULSE_SERVER", None)
        self.process = subprocess.Popen(
            ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no",
             "-L", "module-native-protocol-unix", "-L", "module-null-sink sink_name=micsink rate=16000 channels=1",
             "-L", "module-remap-source source_name=mic master=micsink.monitor"],
            env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while self.run("pactl", "set-default-source", "mic").returncode:
            if time.monotonic() > end or self.process.poll() is not None:
                self.close()
                raise BenchError("pulseaudio did not start")
            time.sleep(0.1)

    def run(self, *command):
        return subprocess.run(command, env=self.environment, check=False, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)

    def play(self, path):
        self.run("paplay", "--latency-msec=50", "-d", "micsink", str(path))

    def close(self):
        self.process.terminate()
        self.process.wait()


class Listener:
    """`scout listen --format jsonl`, its lines with the wall's time of each."""

    def __init__(self, command, environment):
        self.process = subprocess.Popen([str(c) for c in command], env=environment, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.lines, self.events = queue.Queue(), []
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put((time.monotonic(), line))
        self.lines.put((time.monotonic(), None))

    def take(self, limit_s):
        """The events that come until limit_s from now, one by one."""
        end = time.monotonic() + limit_s
        while True:
            try:
                wall, line = self.lines.get(timeout=max(0, end - time.monotonic()))
            except queue.Empty:
                return
            if line is None:
                raise BenchError(f"scout listen ended: {self.process.stderr.read().strip()[-300:]}")
            event = json.loads(line) | {"wall": wall}
            self.events.append(event)
            yield event

    def wait_until_running(self):
        for event in self.take(START_S):
            if event["event"] == "level":
                return
        raise BenchError("scout listen hears nothing")

    def wait_until_told(self):
        """Until nobody has spoken, and nothing was told, for a while."""
        speaking, quiet_from = False, time.monotonic()
        while time.monotonic() - quiet_from < QUIET_S or speaking:
            for event in self.take(0.2):
                if event["event"] in NAMES:
                    speaking = event["event"] != "final"
                    quiet_from = time.monotonic()
            if time.monotonic() - quiet_from > 30:
                raise BenchError("scout listen tells no final text")

    def sound_s(self):
        """How much sound was captured by now, to a tenth of a second."""
        for _ in self.take(0.01):
            pass
        return next((e["at"] for e in reversed(self.events) if e["event"] == "level"), 0.0)

    def cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        try:
            for _ in self.take(START_S):
                pass
        except BenchError:
            pass
        try:
            self.process.wait(START_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def live_events(told):
    """What was told, as figures are made of it: now_s is the time of the sound that arrives at that moment. The sound and
    the wall meet where an event was told soonest after its sound."""
    offset = min(e["wall"] - e["at"] for e in told if e["event"] == "level")
    events = []
    for e in told:
        if e["event"] not in NAMES:
            continue
        event = {"type": NAMES[e["event"]], "now_s": e["wall"] - offset, "utterance": e["utterance"]}
        if "text" in e:
            event |= {"text": e["text"], "settled": e.get("settled", ""), "start_s": e["start"]}
        else:
            event |= {"at_s": e["time"], "known_s": e["known"]}
        events.append(event)
    return events


def find_in(heard, clip, after):
    """Where (in samples) the clip lies in what was heard, at or after a place: the best correlation."""
    import numpy
    part = heard[after:].astype("f4")
    size = 1 << (len(part) + len(clip) - 1).bit_length()
    product = numpy.fft.irfft(numpy.fft.rfft(part, size) * numpy.fft.rfft(clip, size).conj(), size)
    return after + int(product[:max(1, len(part) - len(clip) // 2)].argmax())


def between(events, start_s, end_s):
    """The utterances that began in a stretch of the sound."""
    mine = {e["utterance"] for e in events if e["type"] == "started" and start_s <= e["at_s"] < end_s}
    return [e for e in events if e["utterance"] in mine]
