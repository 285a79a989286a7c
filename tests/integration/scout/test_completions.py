"""Completions in the shells themselves, and the man page through man."""
import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import sys
import time
import unittest

PAGES = pathlib.Path(os.path.abspath(sys.argv.pop(2)))
from cli_case import PROGRAM, CliCase  # noqa: E402

CASES = (
    ("tr", {"transcribe"}),
    ("models re", {"remove"}),
    ("models pu", {"pull"}),
    ("transcribe --beam", {"--beam-size"}),
    ("transcribe --no-v", {"--no-vad"}),
    ("transcribe --format v", {"vtt"}),
    ("transcribe --model b", {"base"}),
    ("transcribe --language d", {"de"}),
    ("transcribe --output-dir fold", {"folder/"}),
    ("transcribe reco", {"recording.wav"}),
    ("models pull ba", {"base"}),
    ("completions z", {"zsh"}),
    ("--quiet doc", {"doctor"}),
)


class Completions(CliCase):
    def setUp(self):
        super().setUp()
        (self.folder / "bin").mkdir()
        os.symlink(PROGRAM, self.folder / "bin/scout")
        self.environment["PATH"] = f"{self.folder}/bin:{self.environment['PATH']}"
        (self.folder / "folder").mkdir()
        self.path("recording.wav", "")

    def need(self, shell):
        if not shutil.which(shell):
            self.skipTest(f"no {shell}")

    def shell(self, *command):
        done = subprocess.run(
            command, capture_output=True, text=True, env=self.environment, cwd=self.folder, timeout=30
        )
        self.assertEqual(done.stderr, "")
        return done.stdout

    def test_bash(self):
        script = (
            f'source "{PAGES}/scout.bash"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _scout; '
            'printf "%s\\n" "${COMPREPLY[@]}"'
        )
        for line, expected in CASES:
            with self.subTest(line):
                words = ["scout", *line.split()]
                found = set(self.shell("bash", "-c", script, "bash", *words).split())
                self.assertEqual({w.rstrip("/") for w in found}, {w.rstrip("/") for w in expected})
        words = ["scout", "transcribe", "--format", "=", "j"]
        self.assertEqual(
            self.shell("bash", "-c", script, "bash", *words).split(), ["json", "jsonl"]
        )

    def test_fish(self):
        self.need("fish")
        for line, expected in CASES:
            with self.subTest(line):
                command = f'source "{PAGES}/scout.fish"; complete -C "scout {line}"'
                lines = self.shell("fish", "--no-config", "-c", command).splitlines()
                self.assertEqual({found.split("\t")[0] for found in lines}, expected)

    def test_zsh(self):
        self.need("zsh")
        shutil.copy(PAGES / "_scout", self.folder / "_scout")
        environment = {**self.environment, "TERM": "dumb", "PS1": "", "HOME": str(self.folder)}
        pid, master = pty.fork()
        if pid == 0:
            os.chdir(self.folder)
            os.execvpe("zsh", ["zsh", "-f", "-i"], environment)
        self.addCleanup(os.close, master)
        os.write(
            master,
            b"unsetopt zle_bracketed_paste 2>/dev/null; bindkey -e; setopt no_list_beep; "
            b"fpath=($PWD $fpath); autoload -U compinit; compinit -u -D; echo rea''dy\n",
        )
        self.read_until(master, r"ready\r?\n")
        for line, expected in CASES:
            with self.subTest(line):
                # Completes, goes to the start of the line and prints it instead of running it.
                os.write(master, f"scout {line}\t\001print -r -- '<<<' \005 '>>>'\n".encode())
                seen = self.read_until(master, r"\n<<< scout (.*?) >>>\r?\n")
                found = seen.split()[-1].replace("\\", "")
                self.assertEqual({found.rstrip("/")}, {w.rstrip("/") for w in expected}, seen)
        os.write(master, b"exit\n")
        os.waitpid(pid, 0)

    def read_until(self, descriptor, pattern):
        seen = ""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            if select.select([descriptor], [], [], 0.2)[0]:
                seen += os.read(descriptor, 4096).decode(errors="replace")
                match = re.search(pattern, seen)
                if match:
                    return match.group(1) if match.groups() else seen
        self.fail(f"{pattern} did not come: {seen!r}")

    def test_scripts_that_the_program_prints(self):
        for shell, name in (("bash", "scout.bash"), ("zsh", "_scout"), ("fish", "scout.fish")):
            text = self.run_scout("completions", shell).stdout
            self.assertEqual(text, (PAGES / name).read_text())


class Manual(CliCase):
    def test_man_reads_it_without_a_warning(self):
        if not shutil.which("man"):
            self.skipTest("no man")
        done = subprocess.run(
            ["man", "--warnings", "-l", str(PAGES / "scout.1")],
            capture_output=True,
            text=True,
            env={**self.environment, "MANWIDTH": "80", "MAN_KEEP_FORMATTING": ""},
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for part in ("SYNOPSIS", "--max-line-width", "SCOUT_BEAM_SIZE", "EXIT STATUS", "130"):
            self.assertIn(part, done.stdout)
        self.assertTrue(all(len(line) <= 80 for line in done.stdout.splitlines()))


if __name__ == "__main__":
    unittest.main()
