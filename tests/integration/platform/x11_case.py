"""An X server without a screen for each test, a window with a text field in it, and the tools that talk to both.

The first argument of a test program is the folder of the tools, the second that of the modules; unittest gets the rest.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

TOOLS = os.path.abspath(sys.argv.pop(1))
MODULES = os.path.abspath(sys.argv.pop(1))
HERE = pathlib.Path(__file__).resolve().parent
SKIPPED = 77


def need(*programs):
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        print("not installed:", *missing)
        sys.exit(SKIPPED)


class X11Case(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="scout-x11-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        (self.folder / "run").mkdir(mode=0o700)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "XDG_RUNTIME_DIR": str(self.folder / "run"),
            "LANG": "C.UTF-8",
            "NO_AT_BRIDGE": "1",
            "GDK_BACKEND": "x11",
            "SCOUT_MODULES": MODULES,
        }
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
            if name in os.environ:
                self.environment[name] = os.environ[name]
        self.server = self.start_server()

    def start_server(self):
        """The server picks a display that is free and says which."""
        ours, theirs = os.pipe()
        server = self.start(
            ["Xvfb", "-displayfd", str(theirs), "-screen", "0", "800x600x24", "-nolisten", "tcp", "-noreset"],
            pass_fds=[theirs],
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs)
        with os.fdopen(ours) as pipe:
            self.environment["DISPLAY"] = ":" + pipe.readline().strip()
        return server

    def start(self, words, **more):
        process = subprocess.Popen(words, env=self.environment, cwd=self.folder, **more)
        self.addCleanup(self.stop, process)
        return process

    def stop(self, process):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()

    def run_tool(self, name, *arguments, status=0, text=None, env=None):
        done = subprocess.run(
            [os.path.join(TOOLS, name), *map(str, arguments)],
            input=text.encode() if text is not None else b"",
            capture_output=True,
            env={**self.environment, **(env or {})},
            timeout=60,
        )
        self.assertEqual(done.returncode, status, done.stderr.decode())
        return done.stdout.decode()

    def run_program(self, *words, **more):
        return subprocess.run(
            words, env=self.environment, check=True, capture_output=True, text=True, timeout=30, **more
        ).stdout

    def wait_for(self, true, what, seconds=10.0):
        end = time.monotonic() + seconds
        while not true():
            self.assertLess(time.monotonic(), end, what() if callable(what) else what)
            time.sleep(0.02)

    def start_field(self, *arguments, name="field"):
        """A window with a text field that has the focus; read it with text()."""
        path = self.folder / name
        process = self.start(
            ["/usr/bin/python3", str(HERE / "text_field.py"), str(path), *arguments], stderr=subprocess.DEVNULL
        )
        self.wait_for(path.exists, "the text field does not appear", 20)
        return process

    def text(self, name="field"):
        return (self.folder / name).read_text()

    def expect_text(self, expected, name="field", seconds=10.0):
        def differs():
            return f"expected {expected!r}, there is {self.text(name)!r}"

        self.wait_for(lambda: self.text(name) == expected, differs, seconds)
        time.sleep(0.15)
        self.assertEqual(self.text(name), expected, "something came later")
