"""`scout dictate` on a real X server, with real keys and a real text field; what is heard follows a script.

After the folders comes the program: scout with the scripted engine of tests/integration/scout.
"""
import os
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from x11_case import X11Case, need  # noqa: E402

PROGRAM = os.path.abspath(sys.argv.pop(1))
need("Xvfb", "xclip")

CTRL, ALT, SPACE, F9 = 37, 64, 65, 75


class DictateCase(X11Case):
    def setUp(self):
        super().setUp()
        self.script = self.folder / "script"
        os.mkfifo(self.script)
        self.log = self.folder / "log"
        self.environment.update(
            SCRIPTED_CAPTURE=str(self.script), SCRIPTED_ENGINE_LOG=str(self.log), PULSE_SERVER="unix:/nonexistent"
        )

    def start_dictate(self, *options):
        self.errors = open(self.folder / "errors", "w+")
        self.addCleanup(self.errors.close)
        self.dictate = self.start(
            [PROGRAM, "dictate", *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.errors
        )
        self.wait_for(lambda: "Ctrl-C ends" in self.said(), self.said)

    def said(self):
        return (self.folder / "errors").read_text()

    def asked(self):
        return self.log.read_text().splitlines() if self.log.exists() else []

    def hear(self, *lines):
        with open(self.script, "w", encoding="utf-8") as script:
            script.write("".join(line + "\n" for line in lines))

    def ask(self, word, status=0):
        done = subprocess.run(
            [PROGRAM, "dictate", word], env=self.environment, capture_output=True, text=True, timeout=20
        )
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout.strip() or done.stderr.strip()

    def keys(self, *moves):
        self.run_tool("key_tool", *moves)

    def wait_asked(self, line):
        self.wait_for(lambda: line in self.asked(), lambda: f"no {line!r} in {self.asked()}")

    def finish(self):
        """As Ctrl-C does; returns what it printed."""
        self.dictate.send_signal(2)
        out = self.dictate.stdout.read().decode()
        self.assertEqual(self.dictate.wait(10), 0, self.said())
        return out

    def clipboard(self):
        return subprocess.run(
            ["xclip", "-selection", "clipboard", "-o"], env=self.environment, capture_output=True, timeout=20
        ).stdout.decode()


class Keys(DictateCase):
    def test_hold(self):
        self.start_field()
        self.start_dictate()
        self.assertIn("hold Ctrl+Alt+Space", self.said())
        self.assertEqual(self.asked()[-1], "pause 0.00")
        self.keys(f"+{CTRL}", f"+{ALT}", f"+{SPACE}")
        self.wait_asked("resume 0.50")
        self.hear("final 1.0 Grüße aus 東京! 😀")
        time.sleep(0.4)
        self.assertEqual(self.text(), "", "typed while the key is held")
        self.keys(f"-{SPACE}", f"-{ALT}", f"-{CTRL}")
        self.wait_asked("pause 0.30")
        self.expect_text("Grüße aus 東京! 😀")
        self.hear("final 2.5  And more.")
        self.expect_text("Grüße aus 東京! 😀 And more.")
        self.finish()

    def test_modifiers_held_on(self):
        """Somebody lets go of Space but not of Control and Alt."""
        self.start_field()
        self.start_dictate()
        self.keys("real", f"+{CTRL}", f"+{ALT}", f"+{SPACE}")
        self.wait_asked("resume 0.50")
        self.keys("real", f"-{SPACE}")
        self.hear("final 1.0 all is well")
        self.expect_text("all is well")
        self.finish()

    def test_toggle(self):
        self.start_field()
        self.start_dictate("--mode", "toggle", "--key", "F9", "--pre-roll", "1", "--tail", "0.7")
        self.keys(f"+{F9}", f"-{F9}")
        self.wait_asked("resume 1.00")
        self.assertEqual(self.ask("status"), "listening")
        self.hear("final 1.0 one", "final 2.0  two")
        self.expect_text("one two")
        self.keys(f"+{F9}", f"-{F9}")
        self.wait_asked("pause 0.70")
        self.assertEqual(self.ask("status"), "idle")
        self.finish()

    def test_key_while_text_is_typed(self):
        """A grab takes all keys while its key is down: what was typed then is typed again."""
        self.start_field()
        self.start_dictate("--mode", "toggle", "--key", "F9")
        self.keys(f"+{F9}", f"-{F9}")
        self.wait_asked("resume 0.50")
        text = "".join(f"{i} é漢A " for i in range(150))
        self.hear("final 1.0 " + text)
        for _ in range(4):
            self.wait_for(lambda: self.text(), "nothing is typed")
            self.keys(f"+{F9}", "=80", f"-{F9}", "=60")
        self.expect_text(text, seconds=30)
        self.finish()

    def test_key_is_taken(self):
        self.start_dictate("--key", "F9")
        done = subprocess.run(
            [PROGRAM, "dictate", "--key", "F9"],
            env={**self.environment, "XDG_RUNTIME_DIR": str(self.folder)}, capture_output=True, text=True, timeout=20,
        )
        self.assertEqual(done.returncode, 1)
        self.assertIn("another program has the key F9", done.stderr)

    def test_one_at_a_time(self):
        self.start_dictate()
        done = subprocess.run(
            [PROGRAM, "dictate", "--key", "F9"], env=self.environment, capture_output=True, text=True, timeout=20
        )
        self.assertEqual(done.returncode, 1)
        self.assertIn("dictation runs already", done.stderr)
        self.assertEqual(self.ask("status"), "idle")

    def test_wrong_key(self):
        done = subprocess.run(
            [PROGRAM, "dictate", "--key", "crtl+x"], env=self.environment, capture_output=True, text=True, timeout=20
        )
        self.assertEqual(done.returncode, 2)

    def test_closed_microphone(self):
        self.start_field()
        self.start_dictate("--pre-roll", "0")
        self.assertNotIn("capture device partials=0", self.asked())
        for word in ("one", "two"):
            self.assertEqual(self.ask("start"), "listening")
            self.hear(f"final 1.0 {word}")  # a new stream knows of no text before
            self.expect_text(" ".join(("one", "two")[: 1 if word == "one" else 2]))
            self.assertEqual(self.ask("stop"), "idle")
            self.wait_for(lambda: self.asked()[-1] == "closed", "the microphone stays open")
        self.finish()


class Socket(DictateCase):
    def test_requests(self):
        self.assertIn("no dictation runs", self.ask("toggle", 1))
        self.assertIn("none of start", self.ask("dance", 2))
        self.start_field()
        self.start_dictate("--key", "none")
        for word, told in (("status", "idle"), ("toggle", "listening"), ("start", "listening"), ("stop", "idle")):
            self.assertEqual(self.ask(word), told)
        self.hear("final 0.5 late words")
        self.expect_text("late words")
        self.finish()
        self.assertIn("no dictation runs", self.ask("status", 1))

    def test_cancel(self):
        self.start_field()
        self.start_dictate("--key", "none")
        self.ask("start")
        self.hear("final 1.0 kept")
        self.expect_text("kept")
        self.assertEqual(self.ask("cancel"), "idle")
        self.hear("final 1.5  thrown away")
        self.ask("start")
        self.hear("final 2.5  kept, too")
        self.expect_text("kept kept, too")
        self.finish()

    def test_trouble_is_told(self):
        self.start_dictate("--key", "none")
        self.hear("lost the microphone is gone: plug it in")
        self.wait_for(lambda: "plug it in" in self.ask("status"), self.said)
        self.hear("running")
        self.wait_for(lambda: self.ask("status") == "idle", self.said)
        self.assertIn("the microphone is gone", self.said())
        self.finish()


class Text(DictateCase):
    def test_scratch(self):
        self.start_field()
        self.start_dictate("--mode", "hands-free")
        self.hear("final 1.0 Keep this.", "final 2.0  Not 😀 this é.")
        self.expect_text("Keep this. Not 😀 this é.")
        self.hear("scratch 14")
        self.expect_text("Keep this.")
        self.hear("final 3.0  But this.")
        self.expect_text("Keep this. But this.")
        self.finish()

    def test_scratch_is_of_this_window_alone(self):
        first = self.start_field()
        self.start_dictate("--mode", "hands-free")
        self.hear("final 1.0 First.")
        self.expect_text("First.")
        self.start_field(name="other")
        self.hear("scratch 6")
        self.wait_for(lambda: "not taken back" in self.said(), self.said)
        # Text in another window begins without a space.
        self.hear("final 2.0  Second.")
        self.expect_text("Second.", name="other")
        self.expect_text("First.")
        first.kill()
        self.finish()

    def test_as_it_settles(self):
        self.start_field()
        self.start_dictate("--mode", "hands-free", "--as-you-speak")
        self.assertIn("capture device partials=1", self.asked())
        self.hear("settled 1.0 5 Hello wor")
        self.expect_text("Hello")
        self.hear("settled 1.0 11 Hello wörl")
        self.expect_text("Hello wörl")
        self.hear("final 1.0 Hello wörld.", "settled 2.0 4  And more", "final 2.0  And on.")
        self.expect_text("Hello wörld. And on.")
        self.finish()

    def test_said_stop(self):
        self.start_dictate("--mode", "toggle")
        self.ask("start")
        self.hear("stop")
        self.wait_for(lambda: self.ask("status") == "idle", "it listens on")
        self.finish()

    def test_lines(self):
        self.start_field()
        self.start_dictate("--mode", "hands-free")
        self.hear(r"final 1.0 one\n\ntwo\nthree")
        self.expect_text("one\n\ntwo\nthree")
        self.finish()

    def test_paste(self):
        subprocess.run(["xclip", "-selection", "clipboard"], input=b"old", env=self.environment, check=True)
        self.start_field()
        self.start_dictate("--mode", "hands-free", "--output", "paste")
        self.hear("final 1.0 Pasted 漢字.", "final 2.0  Twice.")
        self.expect_text("Pasted 漢字. Twice.")
        self.wait_for(lambda: self.clipboard() == "old", "the old clipboard does not come back")
        self.finish()

    def test_copy(self):
        self.start_dictate("--mode", "hands-free", "--output", "copy")
        self.hear("final 1.0 One.", "final 2.0  Two.")
        self.wait_for(lambda: self.clipboard() == "One. Two.", self.clipboard)
        self.assertIn("copied, not typed", self.said())
        self.hear("scratch 5")
        self.wait_for(lambda: self.clipboard() == "One.", self.clipboard)

    def test_print(self):
        self.start_dictate("--mode", "hands-free", "--output", "print")
        self.hear("final 1.0 One é.", "final 2.0  Two.")
        self.wait_for(lambda: True, "")
        time.sleep(0.2)
        self.assertEqual(self.finish(), "One é.\nTwo.\n")

    def test_nothing_is_stored(self):
        self.start_dictate("--mode", "hands-free", "--output", "print")
        self.hear("final 1.0 secret")
        time.sleep(0.2)
        self.assertEqual(self.finish(), "secret\n")
        found = subprocess.run(
            ["grep", "-r", "--exclude=script", "-l", "secret", str(self.folder)], capture_output=True, text=True
        )
        self.assertEqual(found.stdout, "")

    def test_history(self):
        self.start_dictate("--mode", "hands-free", "--output", "print", "--history")
        self.hear("final 1.0 One.", r"final 2.0 \nTwo\nthree.")
        time.sleep(0.2)
        self.finish()
        log = self.folder / ".local/state/scout/dictation.log"
        self.assertEqual(log.stat().st_mode & 0o777, 0o600)
        self.assertEqual([line[20:] for line in log.read_text().splitlines()], ["One.", "Two three."])

    def test_file_ends(self):
        script = self.folder / "recording"
        script.write_text("final 1.0 From a file.\nend\n")
        self.start_field()
        self.start_dictate("--input", str(script), "--key", "none")
        self.assertEqual(self.dictate.wait(10), 0)
        self.expect_text("From a file.")


class Lost(DictateCase):
    """What cannot be typed is never dropped."""

    def test_focus_moves(self):
        self.start_field()
        self.start_field(name="other")
        other = int(self.run_tool("typing_tool", "focus"))
        windows = self.run_program("xdotool", "search", "--name", "^text field$").split()
        first = next(window for window in windows if int(window) != other)
        self.run_program("xdotool", "windowfocus", "--sync", first)
        self.start_dictate("--mode", "hands-free", "--key-pause", "3")
        text = "0123456789" * 40
        self.hear("final 1.0 " + text)
        self.wait_for(lambda: len(self.text()) > 20, "nothing is typed")
        self.run_program("xdotool", "windowfocus", str(other))
        self.wait_for(lambda: "on the clipboard" in self.said(), self.said)
        self.assertIn("moved to another window", self.said())
        time.sleep(0.2)
        self.assertEqual(self.text() + self.text("other") + self.clipboard(), text)

    def test_no_display(self):
        self.environment["DISPLAY"] = ":99999"
        self.start_dictate("--mode", "hands-free")
        self.wait_for(lambda: "nothing can be typed" in self.said(), self.said)
        self.hear("final 1.0 kept", "final 2.0  anyway")
        time.sleep(0.3)
        self.assertEqual(self.finish(), "kept\n anyway\n")

    def test_display_goes_away(self):
        self.start_field()
        self.start_dictate("--mode", "hands-free", "--key", "F9")
        self.hear("final 1.0 before")
        self.expect_text("before")
        self.server.kill()
        self.wait_for(lambda: "does nothing now" in self.said(), self.said)
        self.hear("final 2.0  after")
        time.sleep(0.5)
        self.assertIn("after", self.finish())

    def test_said_before_the_end(self):
        """Words that are on their way when it is ended still arrive."""
        self.start_field()
        self.start_dictate("--mode", "hands-free")
        text = "0123456789" * 30
        self.hear("final 1.0 " + text)
        self.wait_for(lambda: self.text(), "nothing is typed")
        self.finish()
        self.expect_text(text)


class Idle(DictateCase):
    def test_costs_nothing(self):
        self.start_dictate()
        time.sleep(0.5)
        before = time.monotonic(), self.ticks()
        time.sleep(2)
        used = (self.ticks() - before[1]) / os.sysconf("SC_CLK_TCK")
        self.assertLess(used / (time.monotonic() - before[0]), 0.006)
        self.finish()

    def ticks(self):
        with open(f"/proc/{self.dictate.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])


if __name__ == "__main__":
    unittest.main(verbosity=1)
