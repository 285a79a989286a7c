"""scout recover on what an interrupted recording leaves: found, listed, left alone while it is being made, finished,
stopped and resumed. Needs the models in $SCOUT_TEST_MODELS; without them the tests are skipped.
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest
import wave

MAKE_RECORDING = os.path.abspath(sys.argv.pop(2))
MODELS = os.environ.get("SCOUT_TEST_MODELS", "")
os.environ["SCOUT_MODELS_DIR"] = MODELS
from cli_case import CliCase  # noqa: E402

SPEECH = pathlib.Path("/usr/share/pocketsphinx/test/data/librivox")
SENTENCES = ("0870", "0880", "0890", "0920")


def setUpModule():
    if not os.path.exists(os.path.join(MODELS, "base/model.scout")):
        raise unittest.SkipTest("no models in SCOUT_TEST_MODELS")
    if not SPEECH.exists():
        raise unittest.SkipTest("pocketsphinx-testdata is not installed")


class Recover(CliCase):
    def setUp(self):
        super().setUp()
        self.home = self.folder / "home/.local/share/scout/recordings"

    def sound(self):
        path = self.folder / "sound.wav"
        with wave.open(str(path), "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(16000)
            for sentence in SENTENCES:
                with wave.open(str(SPEECH / f"sense_and_sensibility_01_austen_64kb-{sentence}.wav")) as part:
                    out.writeframes(part.readframes(part.getnframes()) + bytes(32000))
        return path

    def interrupted(self, name, seconds=100, *more):
        folder = self.home / name
        command = [MAKE_RECORDING, folder, self.sound(), "0", str(seconds), *more]
        if not more:
            subprocess.run(list(map(str, command)), check=True, timeout=60)
        return folder

    def text(self, folder):
        return (folder / "text.txt").read_text()

    def test_everything_that_was_left_is_finished(self):
        first, second = self.interrupted("2026-01-01 10.00.00"), self.interrupted("2026-01-01 11.00.00", 8)
        listed = self.run_scout("recover", "--dry-run").stdout
        self.assertIn(f"{first}: interrupted, ", listed)
        self.assertIn(f"{second}: interrupted, 8.0 s, 8.0 s without text", listed)
        self.assertTrue((first / "journal").exists())
        done = self.run_scout("recover")
        self.assertIn("it was interrupted there", done.stderr)
        for word in ("Dashwood", "young man", "selfish", "respectable"):
            self.assertEqual(self.text(first).count(word), 1, word)
        self.assertIn("Dashwood", self.text(second))
        about = json.loads((first / "recording.json").read_text())
        self.assertEqual(about["sound"], "sound.flac")
        self.assertTrue(about["interrupted"])
        self.assertEqual(about["missing"], 0)
        told = json.loads((first / "text.json").read_text())
        self.assertGreater(len(told["utterances"]), 1)
        for utterance in told["utterances"]:
            self.assertLessEqual(utterance["end"], about["duration"] + 0.1)
        # The sound file is what was recorded.
        self.assertFalse((first / "journal").exists())
        direct = self.run_scout("transcribe", first / "sound.flac").stdout
        self.assertEqual(direct.split(), self.text(first).split())
        self.assertIn("nothing to recover", self.run_scout("recover").stderr)
        self.assertIn("finished", self.run_scout("recover", "--list", first).stdout)

    def test_a_recording_that_is_being_made_is_left_alone(self):
        folder = self.home / "2026-01-01 10.00.00"
        living = subprocess.Popen([MAKE_RECORDING, folder, self.sound(), "0", "3", "--hold"], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        self.addCleanup(living.stdout.close)
        self.addCleanup(living.wait)
        self.addCleanup(living.kill)
        self.assertEqual(living.stdout.readline(), "holding\n")
        self.assertIn("left alone", self.run_scout("recover").stderr)
        self.assertIn("being recorded now", self.run_scout("recover", "--list").stdout)
        living.send_signal(signal.SIGKILL)
        living.wait()
        living.stdin.close()
        self.run_scout("recover")
        self.assertIn("John Dashwood", self.text(folder))

    def test_killed_at_any_moment_it_goes_on(self):
        reference = self.interrupted("reference")
        self.run_scout("recover", reference)
        for wait_s in (0.05, 0.2, 0.4, 0.7, 1.0):
            folder = self.interrupted(f"killed after {wait_s}")
            process = self.start_scout("recover", folder, "--sound", "opus")
            time.sleep(wait_s)
            process.kill()
            process.wait()
            self.run_scout("recover", folder, "--sound", "opus")
            self.assertEqual(self.text(folder).split(), self.text(reference).split(), wait_s)
            self.assertEqual(sorted(path.name for path in folder.iterdir()),
                             ["recording.json", "sound.opus", "text.json", "text.txt"])

    def test_ctrl_c_keeps_what_was_done(self):
        folder = self.interrupted("stopped")
        process = self.start_scout("recover", folder)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
        if process.returncode != 0:  # a fast machine was through already
            self.assertEqual(process.returncode, 130)
            self.assertIn("goes on there", told)
            self.assertTrue((folder / "journal").exists())
        self.run_scout("recover", folder)
        self.assertEqual(self.text(folder).count("Dashwood"), 1)

    def test_damage_is_told(self):
        folder = self.interrupted("damaged")
        with open(folder / "journal", "r+b") as journal:
            journal.seek(300000)
            journal.write(bytes(30000))
        done = self.run_scout("recover", status=3)
        self.assertIn("of sound is missing", done.stderr)
        about = json.loads((folder / "recording.json").read_text())
        self.assertGreater(about["missing"], 0.9)
        self.assertLess(about["missing"], 3)
        self.assertEqual(len(about["gaps"]), 1)

    def test_what_is_no_recording(self):
        self.assertIn("nothing to recover", self.run_scout("recover").stderr)
        self.assertIn("cannot look", self.run_scout("recover", "no/such/folder", status=1).stderr)
        folder = self.home / "broken"
        folder.mkdir(parents=True)
        (folder / "journal").write_bytes(b"nothing that scout wrote")
        self.assertIn("broken", self.run_scout("recover", status=1).stderr)
        self.assertTrue((folder / "journal").exists())


if __name__ == "__main__":
    unittest.main()
