"""The clipboard of a real X server: what others read, and that what was there comes back."""
import os
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from x11_case import TOOLS, X11Case, need  # noqa: E402

need("Xvfb", "xclip")

OK, TIMEOUT = 0, 12
LARGE = bytes(range(256)) * 8192  # 2 MiB: goes in pieces both ways


class Clipboard(X11Case):
    def start_tool(self, text):
        ours, theirs = os.pipe()
        tool = subprocess.Popen(
            [os.path.join(TOOLS, "clipboard_tool"), str(ours)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self.environment, pass_fds=[ours],
        )
        os.close(ours)
        self.addCleanup(self.stop, tool)
        tool.stdin.write(text.encode() if isinstance(text, str) else text)
        tool.stdin.close()
        tool.stdin = None
        self.tool = tool
        self.commands = os.fdopen(theirs, "w")
        self.addCleanup(self.commands.close)
        self.assertEqual(tool.stdout.readline(), b"0 x11\n")

    def tell(self, command, status=OK):
        self.commands.write(command + "\n")
        self.commands.flush()
        line = self.tool.stdout.readline().decode()
        self.assertEqual(int(line.split()[0]), status, line)

    def copy(self, content, kind=None):
        """As another program; it stays until something else is copied."""
        words = ["xclip", "-selection", "clipboard", "-i", "-quiet"] + (["-t", kind] if kind else [])
        other = self.start(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        other.stdin.write(content)
        other.stdin.close()
        other.stdin = None
        self.wait_for(lambda: self.targets(), "nothing was copied")
        return other

    def read(self, kind="UTF8_STRING"):
        return subprocess.run(
            ["xclip", "-selection", "clipboard", "-o", "-t", kind], env=self.environment, timeout=30,
            capture_output=True,
        ).stdout

    def targets(self):
        return self.read("TARGETS").decode().split()

    def test_others_read_it(self):
        self.start_tool("Grüße 漢字 😀\n")
        self.tell("put")
        for kind in ("UTF8_STRING", "text/plain;charset=utf-8", "text/plain", "TEXT"):
            self.assertEqual(self.read(kind).decode(), "Grüße 漢字 😀\n")
        self.assertNotIn("STRING", self.targets())
        self.assertEqual(self.read("x-kde-passwordManagerHint"), b"secret")
        self.assertEqual(self.read("image/png"), b"")

    def test_large_text(self):
        text = "0123456789abcdef" * 200000
        self.start_tool(text)
        self.tell("put")
        self.assertEqual(self.read("STRING").decode(), text)

    def test_old_comes_back(self):
        self.copy("was here: é".encode())
        self.start_tool("dictated")
        self.tell("put")
        self.assertEqual(self.read(), b"dictated")
        self.tell("restore")
        self.assertEqual(self.read().decode(), "was here: é")

    def test_old_picture_comes_back(self):
        self.copy(LARGE, "image/png")
        self.start_tool("dictated")
        self.tell("put")
        self.assertEqual(self.read(), b"dictated")
        self.tell("restore")
        self.assertEqual(self.targets()[4:], ["image/png"])
        self.assertEqual(self.read("image/png"), LARGE)

    def test_all_kinds_come_back(self):
        """A GTK program offers text and HTML at once."""
        script = self.folder / "both.py"
        script.write_text(
            "import gi\ngi.require_version('Gtk', '3.0')\nfrom gi.repository import Gtk, Gdk\n"
            "w = Gtk.TextView()\nb = w.get_buffer()\nb.set_text('rich')\n"
            "b.select_range(*b.get_bounds())\nb.copy_clipboard(Gtk.Clipboard.get(Gdk.SELECTION_CLIPBOARD))\n"
            "Gtk.main()\n"
        )
        self.start(["/usr/bin/python3", str(script)], stderr=subprocess.DEVNULL)
        self.wait_for(lambda: "UTF8_STRING" in self.targets(), "nothing was copied")
        before = set(self.targets())
        self.start_tool("dictated")
        self.tell("put")
        self.tell("restore")
        kept = before - {"TIMESTAMP", "TARGETS", "MULTIPLE", "SAVE_TARGETS"}
        self.assertGreater(len(kept), 4)
        self.assertLessEqual(kept, set(self.targets()))
        self.assertEqual(self.read(), b"rich")

    def test_nothing_was_there(self):
        self.start_tool("dictated")
        self.tell("put")
        self.assertEqual(self.read(), b"dictated")
        self.tell("restore")
        self.assertEqual(self.targets(), [])

    def test_paste_into_a_program(self):
        self.copy(b"was here")
        self.start_field()
        self.start_tool("pasted: 漢😀\nsecond")
        self.tell("put")
        # Somebody who is not the focused program looks: that is no paste.
        self.assertTrue(self.read())
        self.tell("wait 200", TIMEOUT)
        self.tell("paste")
        self.tell("wait 3000")
        self.expect_text("pasted: 漢😀\nsecond")
        self.wait_for(lambda: self.read() == b"was here", "the old content does not come back")

    def test_nobody_pastes(self):
        """A field that takes no text: not pasted, and nobody says so."""
        self.copy(b"was here")
        self.start_tool("dictated")
        self.tell("put")
        self.tell("paste")
        self.tell("wait 300", TIMEOUT)
        self.assertEqual(self.read(), b"dictated")

    def test_two_texts_one_old(self):
        self.copy(b"was here")
        self.start_tool("dictated")
        self.tell("put")
        self.tell("put")
        self.tell("restore")
        self.assertEqual(self.read(), b"was here")
        self.tell("put")
        self.tell("restore")
        self.assertEqual(self.read(), b"was here")

    def test_for_good(self):
        self.copy(b"was here")
        self.start_tool("dictated")
        self.tell("put-for-good")
        self.tell("restore")
        self.assertEqual(self.read(), b"dictated")

    def test_something_newer(self):
        self.copy(b"was here")
        self.start_tool("dictated")
        self.tell("put")
        self.copy(b"newer")
        self.assertEqual(self.read(), b"newer")
        self.tell("restore")
        self.assertEqual(self.read(), b"newer")

    def test_owner_that_hangs(self):
        other = self.copy(b"was here")
        os.kill(other.pid, 19)  # SIGSTOP
        self.addCleanup(os.kill, other.pid, 18)
        self.start_tool("dictated")
        before = time.monotonic()
        self.tell("put")
        self.assertLess(time.monotonic() - before, 5)
        self.assertEqual(self.read(), b"dictated")

    def test_server_goes_away(self):
        self.start_tool("dictated")
        self.tell("put")
        self.server.kill()
        self.tell("put", 3)
        self.tell("wait 100", 3)


if __name__ == "__main__":
    unittest.main(verbosity=1)
