"""scout listen with the real engine and a real PulseAudio, whose null sink is the microphone.

Needs the models in $SCOUT_TEST_MODELS and pulseaudio; without them the tests are skipped.
"""
import difflib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
import unittest

MODELS = os.environ.get("SCOUT_TEST_MODELS", "")
os.environ["SCOUT_MODELS_DIR"] = MODELS
from cli_case import PROGRAM, CliCase  # noqa: E402

SPEECH = pathlib.Path("/usr/share/pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-0870.wav")
WORDS = ("and mr john dashwood had then leisure to consider how much there might be prudently "
         "in his power to do for them").split()


def setUpModule():
    if not os.path.exists(os.path.join(MODELS, "base/model.scout")):
        raise unittest.SkipTest("no models in SCOUT_TEST_MODELS")
    if not SPEECH.exists():
        raise unittest.SkipTest("pocketsphinx-testdata is not installed")
    if not all(shutil.which(name) for name in ("pulseaudio", "pactl", "paplay", "sox")):
        raise unittest.SkipTest("pulseaudio, pulseaudio-utils and sox are needed")


def plain(text):
    return re.sub(r"[^a-z ]", "", text.lower().replace("-", " ").replace("\n", " ")).split()


class ListenReal(CliCase):
    def setUp(self):
        super().setUp()
        self.environment["XDG_RUNTIME_DIR"] = str(self.folder)
        self.server = None

    def tearDown(self):
        self.stop_server()
        super().tearDown()

    def start_server(self):
        self.server = subprocess.Popen(
            ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "-L",
             "module-native-protocol-unix", "-L", "module-null-sink sink_name=micsink rate=48000 channels=1", "-L",
             "module-remap-source source_name=mic master=micsink.monitor"],
            env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.time() + 10
        while subprocess.run(["pactl", "set-default-source", "mic"], env=self.environment,
                             capture_output=True).returncode:
            self.assertLess(time.time(), deadline, "pulseaudio does not start")
            time.sleep(0.05)

    def stop_server(self):
        if self.server:
            self.server.kill()
            self.server.wait()
        self.server = None

    def play(self):
        subprocess.run(["paplay", "--latency-msec=50", "-d", "micsink", str(SPEECH)], env=self.environment, check=True)

    def assert_heard(self, text):
        """Live text may differ from a file's in a word; none may be missing at the ends."""
        words = plain(text)
        self.assertGreater(difflib.SequenceMatcher(None, words, WORDS).ratio(), 0.85, text)
        self.assertEqual(words[0], WORDS[0])
        self.assertEqual(words[-1], WORDS[-1])

    def listen(self, *arguments):
        process = subprocess.Popen([PROGRAM, "listen", *map(str, arguments)], cwd=self.folder, env=self.environment,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def read_until(self, process, wanted, seconds=30):
        """Lines of JSON up to the first that is wanted, which is the last of what is returned."""
        events = []
        deadline = time.time() + seconds
        for line in process.stdout:
            events.append(json.loads(line))
            if wanted(events[-1]):
                return events
            self.assertLess(time.time(), deadline)
        self.fail(f"it ended early: {events[-3:]}")

    def test_a_microphone_becomes_text(self):
        self.start_server()
        process = self.listen("--format", "jsonl", "--save", "kept")
        self.read_until(process, lambda event: event["event"] == "state" and event["state"] == "running")
        self.play()
        time.sleep(1.5)
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, error)
        events = [json.loads(line) for line in out.splitlines()]
        finals = [event for event in events if event["event"] == "final"]
        self.assert_heard("".join(event["text"] for event in finals))
        partials = [event for event in events if event["event"] == "partial"]
        self.assertTrue(partials)
        # What is settled is how the final text begins.
        for partial in partials:
            final = next(event for event in finals if event["utterance"] == partial["utterance"])
            self.assertTrue(final["text"].startswith(partial["settled"]), (partial, final))
        kept, = (self.folder / "kept").iterdir()
        self.assertTrue((kept / "sound.flac").stat().st_size > 1000)
        self.assert_heard((kept / "text.txt").read_text())
        self.assertFalse((kept / "journal").exists())

    def test_a_server_that_ends_is_told_and_found_again(self):
        self.start_server()
        process = self.listen("--format", "jsonl")
        running = lambda event: event["event"] == "state" and event["state"] == "running"  # noqa: E731
        self.read_until(process, running)
        began = time.time()
        self.stop_server()
        lost = self.read_until(process, lambda event: event["event"] == "state" and event["state"] == "lost")[-1]
        self.assertLess(time.time() - began, 1.5)
        self.assertIn("sound server", lost["message"])
        self.start_server()
        self.read_until(process, running)
        self.play()
        time.sleep(1.5)
        process.send_signal(signal.SIGTERM)
        out, error = process.communicate(timeout=60)
        events = [json.loads(line) for line in out.splitlines()]
        self.assert_heard("".join(event["text"] for event in events if event["event"] == "final"))

    def test_two_channels(self):
        self.start_server()
        process = self.listen("--with-system-audio", "--format", "jsonl")
        self.read_until(process, lambda event: event["event"] == "state" and event["state"] == "running")
        time.sleep(0.5)
        self.play()
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=60)
        events = [json.loads(line) for line in out.splitlines()]
        for channel in (0, 1):
            self.assert_heard("".join(event["text"] for event in events
                                      if event["event"] == "final" and event["channel"] == channel))

    def test_files_and_raw_samples(self):
        self.assert_heard(self.run_scout("listen", "--input", SPEECH, "--fast").stdout)
        raw = subprocess.run(["sox", str(SPEECH), "-t", "raw", "-r", "44100", "-c", "2", "-e", "signed", "-b", "32", "-"],
                             stdout=subprocess.PIPE, check=True).stdout
        done = subprocess.run([PROGRAM, "listen", "--input", "-", "--rate", "44100", "--channels", "2",
                               "--sample-format", "s32le"], input=raw, capture_output=True, env=self.environment,
                              cwd=self.folder, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_heard(done.stdout.decode())

    def test_what_was_heard_survives_a_kill(self):
        raw = subprocess.run(["sox", str(SPEECH), "-t", "raw", "-r", "16000", "-c", "1", "-e", "signed", "-b", "16", "-"],
                             stdout=subprocess.PIPE, check=True).stdout
        recordings = pathlib.Path(self.environment["HOME"]) / ".local/share/scout/recordings"
        for ended in (True, False):
            process = subprocess.Popen([PROGRAM, "listen", "--input", "-", "--fast", "--format", "jsonl"],
                                       cwd=self.folder, env=self.environment, stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            process.stdin.write(raw)
            process.stdin.flush()
            if ended:
                process.communicate(timeout=60)
                self.assertEqual(list(recordings.iterdir()), [])  # its text was told
                continue
            time.sleep(3)  # all of it was taken: the journal is written every fifth of a second
            process.kill()
            process.communicate(timeout=60)
        self.run_scout("recover")
        kept, = recordings.iterdir()
        self.assert_heard((kept / "text.txt").read_text())

    def test_devices(self):
        done = self.run_scout("listen", "--list-devices", status=1)
        self.assertIn("no sound server", done.stderr)
        self.start_server()
        devices = json.loads(self.run_scout("listen", "--list-devices", "--format", "json").stdout)
        self.assertEqual([device["id"] for device in devices], ["mic", "micsink.monitor"])


if __name__ == "__main__":
    unittest.main()
