"""scout record: begun by speech, split at pauses, ended by hand, killed at any moment, from a real sound server too.

Needs the models in $SCOUT_TEST_MODELS; without them the tests are skipped.
"""
import array
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import wave

MODULES = os.path.abspath(sys.argv.pop(2))
MODELS = os.environ.get("SCOUT_TEST_MODELS", "")
os.environ["SCOUT_MODELS_DIR"] = MODELS
from cli_case import CliCase  # noqa: E402

SPEECH = pathlib.Path("/usr/share/pocketsphinx/test/data/librivox")
LONG = bool(os.environ.get("SCOUT_TEST_LONG"))
RATE = 16000


def setUpModule():
    if not os.path.exists(os.path.join(MODELS, "base/model.scout")):
        raise unittest.SkipTest("no models in SCOUT_TEST_MODELS")
    if not SPEECH.exists():
        raise unittest.SkipTest("pocketsphinx-testdata is not installed")


def sentence(number):
    with wave.open(str(SPEECH / f"sense_and_sensibility_01_austen_64kb-{number}.wav")) as part:
        return part.readframes(part.getnframes())


def silence(seconds):
    return bytes(int(seconds * RATE) * 2)


def words(text):
    return re.sub(r"[^a-z ]", "", text.lower().replace("-", " ").replace("\n", " ")).split()


class RecordCase(CliCase):
    def sound(self, *parts, name="sound.wav"):
        path = self.folder / name
        with wave.open(str(path), "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(RATE)
            for part in parts:
                out.writeframes(part)
        return path

    def recordings(self, folder="recordings"):
        return sorted((self.folder / folder).iterdir())

    def text(self, folder):
        return (folder / "text.txt").read_text()

    def json(self, folder, name):
        return json.loads((folder / name).read_text())

    def wait_for(self, what, seconds=30):
        deadline = time.time() + seconds
        while time.time() < deadline:
            found = what()
            if found:
                return found
            time.sleep(0.05)
        self.fail("it did not come")

    def wait_for_line(self, stream, word):
        for line in stream:
            if word in line:
                return line
        self.fail(f"nothing was said of {word}")

    # Nearly all words in their order: the model may hear one otherwise in another context.
    def check_words(self, found, expected, allowed=2):
        found, expected = words(found), words(expected)
        row = list(range(len(expected) + 1))
        for i, word in enumerate(found, 1):
            before, row = row, [i]
            for j, other in enumerate(expected, 1):
                row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (word != other)))
        self.assertLessEqual(row[-1], allowed, f"{found}\n{expected}")


class Record(RecordCase):
    def test_a_recording_for_each_time_somebody_speaks(self):
        path = self.sound(silence(3), sentence("0870"), silence(1), sentence("0880"), silence(12), sentence("0890"),
                          silence(1), sentence("0920"), silence(2))
        done = self.run_scout("record", "--input", path, "--fast", "--split-after", "4", "recordings")
        first, second = self.recordings()
        # In the order in which speech began, whatever the clock said of a file that is read fast.
        if "cold" in self.text(first):
            first, second = second, first
        self.assertEqual(sorted(done.stdout.split("\n")[:2]), sorted(f"recordings/{f.name}" for f in (first, second)))
        self.check_words(self.text(first), "And Mr. John Dashwood had then leisure to consider how much there might be "
                         "prudently in his power to do for them. He was not an ill-disposed young man.")
        self.check_words(self.text(second), "Unless to be rather cold-hearted and rather selfish is to be ill-disposed. "
                         "Had he married a more amiable woman, he might have been made still more respectable than he was.")
        for folder in (first, second):
            about = self.json(folder, "recording.json")
            self.assertFalse(about["interrupted"])
            self.assertEqual(about["missing"], 0)
            self.assertFalse((folder / "journal").exists())
            told = self.json(folder, "text.json")
            # At least half a second from before the first word is kept.
            self.assertGreaterEqual(told["utterances"][0]["start"], 0.45)
            # What is not text is told of, to the end.
            spans = sorted((s["start"], s["end"]) for s in told["utterances"] + told["skipped"])
            self.assertLess(spans[0][0], 0.1)
            for (_, end), (start, _) in zip(spans, spans[1:]):
                self.assertLess(abs(start - end), 0.6)
            self.assertGreater(spans[-1][1], about["duration"] - 0.2)

    def test_silence_is_no_recording(self):
        self.run_scout("record", "--input", self.sound(silence(20)), "--fast", "recordings")
        self.assertEqual(self.recordings(), [])

    def test_by_hand_everything_is_kept(self):
        path = self.sound(silence(2), sentence("0880"), silence(3))
        self.run_scout("record", "--manual", "--input", path, "--fast", "--sound", "wav", "recordings")
        (folder,) = self.recordings()
        with wave.open(str(folder / "sound.wav")) as kept, wave.open(str(path)) as given:
            self.assertEqual(kept.getnframes(), given.getnframes())
            self.assertEqual(kept.readframes(kept.getnframes()), given.readframes(given.getnframes()))
        self.check_words(self.text(folder), "He was not an ill-disposed young man.", 1)

    def test_ended_by_signals(self):
        path = self.sound(silence(1), sentence("0870"), silence(60))
        for how in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP):
            folder = f"by {how.name}"
            process = self.start_scout("record", "--manual", "--input", path, folder)
            self.wait_for(lambda: (self.folder / folder).exists() and self.recordings(folder))
            time.sleep(3.5)
            process.send_signal(how)
            printed, told = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 0, told)
            (made,) = self.recordings(folder)
            self.assertEqual(printed, f"{folder}/{made.name}\n")
            self.check_words(self.text(made), "And Mr. John Dashwood had then", 3)

    def test_a_full_disk_ends_nothing(self):
        # No file may grow beyond 200 kB, which is 6 s of sound; pauses do not split then.
        path = self.sound(silence(1), sentence("0870"), silence(3), sentence("0880"), silence(3), sentence("0890"),
                          silence(1))
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        process = self.start_scout("record", "--input", path, "--fast", "--split-after", "2", "recordings",
                                   preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200000, hard)))
        self.assertIn("in memory only", self.wait_for_line(process.stderr, "warning"))
        time.sleep(2)
        process.send_signal(signal.SIGINT)  # it waits for room all the same
        time.sleep(1)
        self.assertIsNone(process.poll())
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        _, told = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, told)
        (folder,) = self.recordings()
        for word in ("prudently", "young", "selfish"):
            self.assertIn(word, self.text(folder))
        self.assertEqual(self.json(folder, "recording.json")["missing"], 0)

    def test_what_cannot_be_used(self):
        path = self.sound(silence(1))
        blocked = self.path("file", "no folder")
        self.assertIn("file", self.run_scout("record", "--input", path, "--fast", blocked, status=1).stderr)
        self.run_scout("record", "--input", "nowhere.wav", status=1)
        self.run_scout("record", "--split-after", "0", status=2)
        self.run_scout("record", "one", "two", status=2)


class Killed(RecordCase):
    """kill -9 at random moments, then recover: as if nothing had happened, up to that moment."""

    def check_recovered(self, folder, wait_s):
        self.run_scout("recover", folder)
        text = self.text(folder)
        direct = self.run_scout("transcribe", folder / "sound.flac").stdout
        # The last words may be cut in the middle: what is heard then is a guess.
        self.check_words(" ".join(words(text)[:-4]), " ".join(words(direct)[:-4]), 3)
        for word in ("leisure", "prudently", "young", "selfish", "married", "respectable"):
            self.assertLessEqual(words(text).count(word), 1, f"{wait_s}: {text}")
        told = self.json(folder, "text.json")["utterances"]
        for before, after in zip(told, told[1:]):
            self.assertLessEqual(before["end"], after["start"] + 0.3, f"{wait_s}: {told}")
        return self.json(folder, "recording.json")

    def test_killed_while_sound_comes(self):
        path = self.sound(silence(1), sentence("0870"), silence(0.5), sentence("0880"), silence(0.5), sentence("0890"),
                          silence(0.5), sentence("0920"), silence(30))
        chance = random.Random(5)
        moments = [chance.uniform(0.3, 15) for _ in range(40 if LONG else 4)]
        running = []
        for number, moment in enumerate(moments):
            running.append((moment, time.time(), number,
                            self.start_scout("record", "--manual", "--input", path, f"killed {number}")))
            if len(running) < (8 if LONG else 4) and number + 1 < len(moments):
                continue
            for wait_s, since, which, process in sorted(running):
                time.sleep(max(0, since + wait_s - time.time()))
                process.kill()
                process.wait()
            for wait_s, _, which, process in running:
                made = self.recordings(f"killed {which}") if (self.folder / f"killed {which}").exists() else []
                for folder in made:
                    about = self.check_recovered(folder, wait_s)
                    self.assertTrue(about["interrupted"])
                    self.assertEqual(about["missing"], 0)
            running = []

    def test_killed_while_it_reads_fast(self):
        path = self.sound(silence(1), *(part for _ in range(3) for number in ("0870", "0880", "0890", "0920")
                                        for part in (sentence(number), silence(0.7))))
        chance = random.Random(6)
        for number in range(60 if LONG else 6):
            wait_s = chance.uniform(0.05, 3)
            process = self.start_scout("record", "--manual", "--input", path, "--fast", f"fast {number}")
            time.sleep(wait_s)
            process.kill()
            process.wait()
            for folder in self.recordings(f"fast {number}") if (self.folder / f"fast {number}").exists() else []:
                done = self.run_scout("recover", folder)
                self.assertNotIn("missing", done.stderr)
                if not (folder / "text.txt").exists():
                    continue
                direct = self.run_scout("transcribe", folder / "sound.flac").stdout
                self.check_words(self.text(folder), direct, 6)


class Devices(RecordCase):
    def setUp(self):
        super().setUp()
        if not shutil.which("pulseaudio") or not shutil.which("paplay"):
            self.skipTest("pulseaudio is not installed")
        folder = tempfile.mkdtemp(prefix="scout-pulse-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        self.environment.update(XDG_RUNTIME_DIR=folder, SCOUT_MODULES=MODULES)
        self.server = subprocess.Popen(
            ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no",
             "-L", "module-native-protocol-unix", "-L", "module-null-sink sink_name=micsink rate=16000 channels=1",
             "-L", "module-remap-source source_name=mic master=micsink.monitor"],
            env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(self.server.wait)
        self.addCleanup(self.server.kill)
        self.wait_for(lambda: self.pactl("info").returncode == 0)
        self.pactl("set-default-source", "mic")

    def pactl(self, *arguments):
        return subprocess.run(["pactl", *arguments], env=self.environment, capture_output=True)

    def test_a_microphone(self):
        path = self.sound(sentence("0870"), silence(0.3))
        process = self.start_scout("record", "--sound", "wav", "recordings")
        time.sleep(2.5)
        subprocess.run(["paplay", "--latency-msec=50", "-d", "micsink", path], env=self.environment, check=True)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, told)
        (folder,) = self.recordings()
        self.check_words(self.text(folder), "And Mr. John Dashwood had then leisure to consider how much there might be "
                         "prudently in his power to do for them.")
        # The sound from before the first word is there.
        with wave.open(str(folder / "sound.wav")) as kept:
            samples = array.array("h", kept.readframes(kept.getnframes()))
        first = next(i for i, sample in enumerate(samples) if abs(sample) > 300)
        self.assertGreater(first / RATE, 0.5)
        self.assertLess(first / RATE, 2)


if __name__ == "__main__":
    unittest.main()
