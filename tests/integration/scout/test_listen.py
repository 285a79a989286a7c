"""scout listen with a capture that follows a script: formats, options, notes, the terminal, stopping."""
import json
import os
import pty
import signal
import subprocess
import time
import unittest

from cli_case import PROGRAM, CliCase, check_transcript

TALK = """state running Headset
level 0.2
language en
started 0 0 0.3 0.5
partial 0 0 0.3 0.9 0 Hello
partial 0 0 0.3 1.5 6 Hello there and
final 0 0 0.3 2.0 0 Hello there, and welcome.
ended 0 0 2.0 2.4
skipped 0 2.4 4
final 0 1 4 5 1 This one
final 0 2 5 7 0 goes on, <too> & more.
final 0 3 8 8.1 0
gap 3.5
state lost Headset Headset is gone: it was unplugged or switched off
"""
TEXT = "Hello there, and welcome.\nThis one goes on, <too> & more.\n"


class Listen(CliCase):
    def listen(self, *arguments, script=TALK, **more):
        self.path("talk", script)
        return self.run_scout("listen", "--input", "talk", *arguments, **more)

    def test_finals_are_lines_in_a_pipe(self):
        done = self.listen()
        self.assertEqual(done.stdout, TEXT)
        self.assertIn("listening to Headset", done.stderr)
        self.assertIn("warning: Headset is gone", done.stderr)
        self.assertIn("warning: 3.5 s were not heard", done.stderr)
        self.assertNotIn("\x1b", done.stdout + done.stderr)
        self.assertNotIn("listening", self.listen("--quiet").stderr)

    def test_every_event_is_a_line_of_json(self):
        events = [json.loads(line) for line in self.listen("--format", "jsonl").stdout.splitlines()]
        self.assertEqual([event["event"] for event in events],
                         ["state", "level", "language", "speech_started", "partial", "partial", "final",
                          "speech_ended", "skipped", "final", "final", "final", "gap", "state"])
        self.assertTrue(all(isinstance(event["at"], (int, float)) for event in events))
        partial, final = events[5], events[6]
        self.assertEqual((partial["text"], partial["settled"]), (" Hello there and", " Hello"))
        self.assertEqual((final["start"], final["end"], final["utterance"]), (0.3, 2.0, 0))
        self.assertEqual(final["segments"][0]["text"], " Hello there, and welcome.")
        self.assertEqual(events[8]["reason"], "no_speech")
        self.assertEqual((events[12]["seconds"], events[12]["filled"]), (3.5, False))

    def test_subtitles_and_the_other_formats(self):
        self.assertEqual(self.listen("--format", "srt").stdout.splitlines()[:3],
                         ["1", "00:00:00,300 --> 00:00:02,000", "Hello there, and welcome."])
        self.assertTrue(self.listen("--format", "vtt").stdout.startswith("WEBVTT\n"))
        whole = check_transcript(json.loads(self.listen("--format", "json").stdout))
        self.assertEqual(len(whole["segments"]), 3)
        self.assertEqual(len(whole["skipped"]), 1)
        self.assertEqual(whole["language"], "en")
        self.assertEqual(len(self.listen("--format", "tsv").stdout.splitlines()), 4)

    def test_options_reach_the_capture(self):
        log = {"SCRIPTED_CAPTURE_LOG": str(self.folder / "log")}
        self.path("script", "")

        def asked(*arguments):
            self.run_scout("listen", *arguments, env=log)
            return (self.folder / "log").read_text()

        self.assertIn("source 0 device - driver - ", asked())
        self.assertIn("source 0 device alsa.webcam driver pulse", asked("--device", "alsa.webcam", "--driver", "pulse"))
        self.assertIn("source 1 ", asked("--system-audio"))
        self.assertIn("source 2 device x ", asked("--with-system-audio", "-d", "x"))
        self.assertIn("source 3 device - driver - real_time 1", asked("--input", self.path("talk", "")))
        self.assertIn("real_time 0", asked("--input", "talk", "--fast"))
        self.assertIn("recording 1 folder kept ", asked("--save", "kept"))
        self.assertTrue((self.folder / "kept").is_dir())
        self.assertIn("partials 0 end_silence 0.80 model small rules 0",
                      asked("--end-silence", "0.8", "--model", "small"))
        self.assertIn("partials 1", asked("--format", "jsonl"))
        self.assertIn("partials 0", asked("--format", "jsonl", "--no-partials"))
        self.path("rules.yaml", "replacements: []\n")
        self.assertIn("rules 1", asked("--replacements", "rules.yaml"))
        self.run_scout("listen", "--input", "-", "--rate", "48000", "--channels", "2", "--sample-format", "f32le",
                       env=log, stdin="")
        self.assertIn("source 4 device - driver - real_time 1 rate 48000 channels 2 format 2",
                      (self.folder / "log").read_text())

    def test_devices_are_listed(self):
        words = self.run_scout("listen", "--list-devices").stdout
        self.assertIn("  * Headset\n      alsa.headset\n    Webcam\n      alsa.webcam\n", words)
        self.assertLess(words.index("Webcam"), words.index("alsa.out.monitor"))
        devices = json.loads(self.run_scout("listen", "--list-devices", "--format", "json").stdout)
        self.assertEqual([device["id"] for device in devices], ["alsa.headset", "alsa.webcam", "alsa.out.monitor"])
        self.assertEqual([device["monitor"] for device in devices], [False, False, True])
        done = self.run_scout("listen", "--list-devices", status=1, env={"SCRIPTED_NO_SERVER": "1"})
        self.assertEqual(done.stderr, "scout: no sound server is running\n")

    def test_what_is_wrong_is_said(self):
        self.path("talk", TALK)
        for arguments, message in (
                (["--input", "nowhere.wav"], "cannot open nowhere.wav"),
                (["--input", "."], ". is a folder"),
                (["--input", "talk", "--device", "x"], "--device does not go with --input"),
                (["--fast"], "--fast does not go with a device"),
                (["--system-audio", "--device", "x"], "--with-system-audio"),
                (["--rate", "7999", "--input", "talk"], "--rate"),
                (["--end-silence", "9"], "--end-silence"),
                (["--replacements", "nowhere.yaml"], "nowhere.yaml"),
                (["talk"], "")):
            with self.subTest(arguments=arguments):
                done = self.run_scout("listen", *arguments, status=2)
                self.assertIn(message, done.stderr)
                self.assertEqual(len(done.stderr.splitlines()), 1)
        done = self.listen(script="fail the disk broke\n", status=1)
        self.assertEqual(done.stderr, "scout: the disk broke\n")

    def test_a_signal_ends_it_well(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            self.path("talk", "state running Headset\nfinal 0 0 0 1 0 All that was said.\nsleep 20000\n")
            process = subprocess.Popen([PROGRAM, "listen", "--input", "talk"], cwd=self.folder, env=self.environment,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            self.assertEqual(process.stdout.readline(), "All that was said.\n")
            process.send_signal(number)
            out, error = process.communicate(timeout=10)
            self.assertEqual((process.returncode, out), (0, ""), error)

    def test_a_closed_pipe_ends_it(self):
        self.path("talk", "state running Headset\nfinal 0 0 0 1 0 One.\nsleep 300\nfinal 0 1 1 2 0 Two.\nsleep 20000\n")
        process = subprocess.Popen([PROGRAM, "listen", "--input", "talk"], cwd=self.folder, env=self.environment,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertEqual(process.stdout.readline(), "One.\n")
        process.stdout.close()
        self.assertEqual(process.wait(timeout=10), 141)
        process.stderr.close()

    def on_terminal(self, script, environment=None):
        self.path("talk", script)
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.folder)
            os.execve(PROGRAM, [PROGRAM, "listen", "--input", "talk"],
                      {**self.environment, "TERM": "xterm", **(environment or {})})
        out = b""
        try:
            while chunk := os.read(terminal, 65536):
                out += chunk
        except OSError:
            pass
        os.close(terminal)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)
        return out.decode()

    def test_a_terminal_is_rewritten(self):
        out = self.on_terminal(TALK)
        self.assertIn("Hello\x1b[2m there and\x1b[0m", out)
        self.assertIn("\x1b[J", out)
        self.assertIn("Hello there, and welcome.\r\n", out)
        self.assertIn("listening to Headset", out)
        # Nothing of what was rewritten is left at the end.
        self.assertTrue(out.endswith("\x1b[J"))

    def test_a_terminal_without_colour_or_abilities(self):
        self.assertIn("▃ listening", self.on_terminal(TALK))
        self.assertTrue(self.on_terminal(TALK, {"LANG": "C"}).isascii())
        self.assertNotIn("\x1b[2m", self.on_terminal(TALK, {"NO_COLOR": "1"}))
        self.assertNotIn("\x1b", self.on_terminal(TALK, {"TERM": "dumb"}))

    def test_two_channels_are_you_and_they(self):
        self.path("script", "state running Both\nfinal 1 0 0 1 0 Hello.\nfinal 0 0 1 2 0 Hi.\n")
        self.assertEqual(self.run_scout("listen", "--with-system-audio").stdout, "they: Hello.\nyou: Hi.\n")
        subtitles = self.run_scout("listen", "--with-system-audio", "--format", "srt").stdout
        self.assertIn("\nthey: Hello.\n", subtitles)


if __name__ == "__main__":
    unittest.main()
