"""Types into real text fields and reads back what arrived."""
import os
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from x11_case import X11Case, need  # noqa: E402

need("Xvfb", "xdotool", "setxkbmap", "xterm")

EVERYTHING = "Hello, World! ÄÖü é ñ € 日本語 한국어 😀 👩‍👩‍👧 🇩🇪 ẞ Привет ქართული\nnew\tline É \"q\" ~^`\\|"
ASCII = "".join(map(chr, range(0x20, 0x7F)))


def many_characters(count):
    """As many different Chinese characters, far more than a keyboard has keys."""
    return "".join(chr(0x4E00 + 7 * i) for i in range(count))


class Characters(X11Case):
    def type(self, text, *options):
        self.assertEqual(int(self.run_tool("typing_tool", *options, "write", text=text)), len(text.encode()))

    def test_everything(self):
        self.start_field()
        self.type(EVERYTHING)
        self.expect_text(EVERYTHING)

    def test_ascii_in_an_entry(self):
        self.start_field("--entry")
        self.type(ASCII)
        self.expect_text(ASCII)

    def test_long_text(self):
        self.start_field()
        text = "".join(f"{i} Größe naïve façade 漢字 ok.\n" for i in range(70))
        self.assertGreater(len(text), 1700)
        self.type(text)
        self.expect_text(text)

    def test_more_characters_than_keys(self):
        self.start_field()
        text = many_characters(400)
        self.type(text)
        self.expect_text(text, seconds=20)

    def test_program_that_reads_late(self):
        self.start_field("--slow", "0.02")
        text = many_characters(150)
        self.type(text)
        self.expect_text(text, seconds=30)

    def test_two_texts_and_two_processes(self):
        self.start_field()
        self.type("aé€")
        self.type("漢€é")
        self.expect_text("aé€漢€é")

    def test_what_is_left_out(self):
        self.start_field()
        self.type("a\x07b\r\nc\x7f\u0085d")
        self.expect_text("ab\ncd")

    def test_keys_are_given_back(self):
        before = self.run_program("xkbcomp", self.environment["DISPLAY"], "-")
        self.start_field()
        self.type("é漢😀")
        self.expect_text("é漢😀")
        after = self.run_program("xkbcomp", self.environment["DISPLAY"], "-")
        for text in ("U6F22", "U1F600"):
            self.assertNotIn(text, after)
        self.assertEqual(before.count("symbols"), after.count("symbols"))


class Keyboards(X11Case):
    def check(self, text=EVERYTHING):
        self.start_field()
        self.run_tool("typing_tool", "write", text=text)
        self.expect_text(text)

    def test_german(self):
        self.run_program("setxkbmap", "de")
        self.check(EVERYTHING + "yz@{[]}")

    def test_french(self):
        self.run_program("setxkbmap", "fr")
        self.check(ASCII)

    def test_second_layout_in_effect(self):
        self.run_program("setxkbmap", "us,ru", "-option", "grp:caps_toggle")
        self.run_tool("key_tool", "+66", "-66")
        self.check("Hello Привет")
        self.run_tool("key_tool", "+38", "-38")
        self.expect_text("Hello Приветф")

    def test_caps_lock(self):
        self.run_program("xdotool", "key", "Caps_Lock")
        self.check("Hello, é É 漢")
        self.run_tool("key_tool", "+38", "-38")
        self.expect_text("Hello, é É 漢A")

    def test_num_lock(self):
        self.run_program("xdotool", "key", "Num_Lock")
        self.check("0123 Hello é")

    def test_held_modifiers(self):
        """Control is held, as by somebody who holds the hotkey: no Control+letters."""
        self.start_field()
        self.run_program("xdotool", "keydown", "ctrl", "keydown", "alt")
        self.run_tool("typing_tool", "-w", "20", "write", text="select all: aé")
        self.expect_text("select all: aé")

    def test_modifiers_let_go_in_time(self):
        self.start_field()
        self.run_program("xdotool", "keydown", "ctrl")
        writer = self.start(["xdotool", "sleep", "0.2", "keyup", "ctrl"])
        self.run_tool("typing_tool", "-w", "2000", "write", text="aé")
        writer.wait()
        self.expect_text("aé")


class Terminal(X11Case):
    def test_xterm(self):
        """A terminal has no text field: a program in it writes down what it reads."""
        out = self.folder / "field"
        self.environment["LC_ALL"] = "C.UTF-8"
        self.start(["xterm", "-u8", "-e", "sh", "-c", f"stty -echo; touch {out}; exec cat >{out}"])
        self.wait_for(out.exists, "xterm does not start")
        time.sleep(0.3)
        lines = [EVERYTHING.replace("\t", " ").split("\n")[0], many_characters(150), ASCII, "end"]
        self.run_tool("typing_tool", "write", text="\n".join(lines) + "\n")
        self.expect_text("\n".join(lines) + "\n", seconds=20)


class Focus(X11Case):
    def test_nothing_has_it(self):
        self.run_program("xdotool", "mousemove", "10", "10")
        field = self.start_field()
        field.terminate()
        field.wait()
        # Without a window manager the focus falls back to the root window's pointer.
        self.run_tool("typing_tool", "write", text="to nobody")

    def test_another_window(self):
        self.start_field()
        window = int(self.run_tool("typing_tool", "focus"))
        self.run_tool("typing_tool", "-f", window, "write", text="here")
        self.expect_text("here")
        self.start_field(name="other")
        other = int(self.run_tool("typing_tool", "focus"))
        self.assertNotEqual(window, other)
        done = self.run_tool("typing_tool", "-f", window, "write", text="gone", status=17)
        self.assertEqual(int(done), 0)
        self.expect_text("here")
        self.expect_text("", name="other")

    def test_moves_while_text_is_typed(self):
        self.start_field()
        self.start_field(name="other")
        other = int(self.run_tool("typing_tool", "focus"))
        windows = self.run_program("xdotool", "search", "--name", "^text field$").split()
        first = next(window for window in windows if int(window) != other)
        self.run_program("xdotool", "windowfocus", "--sync", first)
        text = "0123456789" * 40
        writer = subprocess.Popen(
            ["sh", "-c", f"sleep 0.3; xdotool windowfocus {other}"], env=self.environment
        )
        sent = int(self.run_tool("typing_tool", "-p", "2000", "write", text=text, status=17))
        writer.wait()
        self.assertGreater(sent, 0)
        self.assertLess(sent, len(text))
        time.sleep(0.3)
        arrived, strayed = self.text(), self.text("other")
        # At most the few characters between two looks at the focus go astray, and none is lost.
        self.assertEqual(arrived + strayed, text[:sent])
        self.assertLessEqual(len(strayed), 8)


class Erase(X11Case):
    def test_what_was_typed(self):
        self.start_field()
        self.run_tool("typing_tool", "write", text="keep this. scratch é😀漢")
        self.expect_text("keep this. scratch é😀漢")
        self.run_tool("typing_tool", "erase", len("scratch é😀漢"))
        self.expect_text("keep this. ")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[1:], verbosity=1)
