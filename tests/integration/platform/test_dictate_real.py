"""`scout dictate` from a microphone to a text field: a recording is played into a PulseAudio source, a key is pressed,
and what the real model heard is read back from the field.

After the folders comes the program. Needs the models in $SCOUT_TEST_MODELS; without them the tests are skipped.
"""
import os
import pathlib
import re
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from x11_case import SKIPPED, X11Case, need  # noqa: E402

PROGRAM = os.path.abspath(sys.argv.pop(1))
MODELS = os.environ.get("SCOUT_TEST_MODELS", "")
SPEECH = pathlib.Path("/usr/share/pocketsphinx/test/data/librivox")
need("Xvfb", "pulseaudio", "pactl", "paplay")
if not os.path.exists(os.path.join(MODELS, "base/model.scout")) or not SPEECH.exists():
    print("no models in SCOUT_TEST_MODELS, or no recordings")
    sys.exit(SKIPPED)
F9 = 75


def recording(number):
    return str(SPEECH / f"sense_and_sensibility_01_austen_64kb-{number}.wav")


def plain(text):
    return re.sub(r"[^a-z ]", "", text.lower().replace("-", " ")).split()


class Microphone(X11Case):
    def setUp(self):
        super().setUp()
        self.environment["SCOUT_MODELS_DIR"] = MODELS
        self.start(
            ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no",
             "-L", "module-native-protocol-unix",
             "-L", "module-null-sink sink_name=micsink rate=16000 channels=1",
             "-L", "module-remap-source source_name=mic master=micsink.monitor"],
            stderr=subprocess.DEVNULL,
        )
        self.wait_for(lambda: self.pactl("set-default-source", "mic") == 0, "pulseaudio does not start", 20)
        self.start_field()

    def pactl(self, *words):
        return subprocess.run(["pactl", *words], env=self.environment, capture_output=True, timeout=20).returncode

    def play(self, number):
        self.run_program("paplay", "--latency-msec=50", "-d", "micsink", recording(number))

    def start_dictate(self, *options):
        self.errors = open(self.folder / "errors", "w+")
        self.addCleanup(self.errors.close)
        self.dictate = self.start(
            [PROGRAM, "dictate", "--no-sounds", *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.errors,
        )
        self.wait_for(lambda: "Ctrl-C ends" in (self.folder / "errors").read_text(), "it does not start", 30)
        time.sleep(0.7)  # of sound before the key

    def expected(self, number):
        return subprocess.run(
            [PROGRAM, "transcribe", recording(number)], env=self.environment, capture_output=True, text=True,
            timeout=120,
        ).stdout

    def wait_for_words(self, *numbers):
        """At most one word in ten may differ from what the file gives: the sound went through a sound server."""
        expected = sum((plain(self.expected(number)) for number in numbers), [])

        def enough():
            heard = plain(self.text())
            return len(heard) >= len(expected) - 1 and heard[-1:] == expected[-1:]

        self.wait_for(enough, lambda: f"expected {expected}, there is {self.text()!r}", 60)
        heard = plain(self.text())
        self.assertEqual(heard[0], expected[0])
        missing = len(expected) - len([word for word in heard if word in expected])
        self.assertLessEqual(missing, max(1, len(expected) // 10), self.text())
        self.assertLessEqual(len(heard), len(expected) + max(1, len(expected) // 10))

    def end(self):
        self.dictate.terminate()
        self.assertEqual(self.dictate.wait(30), 0)

    def test_hold(self):
        self.start_dictate("--key", "F9")
        self.run_tool("key_tool", f"+{F9}")
        self.play("0870")
        self.assertEqual(self.text(), "")
        self.run_tool("key_tool", f"-{F9}")
        self.wait_for_words("0870")
        self.end()

    def test_key_after_the_first_word(self):
        """Pressed a little late: the pre-roll has the word that was begun before."""
        self.start_dictate("--mode", "toggle", "--key", "F9", "--pre-roll", "1.5")
        player = self.start(["paplay", "--latency-msec=50", "-d", "micsink", recording("0880")])
        time.sleep(0.6)
        self.run_tool("key_tool", f"+{F9}", f"-{F9}")
        player.wait(60)
        self.run_tool("key_tool", f"+{F9}", f"-{F9}")
        self.wait_for_words("0880")
        self.end()

    def test_hands_free_as_you_speak(self):
        self.start_dictate("--mode", "hands-free", "--as-you-speak")
        self.play("0870")
        time.sleep(1.5)
        self.play("0880")
        self.wait_for_words("0870", "0880")
        self.end()

    def test_silence_writes_nothing(self):
        self.start_dictate("--mode", "toggle", "--key", "F9")
        self.run_tool("key_tool", f"+{F9}", f"-{F9}", "=2000", f"+{F9}", f"-{F9}")
        time.sleep(2)
        self.end()
        self.assertEqual(self.text(), "")


if __name__ == "__main__":
    unittest.main(verbosity=1)
