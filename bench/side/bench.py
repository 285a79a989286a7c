"""What a run of measurements has in common: where programs, peers and recordings are, and on what machine."""
import json
import os
import pathlib
import platform
import re
import shlex
import sys
import wave

from side.peers import Peers
from side.process import run_once
from side.rows import Audio

ROOT = pathlib.Path(__file__).resolve().parents[2]
# What `make demo` installs: readings of a novel, joined.
READINGS = pathlib.Path("/usr/share/pocketsphinx/test/data/librivox")


def add_arguments(p):
    p.add_argument("--build", default=ROOT / "build", type=pathlib.Path, help="the build folder (default: build)")
    p.add_argument("--models-dir", help="where Scout's models are (default: as scout has it)")
    p.add_argument("--peers", default="~/.cache/scout/peers", help="folder of the peers (default: %(default)s)")
    p.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    p.add_argument("--cpu", help="kernels that Scout may use at most, such as avx2")
    p.add_argument("--short", type=pathlib.Path, help="a recording whose first 11 s are clear speech")
    p.add_argument("--long", type=pathlib.Path, help="a recording of 6 minutes or more")
    p.add_argument("--hours", type=float, default=6, help="length of the longest file that memory is measured with")
    p.add_argument("--out", default=ROOT / "docs/benchmarks", type=pathlib.Path, help="where the page goes")


class Bench:
    """What the rows share."""

    def __init__(self, a, scratch):
        self.build, self.models_dir, self.cpu = a.build.absolute(), a.models_dir, a.cpu
        self.threads, self.hours = a.threads, a.hours
        self.rounds = max(1, a.rounds)
        self.eval, self.eval_texts = getattr(a, "eval", None), getattr(a, "eval_texts", None)
        self.peers = Peers(a.peers, getattr(a, "whisper_cpp", None))
        self.scratch = pathlib.Path(scratch)
        self.versions = {}
        self.short_source, self.long_source = a.short, a.long
        if not (a.short and a.long):
            self.join_readings()
        self.audio = Audio(self, self.short_source, self.long_source)

    def join_readings(self):
        parts = sorted(READINGS.glob("*.wav"))
        if not parts:
            sys.exit("bench: give --short and --long, or install pocketsphinx-testdata")
        joined = self.scratch / "readings.wav"
        with wave.open(str(joined), "wb") as out:
            out.setparams((1, 2, 16000, 0, "NONE", ""))
            while out.getnframes() < 400 * 16000:
                for part in parts:
                    with wave.open(str(part)) as file:
                        out.writeframes(file.readframes(file.getnframes()))
        self.short_source = self.short_source or joined
        self.long_source = self.long_source or joined

    def scout(self, command):
        made = [self.build / "scout", command, "--threads", str(self.threads)]
        if self.models_dir:
            made += ["--models-dir", self.models_dir]
        return made + (["--cpu", self.cpu] if self.cpu else [])


def told_command(program):
    """The command of this run without the folders of this machine."""
    return shlex.join(["bench/" + program, *(re.sub(r"^(--[a-z-]+=)?/.*/", r"\1", argument) for argument in sys.argv[1:])])


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def look_at_machine(bench):
    told = json.loads(run_once([*bench.scout("bench"), "--json", "--runs", "1"])[2])
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {"processor": told["processor"], "features": told["features"], "processors": told["processors"],
            "kernels": told["kernels"], "threads": bench.threads, "memory_gb": memory / 1e9,
            "kernel": platform.release()}
