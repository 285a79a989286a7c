"""The desktop's portals, played by mock_portal.py on a bus of its own."""
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from x11_case import HERE, SKIPPED, TOOLS, X11Case, need  # noqa: E402

need("dbus-daemon")
try:
    import dbus  # noqa: F401
except ImportError:
    print("not installed: python3-dbus")
    sys.exit(SKIPPED)

PERMISSION, UNSUPPORTED = 5, 9


class PortalCase(X11Case):
    def start_server(self):
        """No X server here, but a session bus."""
        ours, theirs = os.pipe()
        self.start(
            ["dbus-daemon", "--session", "--nofork", "--address=unix:dir=" + str(self.folder),
             f"--print-address={theirs}"],
            pass_fds=[theirs],
        )
        os.close(theirs)
        with os.fdopen(ours) as pipe:
            self.environment["DBUS_SESSION_BUS_ADDRESS"] = pipe.readline().strip()
        self.environment["WAYLAND_DISPLAY"] = "wayland-none"

    def start_portal(self, *words):
        self.portal = self.start(
            ["/usr/bin/python3", str(HERE / "mock_portal.py"), *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        self.assertEqual(self.portal.stdout.readline(), "ready\n")

    def tell(self, command):
        self.portal.stdin.write(command + "\n")
        self.portal.stdin.flush()

    def seen(self):
        """Everything the portal saw, in the end."""
        self.portal.stdin.close()
        lines = self.portal.stdout.read().splitlines()
        self.portal.stdin = None
        return lines


class Shortcuts(PortalCase):
    def start_hotkey(self, *words):
        self.hotkey = self.start(
            [os.path.join(TOOLS, "hotkey_tool"), *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self.hotkey.stdout.readline().strip()

    def expect(self, word):
        line = self.hotkey.stdout.readline().split()
        self.assertEqual(line[0], word)
        self.assertLess(int(line[1]), 200)
        return line

    def test_pressed_and_released(self):
        self.start_portal()
        # On Wayland the portal is chosen by itself, and the key is what the desktop says.
        self.assertEqual(self.start_hotkey("ctrl+alt+space"), "ready portal Press <Meta>D")
        for command in ("press", "press", "other", "release", "release", "press", "release"):
            self.tell(command)
        for word in ("pressed", "released", "pressed", "released"):
            self.expect(word)
        self.hotkey.stdin.close()
        self.hotkey.stdin = None
        self.assertEqual(self.hotkey.wait(5), 0)
        self.assertEqual(self.seen(), ["bind dictate CTRL+ALT+space Dictate", "session closed"])

    def test_desktop_takes_it_back(self):
        self.start_portal()
        self.start_hotkey("F9")
        self.tell("close")
        self.assertIn("took the shortcut back", " ".join(self.expect("lost")))

    def test_desktop_ends(self):
        self.start_portal()
        self.start_hotkey("F9")
        self.portal.kill()
        self.expect("lost")

    def test_refused_or_missing(self):
        self.run_tool("hotkey_tool", "-s", "portal", "F9", status=UNSUPPORTED)
        self.start_portal("no")
        self.run_tool("hotkey_tool", "-s", "portal", "F9", status=PERMISSION)

    def test_no_bus(self):
        env = {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent"}
        self.run_tool("hotkey_tool", "-s", "portal", "F9", status=UNSUPPORTED, env=env)


class Remote(PortalCase):
    def keys(self, lines):
        return [line.split()[1:] for line in lines if line.startswith("key")]

    def test_types_ascii(self):
        self.start_portal()
        self.run_tool("typing_tool", "-m", "portal", "write", text="Hi\t!\n")
        lines = self.seen()
        expected = [[hex(key), down] for key in (0x48, 0x69, 0xFF09, 0x21, 0xFF0D) for down in ("1", "0")]
        self.assertEqual(self.keys(lines), expected)
        self.assertEqual(lines[0], "devices 1 2 -")

    def test_other_texts_are_not_typed(self):
        """Desktops drop keysyms that the layout lacks and say nothing."""
        self.start_portal()
        self.assertEqual(
            self.run_tool("typing_tool", "-m", "portal", "write", text="café", status=UNSUPPORTED), "0\n"
        )
        self.assertEqual(self.keys(self.seen()), [])

    def test_erase_and_paste(self):
        self.start_portal()
        self.run_tool("typing_tool", "-m", "portal", "erase", 2)
        self.run_tool("typing_tool", "-m", "portal", "paste")
        self.assertEqual(
            self.keys(self.seen()),
            [["0xff08", "1"], ["0xff08", "0"]] * 2
            + [["0xffe1", "1"], ["0xff63", "1"], ["0xff63", "0"], ["0xffe1", "0"]],
        )

    def test_asked_once(self):
        self.start_portal()
        token = self.folder / "token"
        for _ in range(2):
            self.run_tool("typing_tool", "-m", "portal", "-s", token, "write", text="a")
        self.assertEqual(token.stat().st_mode & 0o777, 0o600)
        devices = [line for line in self.seen() if line.startswith("devices")]
        self.assertEqual(devices, ["devices 1 2 -", "devices 1 2 token-2"])

    def test_refused_or_missing(self):
        self.run_tool("typing_tool", "-m", "portal", "write", text="a", status=UNSUPPORTED)
        self.start_portal("no")
        self.run_tool("typing_tool", "-m", "portal", "write", text="a", status=PERMISSION)


if __name__ == "__main__":
    unittest.main(verbosity=1)
