"""The program on processors that are not here: qemu-x86_64 knows no AVX-512, and stops at an
instruction that the processor it plays does not have, as that one would.

The second argument is the tool that writes a small model.
"""
import json
import math
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import unittest
import wave

WRITE_MODEL = os.path.abspath(sys.argv.pop(2))
from cli_case import PROGRAM, CliCase  # noqa: E402

QEMU = shutil.which("qemu-x86_64")


def setUpModule():
    if QEMU is None:
        raise unittest.SkipTest("qemu-x86_64 is not installed (qemu-user)")


def emulates_avx2():
    found = re.search(r"version (\d+)\.(\d+)", subprocess.check_output([QEMU, "--version"], text=True))
    return (int(found[1]), int(found[2])) >= (7, 2)


class Processors(CliCase):
    def run_on(self, processor, *arguments, kernels="auto", status=0):
        """On a processor that qemu plays, or on this one."""
        command = [PROGRAM] if processor is None else [QEMU, "-cpu", processor, PROGRAM]
        done = subprocess.run(
            [*command, *arguments],
            capture_output=True,
            text=True,
            env={**self.environment, "SCOUT_CPU": kernels},
            cwd=self.folder,
            timeout=250,
        )
        self.assertEqual(done.returncode, status, f"{processor}: {done.stdout}{done.stderr}")
        # What qemu itself cannot do, it says.
        done.stderr = "".join(line for line in done.stderr.splitlines(True) if not line.startswith("qemu"))
        return done

    def kernels_on(self, processor):
        return re.search(r"^kernels (\w+)$", self.run_on(processor, "--version").stdout, re.MULTILINE)[1]

    def transcribe(self, processor, kernels="auto"):
        """All that is said of a second of sound but how long it took."""
        self.environment["SCOUT_MODELS_DIR"] = str(self.folder / "models")
        model = self.folder / "models/tiny/model.scout"
        if not model.exists():
            model.parent.mkdir(parents=True)
            subprocess.run([WRITE_MODEL, model], check=True)
            with wave.open(str(self.folder / "sound.wav"), "wb") as out:
                out.setparams((1, 2, 16000, 16000, "NONE", "not compressed"))
                loudness = random.Random(1).random
                chirp = (int(8000 * math.sin(i * i * 2e-5) * loudness()) for i in range(16000))
                out.writeframes(b"".join(struct.pack("<h", sample) for sample in chirp))
        done = self.run_on(
            processor, "transcribe", "sound.wav", "--model=tiny", "--no-vad", "--language=en", "--format=json",
            "--temperature=0", "--beam-size=2", "--threads=1", kernels=kernels,
        )
        said = json.loads(done.stdout)
        self.assertTrue(said["text"] or "avg_logprob" in said["skipped"][0], said)
        del said["timings"]
        return said

    def test_each_gets_the_kernels_it_can_run(self):
        avx2 = "avx2" if emulates_avx2() else "ref"
        for processor, kernels in {
            "qemu64": "ref",  # no more than every x86-64
            "core2duo": "ref",
            "Opteron_G5": "ref",  # AVX and FMA without AVX2
            "SandyBridge": "ref",  # AVX without AVX2
            "Haswell": avx2,
            "Haswell,-fma": "ref",
            "Haswell,-f16c": "ref",
            "Haswell,-xsave": "ref",  # the system saves no registers of AVX
            "Skylake-Client": avx2,
            "EPYC": avx2,
        }.items():
            self.assertEqual(self.kernels_on(processor), kernels, processor)

    def test_the_plainest_transcribes(self):
        self.assertEqual(self.transcribe("qemu64"), self.transcribe(None, "ref"))

    def test_one_with_avx2_transcribes(self):
        if not emulates_avx2():
            self.skipTest("this qemu has no AVX2")
        said = self.transcribe("Haswell")
        if self.kernels_on(None) != "ref":  # all others stand on AVX2
            self.assertEqual(said, self.transcribe(None, "avx2"))

    def test_kernels_it_cannot_run_are_refused(self):
        self.environment["SCOUT_MODELS_DIR"] = str(self.folder)
        for kernels in ("avx2", "avx512vnni", "amx", "neon"):
            done = self.run_on("qemu64", "transcribe", "sound.wav", kernels=kernels, status=1)
            self.assertEqual(
                done.stderr,
                f"scout: this processor cannot run the {kernels} kernels (it has: ref only); use auto\n",
            )


if __name__ == "__main__":
    unittest.main()
