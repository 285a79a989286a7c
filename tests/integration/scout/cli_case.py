"""What the tests of the command line share: a home of their own, and a way to run the program.

The first argument of a test program is the scout to test; unittest gets the rest.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import jsonschema

PROGRAM = os.path.abspath(sys.argv.pop(1))
ROOT = pathlib.Path(__file__).resolve().parents[3]
SCHEMA = json.loads((ROOT / "docs/formats/transcript.schema.json").read_text())


def check_transcript(value):
    jsonschema.validate(value, SCHEMA)
    return value


class CliCase(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="scout-cli-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder / "home"),
            "LANG": "C.UTF-8",
        }
        for name in ("SCOUT_MODELS_DIR", "ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                self.environment[name] = os.environ[name]
        (self.folder / "home").mkdir()

    def path(self, name, content=None):
        path = self.folder / name
        if content is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return str(path)

    def run_scout(self, *arguments, status=0, stdin=None, env=None, **more):
        """Runs to the end; the result has stdout and stderr as text."""
        done = subprocess.run(
            [PROGRAM, *map(str, arguments)],
            input=stdin,
            capture_output="stdout" not in more,
            text=True,
            env={**self.environment, **(env or {})},
            cwd=self.folder,
            timeout=120,
            stdin=subprocess.DEVNULL if stdin is None else None,
            **more,
        )
        self.assertEqual(done.returncode, status, f"{arguments}: {done.stdout}{done.stderr}")
        return done

    def start_scout(self, *arguments, env=None, **more):
        more.setdefault("stdout", subprocess.PIPE)
        more.setdefault("stderr", subprocess.PIPE)
        process = subprocess.Popen(
            [PROGRAM, *map(str, arguments)],
            text=True,
            env={**self.environment, **(env or {})},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            **more,
        )
        self.addCleanup(process.stdout.close if process.stdout else lambda: None)
        self.addCleanup(process.stderr.close if process.stderr else lambda: None)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def assert_one_line(self, text, *parts):
        """An error is one line that says what was wrong."""
        self.assertEqual(text.count("\n"), 1, text)
        self.assertTrue(text.startswith("scout: "), text)
        for part in parts:
            self.assertIn(part, text)
