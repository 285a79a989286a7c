"""Hotkeys from a real X server: keys are pressed, and what the hotkey tells is read."""
import os
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from x11_case import TOOLS, X11Case, need  # noqa: E402

need("Xvfb", "setxkbmap")

# Keycodes of a PC keyboard.
CTRL, ALT, SHIFT, CAPS, NUM, SPACE, F9, A, Q = 37, 64, 50, 66, 77, 65, 75, 38, 24
EXISTS_IN_OTHER_PROGRAM = 16


class Grabbed(X11Case):
    def start_hotkey(self, key):
        self.hotkey = self.start(
            [os.path.join(TOOLS, "hotkey_tool"), "-s", "x11", key],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        self.assertIn("ready x11", self.hotkey.stdout.readline())

    def keys(self, *moves):
        self.run_tool("key_tool", *moves)

    def seen(self):
        """What it told so far: the words, and how many milliseconds each took."""
        time.sleep(0.2)
        self.hotkey.stdin.close()
        lines = [line.split() for line in self.hotkey.stdout.read().splitlines()]
        self.assertEqual(self.hotkey.wait(5), 0)
        self.hotkey.stdin = None
        for line in lines:
            self.assertLess(int(line[1]), 100)
        return [line[0] for line in lines]

    def test_hold_and_release(self):
        self.start_hotkey("F9")
        self.keys(f"+{F9}", "=300", f"-{F9}", f"+{A}", f"-{A}", f"+{F9}", f"-{F9}")
        self.assertEqual(self.seen(), ["pressed", "released"] * 2)

    def test_repeat_is_one_press(self):
        """A held key of a real keyboard repeats after 660 ms, 25 times a second."""
        self.start_hotkey("F9")
        self.keys("real", f"+{F9}", "=1500", f"-{F9}")
        self.assertEqual(self.seen(), ["pressed", "released"])

    def test_modifiers(self):
        self.start_hotkey("ctrl+alt+space")
        self.keys(f"+{SPACE}", f"-{SPACE}", f"+{CTRL}", f"+{SPACE}", f"-{SPACE}")
        self.keys(f"+{ALT}", f"+{SPACE}", f"-{SPACE}", f"-{ALT}", f"-{CTRL}")
        self.assertEqual(self.seen(), ["pressed", "released"])

    def test_modifiers_let_go_first(self):
        self.start_hotkey("ctrl+alt+space")
        self.keys(f"+{CTRL}", f"+{ALT}", f"+{SPACE}", f"-{CTRL}", f"-{ALT}", "=50", f"-{SPACE}")
        self.assertEqual(self.seen(), ["pressed", "released"])

    def test_locks_do_not_matter(self):
        self.start_hotkey("ctrl+F9")
        for locks in ((), (CAPS,), (NUM,), (CAPS,)):
            for lock in locks:
                self.keys(f"+{lock}", f"-{lock}")
            self.keys(f"+{CTRL}", f"+{F9}", f"-{F9}", f"-{CTRL}")
        self.assertEqual(self.seen(), ["pressed", "released"] * 4)

    def test_other_layout(self):
        """The key is where the layout has it now."""
        self.start_hotkey("ctrl+a")
        self.keys(f"+{CTRL}", f"+{A}", f"-{A}", f"-{CTRL}")
        self.run_program("setxkbmap", "fr")
        time.sleep(0.3)
        self.keys(f"+{CTRL}", f"+{A}", f"-{A}", f"+{Q}", f"-{Q}", f"-{CTRL}")
        self.assertEqual(self.seen(), ["pressed", "released"] * 2)

    def test_text_that_is_typed_meanwhile(self):
        """Typing borrows keys, which changes the keymap: the hotkey stays."""
        self.start_field()
        self.start_hotkey("F9")
        self.run_tool("typing_tool", "write", text="é漢")
        self.keys(f"+{F9}", f"-{F9}")
        self.expect_text("é漢")
        self.assertEqual(self.seen(), ["pressed", "released"])

    def test_taken_by_another_program(self):
        self.start_hotkey("F9")
        self.run_tool("hotkey_tool", "-s", "x11", "F9", status=EXISTS_IN_OTHER_PROGRAM)
        other = self.start(
            [os.path.join(TOOLS, "key_tool"), "grab", str(A), "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.assertEqual(other.stdout.readline(), b"grabbed\n")
        self.run_tool("hotkey_tool", "-s", "x11", "a", status=EXISTS_IN_OTHER_PROGRAM)
        other.stdin.close()
        other.stdin = None
        other.wait()
        self.run_tool("hotkey_tool", "-s", "x11", "a")

    def test_no_such_key(self):
        self.run_tool("hotkey_tool", "-s", "x11", "ctrl+nosuchkey", status=1)
        self.run_tool("hotkey_tool", "-s", "x11", "ctrl+alt", status=1)

    def test_server_goes_away(self):
        self.start_hotkey("F9")
        self.server.kill()
        self.assertIn("lost", self.hotkey.stdout.readline())


class HeldKeyboard(X11Case):
    """Modifiers held on a real keyboard, which releases of the XTEST keyboard do not change."""

    def test_letters_and_then_control_again(self):
        self.start_field()
        self.run_tool("key_tool", "real", f"+{CTRL}")
        self.run_tool("typing_tool", "-w", "20", "write", text="abcé")
        self.expect_text("abcé")
        # Still held: Control is down again, and A selects everything.
        self.run_tool("key_tool", "real", f"+{A}", f"-{A}", f"-{CTRL}", f"+{Q}", f"-{Q}")
        self.expect_text("q")

    def test_let_go_while_text_is_typed(self):
        self.start_field()
        self.run_tool("key_tool", "real", f"+{SHIFT}")
        mover = self.start([os.path.join(TOOLS, "key_tool"), "real", "=400", f"-{SHIFT}"])
        text = "0123456789" * 30
        self.run_tool("typing_tool", "-w", "20", "-p", "3000", "write", text=text)
        mover.wait()
        self.run_tool("key_tool", "real", f"+{A}", f"-{A}")
        self.expect_text(text + "a")


if __name__ == "__main__":
    unittest.main(verbosity=1)
