"""The command line with an engine that follows a script: formats, errors, interruption, resume."""
import csv
import io
import json
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import time
import unittest

from cli_case import PROGRAM, CliCase, check_transcript

RECORDING = """sound 12.5
language en 0.9
word 0.3 0.6 Mrs.
word 0.6 1.0 John
word 1.0 1.8 Dashwood
word 1.8 2.4 approved
word 2.4 2.8 of
word 2.8 3.1 it.
segment 0.3 3.1 Mrs. John Dashwood approved of it.
settled 3.1
skipped 3.1 6 no_speech
segment 6 9.25 "Three, or four" thousand <pounds> & more,
settled 9.25
skipped 9.25 9.3 silent
segment 9.3 12.5 would be impoverishing.
settled 12.5
"""
TEXT = """Mrs. John Dashwood approved of it.
"Three, or four" thousand <pounds> & more,
would be impoverishing.
"""


def slow(pause_ms=400, segments=6):
    """A recording of which a segment is told every pause_ms."""
    lines = [f"sound {segments * 2}", "language en 0.9"]
    for i in range(segments):
        lines += [f"word {i * 2} {i * 2 + 1} part{i}", f"segment {i * 2} {i * 2 + 1.5} part{i}"]
        lines += [f"skipped {i * 2 + 1.5} {i * 2 + 2} no_speech", f"settled {i * 2 + 2}"]
        lines += [f"sleep {pause_ms}"]
    return "\n".join(lines) + "\n"


class Formats(CliCase):
    def transcribe(self, *arguments, **more):
        self.path("a.wav", RECORDING)
        return self.run_scout("transcribe", "a.wav", *arguments, **more).stdout

    def test_text(self):
        self.assertEqual(self.transcribe(), TEXT)

    def test_text_of_standard_input(self):
        self.assertEqual(self.run_scout("transcribe", "-", stdin=RECORDING).stdout, TEXT)

    def test_text_with_words(self):
        text = self.transcribe("--words")
        self.assertIn("[0:00.30 - 0:03.10]  Mrs. John Dashwood approved of it.\n", text)
        self.assertIn("    0:00.30 Mrs.  0:00.60 John  0:01.00 Dashwood", text)
        self.assertTrue(all(len(line) <= 80 for line in text.splitlines()))
        self.assertNotIn("\033", text)

    def test_srt(self):
        self.assertEqual(
            self.transcribe("-f", "srt").split("\n\n")[:2],
            [
                "1\n00:00:00,300 --> 00:00:03,100\nMrs. John Dashwood approved of it.",
                '2\n00:00:06,000 --> 00:00:09,250\n"Three, or four" thousand <pounds> & more,',
            ],
        )

    def test_srt_in_lines(self):
        text = self.transcribe("--format=srt", "--max-line-width=12", "--max-lines=2")
        last_end = "00:00:00,000"
        for i, cue in enumerate(text.strip().split("\n\n")):
            number, times, *lines = cue.split("\n")
            self.assertEqual(number, str(i + 1))
            start, end = times.split(" --> ")
            self.assertLessEqual(last_end, start)
            self.assertLess(start, end)
            last_end = end
            self.assertLessEqual(len(lines), 2)
            self.assertTrue(all(0 < len(line) <= 12 for line in lines), lines)
        words = re.sub(r"\d+\n[\d:,]+ --> [\d:,]+\n", "", text).split()
        # "impoverishing." is wider than a line.
        self.assertEqual("".join(words), "".join(TEXT.split()))

    def test_vtt_is_escaped(self):
        text = self.transcribe("--format", "vtt")
        self.assertTrue(text.startswith("WEBVTT\n\n00:00:00.300 --> 00:00:03.100\n"))
        self.assertIn("thousand &lt;pounds&gt; &amp; more,", text)

    def test_vtt_with_words(self):
        text = self.transcribe("--format", "vtt", "--words")
        self.assertIn("Mrs. <00:00:00.600>John <00:00:01.000>Dashwood", text)

    def test_tsv(self):
        self.assertEqual(
            self.transcribe("-f", "tsv").splitlines()[:2],
            ["start\tend\ttext", "300\t3100\tMrs. John Dashwood approved of it."],
        )

    def test_csv(self):
        rows = list(csv.reader(io.StringIO(self.transcribe("-f", "csv"), newline="")))
        self.assertEqual(rows[0], ["start", "end", "text"])
        self.assertEqual(rows[2], ["6.000", "9.250", TEXT.splitlines()[1]])

    def test_lrc(self):
        self.assertIn(
            "[00:00.30]Mrs. John Dashwood approved of it.\n", self.transcribe("-f", "lrc")
        )
        self.assertIn(
            "[00:00.30]<00:00.30>Mrs. <00:00.60>John", self.transcribe("-w", "-f", "lrc")
        )

    def test_md(self):
        text = self.transcribe("-f", "md")
        self.assertTrue(text.startswith("# a.wav\n\n## 0:00:00\n\n**0:00:00** Mrs. John"))
        self.assertIn("\\<pounds\\>", text)

    def test_json(self):
        value = check_transcript(json.loads(self.transcribe("-f", "json", "--alternatives=1")))
        self.assertEqual(value["file"], "a.wav")
        self.assertEqual(value["duration"], 12.5)
        self.assertEqual([s["id"] for s in value["segments"]], [0, 1, 2])
        word = value["segments"][0]["words"][1]
        self.assertEqual((word["word"], word["start"], word["end"]), (" John", 0.6, 1.0))
        self.assertEqual(word["alternatives"], [{"text": "other", "probability": 0.25}])
        self.assertEqual([s["reason"] for s in value["skipped"]], ["no_speech", "silent"])
        self.assertEqual(value["skipped"][1]["text"], " you")
        self.assertIsNone(value["skipped"][0]["no_speech_prob"])
        self.assertEqual(value["options"]["alternatives"], 1)
        self.assertEqual(value["source"]["container"], "script")

    def test_no_words_that_were_not_asked_for(self):
        value = json.loads(self.transcribe("-f", "json"))
        self.assertNotIn("words", value["segments"][0])

    def test_jsonl(self):
        self.path("a.wav", RECORDING)
        self.path("b.wav", "no sound")
        done = self.run_scout(
            "transcribe", "-f", "jsonl", "a.wav", "missing.wav", "b.wav", "a.wav", status=1
        )
        lines = [check_transcript(json.loads(line)) for line in done.stdout.splitlines()]
        self.assertEqual([l["file"] for l in lines], ["a.wav", "missing.wav", "b.wav", "a.wav"])
        self.assertIn("missing.wav", lines[1]["error"])
        self.assertIn("sound", lines[2]["error"])
        self.assertEqual(done.stderr.count("\n"), 2)

    def test_several_json_are_an_array(self):
        self.path("a.wav", RECORDING)
        done = self.run_scout("transcribe", "-f", "json", "a.wav", "missing", status=1)
        value = json.loads(done.stdout)
        self.assertEqual(len(value), 2)
        for item in value:
            check_transcript(item)

    def test_several_texts_have_their_names(self):
        self.path("a.wav", RECORDING)
        self.path("b.wav", RECORDING)
        done = self.run_scout("transcribe", "a.wav", "b.wav")
        self.assertEqual(done.stdout, f"==> a.wav <==\n{TEXT}\n==> b.wav <==\n{TEXT}")

    def test_several_subtitles_need_a_folder(self):
        self.path("a.wav", RECORDING)
        done = self.run_scout("transcribe", "-f", "srt", "a.wav", "a.wav", status=2)
        self.assert_one_line(done.stderr, "--output-dir")

    def test_timings_are_on_standard_error(self):
        self.path("a.wav", RECORDING)
        done = self.run_scout("transcribe", "--timings", "a.wav")
        self.assertEqual(done.stdout, TEXT)
        self.assertEqual(done.stderr.count("\n"), 1)
        self.assertIn("12.5 s of sound in 1.56 s, 8.0 times as fast", done.stderr)

    def test_silence_is_no_error(self):
        self.path("quiet.wav", "sound 3\nskipped 0 3 no_speech\nsettled 3\n")
        for kind in ("text", "srt", "vtt", "tsv", "csv", "lrc", "md"):
            self.run_scout("transcribe", "-f", kind, "quiet.wav")
        done = self.run_scout("transcribe", "-f", "json", "quiet.wav")
        self.assertEqual(check_transcript(json.loads(done.stdout))["text"], "")


class Options(CliCase):
    def asked(self, *arguments, env=None):
        self.path("a.wav", RECORDING)
        log = self.path("log")
        pathlib.Path(log).unlink(missing_ok=True)
        env = {"SCRIPTED_ENGINE_LOG": log, **(env or {})}
        self.run_scout("transcribe", "a.wav", *arguments, env=env)
        return pathlib.Path(log).read_text()

    def test_what_the_engine_gets(self):
        said = self.asked("--start=1:00", "--end", "90.5", "--language", "de", "--beam-size=3")
        self.assertIn("start=60.000 end=90.500 language=de", said)
        self.assertIn("beam=3", said)
        self.assertIn("words=0", said)
        self.assertIn("words=1", self.asked("--alternatives=2"))
        self.assertIn("words=1", self.asked("--format=srt", "--max-line-width=30"))
        self.assertIn("words=0", self.asked("--format=srt"))
        self.assertIn("draft=none", said)
        self.path("home/.config/scout/config.yaml", "draft: small\n")
        self.assertIn("draft=small", self.asked())
        self.assertIn("draft=none", self.asked("--draft="))
        self.assertIn("condition=0 batch=2 full=0", said)
        said = self.asked("--condition-on-previous", "--batch-size=8", "--full-window")
        self.assertIn("condition=1 batch=8 full=1", said)
        done = self.run_scout("transcribe", "a.wav", "--batch-size=9", status=2)
        self.assertIn("--batch-size", done.stderr)

    def test_only_what_decides_the_text_is_told(self):
        self.path("a.wav", RECORDING)
        asked = ["--condition-on-previous", "--batch-size=8", "--threads=1", "--full-window"]
        done = self.run_scout("transcribe", "--format=json", "a.wav", *asked)
        told = json.loads(done.stdout)["options"]
        self.assertTrue(told["condition-on-previous"] and told["full-window"])
        self.assertNotIn("batch-size", told)
        self.assertNotIn("threads", told)

    def test_hotwords(self):
        self.assertIn("hotwords=2", self.asked("--hotwords", "Anna, New York,"))
        self.path("words", "Anna\n\nNew York\nBaden-Baden\n")
        self.assertIn("hotwords=3", self.asked("--hotwords=@words"))
        done = self.run_scout("transcribe", "a.wav", "--hotwords=@nowhere", status=2)
        self.assert_one_line(done.stderr, "--hotwords", "nowhere")

    def test_which_value_counts(self):
        config = self.path("home/.config/scout/config.yaml", "beam-size: 2\n")
        self.assertIn("beam=2", self.asked())
        self.assertIn("beam=3", self.asked(env={"SCOUT_BEAM_SIZE": "3"}))
        self.assertIn("beam=4", self.asked("--beam-size=4", env={"SCOUT_BEAM_SIZE": "3"}))
        other = self.path("other.yaml", "beam-size: 7\n")
        self.assertIn("beam=7", self.asked("--config", other))
        self.assertIn("beam=7", self.asked(env={"SCOUT_CONFIG": other}))
        done = self.run_scout("config", "--json", "--best-of=2", env={"SCOUT_BEAM_SIZE": "3"})
        value = json.loads(done.stdout)
        self.assertEqual(value["beam-size"], {"value": "3", "from": "SCOUT_BEAM_SIZE"})
        self.assertEqual(value["best-of"], {"value": "2", "from": "command line"})
        self.assertEqual(value["model"], {"value": "base", "from": "default"})
        done = self.run_scout("config")
        self.assertRegex(done.stdout, rf"beam-size +2 +# {re.escape(config)}:1\n")

    def test_a_wrong_file_names_the_line(self):
        self.path("home/.config/scout/config.yaml", "beam-size: 2\nmodell: x\n")
        done = self.run_scout("transcribe", "a.wav", status=2)
        self.assert_one_line(done.stderr, "config.yaml:2: unknown option 'modell'", "'model'?")
        self.run_scout("transcribe", "--help")
        self.assert_one_line(
            self.run_scout("languages", "--config=nowhere", status=2).stderr, "nowhere"
        )

    def test_wrong_use(self):
        self.path("a.wav", RECORDING)
        for arguments, parts in (
            (["transcibe", "a.wav"], ["did you mean 'transcribe'?"]),
            (["a.wav"], ["scout transcribe 'a.wav'"]),
            (["transcribe", "--formt=srt", "a.wav"], ["did you mean --format?"]),
            (["transcribe", "--format=srtt", "a.wav"], ["did you mean 'srt'?"]),
            (["transcribe", "--language=xx", "a.wav"], ["xx"]),
            (["transcribe", "--end=1", "--start=2", "a.wav"], ["--end", "--start"]),
            (["transcribe", "--temperature=0,x", "a.wav"], ["--temperature"]),
            (["transcribe"], ["FILE"]),
            (["transcribe", "-", "-"], ["standard input"]),
            (["transcribe", "--resume", "-"], ["--resume"]),
            (["models", "pull", "bse"], ["did you mean 'base'?"]),
            (["models", "pull", "https://x/y.bin"], ["--name"]),
            (["models", "import", "x"], ["--name"]),
            (["completions", "tcsh"], ["tcsh"]),
            (["help", "nothing"], ["nothing"]),
            (["--quiet"], ["no command"]),
        ):
            with self.subTest(arguments):
                self.assert_one_line(self.run_scout(*arguments, status=2).stderr, *parts)

    def test_a_missing_model(self):
        done = self.run_scout("transcribe", "--model=missing", "a.wav", status=1)
        self.assert_one_line(done.stderr, "missing")

    def test_help_fits_and_teaches(self):
        pages = [self.run_scout("--help").stdout, self.run_scout("transcribe", "--help").stdout]
        for words in ("models", "models pull", "doctor", "config", "completions"):
            page = self.run_scout("help", *words.split()).stdout
            self.assertEqual(page, self.run_scout(*words.split(), "--help").stdout)
            pages.append(page)
        for page in pages:
            self.assertTrue(all(len(line) < 80 for line in page.splitlines()))
        self.assertIn("Examples", pages[1])
        self.assertIn("Exit status", pages[0])
        self.assertEqual(self.run_scout().stdout, pages[0])

    def test_version(self):
        text = self.run_scout("--version").stdout
        self.assertRegex(text, r"^scout \d+\.\d+\.\d+\nkernels \w+\nlicence MIT")


class BadInput(CliCase):
    def test_each_is_one_line(self):
        self.path("empty.wav", "")
        self.path("text.wav", "this is a letter\n")
        (self.folder / "folder").mkdir()
        for name, part in (
            ("missing.wav", "No such file"),
            ("empty.wav", "empty"),
            ("folder", "folder/*.mp3"),
            ("text.wav", "no sound"),
        ):
            with self.subTest(name):
                done = self.run_scout("transcribe", name, status=1)
                self.assert_one_line(done.stderr, name, part)
                self.assertEqual(done.stdout, "")

    @unittest.skipIf(os.geteuid() == 0, "root reads everything")
    def test_unreadable(self):
        os.chmod(self.path("a.wav", RECORDING), 0)
        self.assert_one_line(self.run_scout("transcribe", "a.wav", status=1).stderr, "Permission")

    def test_a_bad_one_does_not_stop_the_others(self):
        self.path("a.wav", RECORDING)
        done = self.run_scout("transcribe", "missing", "a.wav", "--output-dir=out", status=1)
        self.assertEqual((self.folder / "out/a.txt").read_text(), TEXT)
        self.assertEqual(os.listdir(self.folder / "out"), ["a.txt"])

    def test_damage(self):
        self.path("a.wav", RECORDING + "damage 12.25 1 the file ends early\n")
        done = self.run_scout("transcribe", "a.wav", status=3)
        self.assertEqual(done.stdout, TEXT)
        self.assert_one_line(done.stderr, "warning", "a.wav", "cut short", "0:12.3", "12.2")
        done = self.run_scout("transcribe", "-f", "json", "a.wav", status=3)
        value = check_transcript(json.loads(done.stdout))
        self.assertEqual(
            value["damage"], [{"at": 12.25, "to_end": True, "message": "the file ends early"}]
        )

    def test_a_failure_in_the_middle_keeps_what_was_done(self):
        self.path("a.wav", RECORDING + "fail -13 scout-decode died\n")
        done = self.run_scout("transcribe", "-f", "json", "a.wav", status=1)
        self.assert_one_line(done.stderr, "scout-decode died")
        value = check_transcript(json.loads(done.stdout))
        self.assertEqual(len(value["segments"]), 3)
        self.assertEqual(value["error"], "scout-decode died")

    def test_full_disk(self):
        self.path("a.wav", RECORDING)
        with open("/dev/full", "w") as full:
            done = self.run_scout(
                "transcribe", "a.wav", status=1, stdout=full, stderr=subprocess.PIPE
            )
        self.assert_one_line(done.stderr, "standard output", "No space left")

    @unittest.skipUnless(os.geteuid() == 0, "needs to mount")
    def test_full_disk_of_the_output(self):
        out = self.folder / "small"
        out.mkdir()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=4k", "none", out], capture_output=True
        )
        if mounted.returncode:
            self.skipTest("may not mount")
        self.addCleanup(subprocess.run, ["umount", out])
        many = "".join(f"segment {i} {i + 1} {'word ' * 60}\n" for i in range(200))
        self.path("a.wav", "sound 200\n" + many)
        done = self.run_scout("transcribe", "a.wav", "-o", "small", status=1)
        self.assert_one_line(done.stderr, "small/a.txt", "No space left")
        self.assertEqual(os.listdir(out), [])

    def test_a_reader_that_leaves(self):
        self.path("a.wav", slow(100))
        process = self.start_scout("transcribe", "a.wav")
        self.assertEqual(process.stdout.readline(), "part0\n")
        process.stdout.close()
        self.assertEqual(process.wait(20), 141)
        self.assertEqual(process.stderr.read(), "")


class OutputFolder(CliCase):
    def test_names(self):
        self.path("x/a.wav", RECORDING)
        self.path("x/a.mp3", RECORDING)
        self.path("x/b.c.ogg", RECORDING)
        self.path("x/.hidden", RECORDING)
        self.run_scout(
            "transcribe", "x/a.wav", "x/a.mp3", "x/b.c.ogg", "x/.hidden", "-f", "srt", "-o", "out"
        )
        self.assertEqual(
            sorted(os.listdir(self.folder / "out")),
            [".hidden.srt", "a.mp3.srt", "a.wav.srt", "b.c.srt"],
        )

    def test_twins_are_refused(self):
        self.path("x/a.wav", RECORDING)
        self.path("y/a.wav", RECORDING)
        done = self.run_scout("transcribe", "x/a.wav", "y/a.wav", "-o", "out", status=2)
        self.assert_one_line(done.stderr, "out/a.wav.txt", "two inputs")
        self.assertFalse((self.folder / "out").exists())

    def test_what_exists_is_kept(self):
        self.path("a.wav", RECORDING)
        self.path("out/a.txt", "mine")
        done = self.run_scout("transcribe", "a.wav", "-o", "out", status=1)
        self.assert_one_line(done.stderr, "out/a.txt", "--force")
        self.assertEqual((self.folder / "out/a.txt").read_text(), "mine")
        self.run_scout("transcribe", "a.wav", "-o", "out", "--force")
        self.assertEqual((self.folder / "out/a.txt").read_text(), TEXT)

    def test_a_folder_that_is_a_file(self):
        self.path("a.wav", RECORDING)
        self.path("out", "")
        done = self.run_scout("transcribe", "a.wav", "-o", "out", status=1)
        self.assert_one_line(done.stderr, "out")

    @unittest.skipIf(os.geteuid() == 0, "root writes everywhere")
    def test_a_folder_that_cannot_be_written(self):
        self.path("a.wav", RECORDING)
        (self.folder / "out").mkdir(mode=0o500)
        done = self.run_scout("transcribe", "a.wav", "-o", "out", status=1)
        self.assert_one_line(done.stderr, "out", "Permission")


class Bench(CliCase):
    def test_json(self):
        value = json.loads(self.run_scout("bench", "--json").stdout)
        self.assertEqual(value["encoder_ms"], 1.5)
        self.assertEqual(value["stages"]["encoder"], {"min_ms": 1.5, "median_ms": 2.5, "runs": 7})
        self.assertEqual(value["peak_rss_mb"], 123.456789)
        self.assertIsNone(value["decoder_ms_per_batch_step"])
        self.assertIsNone(value["peaks"]["bf16_gops"])
        self.assertIsNone(value["end_to_end"])
        self.assertTrue(value["rtf_is_estimated"])
        self.assertAlmostEqual(value["rtf"], (3 * 1.5 + 75 * 1.5) / 30e3)

    def test_table(self):
        text = self.run_scout("bench").stdout
        self.assertIn("kernels scripted", text)
        self.assertRegex(text, r"encode 30 s of sound +1\.50 ms +2\.50 ms\n")
        self.assertRegex(text, r"4 windows, 5 texts each +takes too long here\n")
        self.assertIn("100 (f32), 400 (int8)", text)
        self.assertIn("--audio FILE", text)

    def test_what_the_engine_is_asked(self):
        value = json.loads(self.run_scout("bench", "--json", "--runs=3", "--beam-size=2").stdout)
        self.assertEqual(value["stages"]["token"]["runs"], 3)
        self.assertEqual(value["rows_per_step"], 2)

    def test_a_recording(self):
        self.path("a.wav", RECORDING)
        value = json.loads(self.run_scout("bench", "--json", "--audio=a.wav", "--runs=2").stdout)
        self.assertEqual(value["end_to_end"]["runs"], 2)
        self.assertFalse(value["rtf_is_estimated"])
        done = self.run_scout("bench", "--audio=nowhere.wav", status=1)
        self.assert_one_line(done.stderr, "nowhere.wav")
        self.assertEqual(done.stdout, "")

    def test_interrupted(self):
        for arguments in (["--runs=999"], ["--audio=slow.wav"]):
            self.path("slow.wav", slow())
            process = self.start_scout("bench", *arguments)
            time.sleep(0.6)
            process.send_signal(signal.SIGINT)
            out, error = process.communicate(timeout=10)
            self.assertEqual(process.returncode, 130, error)
            self.assertEqual(out, "")
            self.assertIn("interrupted", error)

    def test_it_takes_no_files(self):
        done = self.run_scout("bench", "a.wav", status=2)
        self.assert_one_line(done.stderr, "a.wav")


class Interruption(CliCase):
    def interrupt(self, *arguments, number=signal.SIGINT):
        self.path("a.wav", slow())
        process = self.start_scout("transcribe", "a.wav", *arguments)
        time.sleep(0.6)
        process.send_signal(number)
        out, error = process.communicate(timeout=10)
        self.assertEqual(process.returncode, 130, error)
        return out, error

    def test_text(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            out, error = self.interrupt(number=number)
            self.assertTrue("part0\npart1\npart2\npart3\npart4\npart5\n".startswith(out))
            self.assertIn("part1\n", out)
            self.assertNotIn("part5", out)
            self.assertEqual(error.count("\n"), 1)

    def test_json(self):
        value = check_transcript(json.loads(self.interrupt("-f", "json")[0]))
        self.assertTrue(value["interrupted"])
        self.assertTrue(0 < len(value["segments"]) < 6)

    def test_srt(self):
        out, _ = self.interrupt("-f", "srt")
        self.assertTrue(out.endswith("\n\n"))
        self.assertTrue(out.startswith("1\n00:00:00,000 --> 00:00:01,500\npart0\n\n2\n"))

    def test_folder(self):
        self.interrupt("-o", "out")
        self.assertTrue((self.folder / "out/a.txt").read_text().startswith("part0\n"))

    def test_the_second_ends_at_once(self):
        # The engine does not look at the flag while it writes down a word of 5 seconds.
        self.path("pipe.wav", "")
        os.unlink(self.path("pipe.wav"))
        os.mkfifo(self.path("pipe.wav"))
        process = self.start_scout("transcribe", "pipe.wav")
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(5), 130)

    def test_text_comes_as_it_is_decoded(self):
        self.path("a.wav", slow(500))
        process = self.start_scout("transcribe", "a.wav")
        start = time.monotonic()
        self.assertEqual(process.stdout.readline(), "part0\n")
        first = time.monotonic() - start
        process.stdout.read()
        self.assertLess(first * 3, time.monotonic() - start)


class Resume(CliCase):
    def journals(self):
        folder = self.folder / "home/.local/state/scout/resume"
        return sorted(folder.iterdir()) if folder.exists() else []

    def kill(self, *arguments, after=1.0):
        process = self.start_scout("transcribe", "--resume", *arguments)
        time.sleep(after)
        process.kill()
        process.communicate()

    def test_output_is_the_same(self):
        self.path("a.wav", slow(100))
        for kind in ("text", "json", "srt", "vtt", "csv", "md"):
            whole = self.run_scout("transcribe", "-w", "-f", kind, "a.wav").stdout
            self.kill("-w", "-f", kind, "a.wav", after=0.35)
            self.assertEqual(len(self.journals()), 1)
            log = self.path("log")
            done = self.run_scout(
                "transcribe",
                "--resume",
                "-w",
                "-f",
                kind,
                "a.wav",
                env={"SCRIPTED_ENGINE_LOG": log},
            )
            said = pathlib.Path(log).read_text()
            os.unlink(log)
            self.assertNotIn("start=0.000", said)
            self.assertIn("language=en", said)
            self.assertIn("previous=0", said)
            if kind == "json":
                whole, resumed = json.loads(whole), json.loads(done.stdout)
                check_transcript(resumed)
                self.assertEqual(whole, resumed)
            else:
                self.assertEqual(whole, done.stdout)
            self.assertEqual(self.journals(), [])

    def test_text_before_is_the_prompt_if_it_was(self):
        self.path("a.wav", slow(100))
        self.kill("--condition-on-previous", "a.wav", after=0.35)
        log = self.path("log")
        self.run_scout(
            "transcribe",
            "--resume",
            "--condition-on-previous",
            "a.wav",
            env={"SCRIPTED_ENGINE_LOG": log},
        )
        said = pathlib.Path(log).read_text()
        self.assertRegex(said, r"previous=[1-9]")
        self.assertIn("condition=1", said)

    def test_killed_at_any_moment(self):
        self.path("a.wav", slow(30, 12))
        whole = self.run_scout("transcribe", "-f", "json", "a.wav").stdout
        for tenth in range(1, 8):
            self.kill("-f", "json", "a.wav", after=tenth * 0.05)
            self.kill("-f", "json", "a.wav", after=0.1)
            done = self.run_scout("transcribe", "--resume", "-f", "json", "a.wav")
            self.assertEqual(json.loads(done.stdout), json.loads(whole))

    def test_a_journal_that_is_cut_or_damaged(self):
        self.path("a.wav", slow(30))
        whole = self.run_scout("transcribe", "a.wav").stdout
        self.kill("a.wav", after=0.13)
        journal = self.journals()[0]
        data = journal.read_bytes()
        for cut in (0, 1, len(data) // 3, len(data) // 2, len(data) - 1):
            for junk in (b"", b"\0\0\0\n", b'{"segment":{}}\n', b"[]\n", b"{\n"):
                journal.write_bytes(data[:cut] + junk)
                done = self.run_scout("transcribe", "--resume", "a.wav")
                self.assertEqual(done.stdout, whole)
                self.assertEqual(self.journals(), [])

    def test_another_file_or_option_begins_anew(self):
        self.path("a.wav", slow(200))
        self.kill("a.wav", after=0.7)
        log = self.path("log")
        env = {"SCRIPTED_ENGINE_LOG": log}
        self.run_scout("transcribe", "--resume", "--beam-size=1", "a.wav", env=env)
        self.assertIn("start=0.000", pathlib.Path(log).read_text())
        time.sleep(0.02)
        self.path("a.wav", slow(1) + "\n".join(["skipped 12 12.5 silent", ""]))
        os.unlink(log)
        self.run_scout("transcribe", "--resume", "a.wav", env=env)
        self.assertIn("start=0.000", pathlib.Path(log).read_text())

    def test_batch(self):
        for name in "abc":
            self.path(f"{name}.wav", slow(120, 4))
        self.kill("-o", "out", "a.wav", "b.wav", "c.wav", after=0.9)
        self.assertEqual(os.listdir(self.folder / "out"), ["a.txt"])
        before = os.stat(self.folder / "out/a.txt").st_mtime_ns
        log = self.path("log")
        done = self.run_scout(
            "transcribe",
            "--resume",
            "-o",
            "out",
            "a.wav",
            "b.wav",
            "c.wav",
            env={"SCRIPTED_ENGINE_LOG": log},
        )
        self.assertEqual(os.stat(self.folder / "out/a.txt").st_mtime_ns, before)
        said = pathlib.Path(log).read_text()
        self.assertNotIn("a.wav", said)
        self.assertIn("b.wav", said)
        for name in "abc":
            self.assertEqual(
                (self.folder / f"out/{name}.txt").read_text(), "part0\npart1\npart2\npart3\n"
            )
        self.assertEqual(self.journals(), [])
        os.unlink(log)
        self.run_scout(
            "transcribe", "--resume", "-o", "out", "a.wav", "b.wav", "c.wav",
            env={"SCRIPTED_ENGINE_LOG": log},
        )
        self.assertFalse(os.path.exists(log))
        # Another format is another work; an output that somebody changed is somebody's.
        self.run_scout("transcribe", "--resume", "-o", "out", "-f", "srt", "a.wav")
        self.path("out/a.txt", "changed")
        done = self.run_scout("transcribe", "--resume", "-o", "out", "a.wav", status=1)
        self.assert_one_line(done.stderr, "--force")

    def test_interrupted_goes_on(self):
        self.path("a.wav", slow(200))
        process = self.start_scout("transcribe", "--resume", "-o", "out", "a.wav")
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(10), 130)
        self.run_scout("transcribe", "--resume", "-o", "out", "a.wav")
        self.assertEqual(
            (self.folder / "out/a.txt").read_text(), "".join(f"part{i}\n" for i in range(6))
        )

    def test_two_at_once(self):
        self.path("a.wav", slow(300))
        process = self.start_scout("transcribe", "--resume", "a.wav")
        time.sleep(0.4)
        done = self.run_scout("transcribe", "--resume", "a.wav", status=1)
        self.assert_one_line(done.stderr, "another scout")
        self.assertEqual(process.wait(20), 0)


class Terminal(CliCase):
    def on_terminal(self, *arguments, env=None, columns=60):
        """Runs with standard error on a terminal; returns what came there."""
        import fcntl
        import struct
        import termios

        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen(
            [PROGRAM, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=slave,
            cwd=self.folder,
            env={**self.environment, "TERM": "xterm", **(env or {})},
        )
        os.close(slave)
        seen = b""
        while True:
            if select.select([master], [], [], 0.1)[0]:
                try:
                    piece = os.read(master, 4096)
                except OSError:
                    break
                if not piece:
                    break
                seen += piece
        process.stdout.read()
        process.stdout.close()
        process.wait()
        os.close(master)
        return seen.decode()

    def test_progress(self):
        self.path("a.wav", slow(250))
        seen = self.on_terminal("transcribe", "a.wav")
        self.assertIn("a.wav", seen)
        self.assertRegex(seen, r" 50 % 0:0\d left")
        for line in re.split(r"\r\x1b\[K|\r\n", seen):
            self.assertLess(len(line), 60, line)
        # At the end the line is gone.
        self.assertTrue(seen.endswith("\r\033[K"), repr(seen[-80:]))

    def test_quiet(self):
        self.path("a.wav", slow(50))
        self.assertEqual(self.on_terminal("transcribe", "--quiet", "a.wav"), "")

    def test_colours(self):
        self.assertIn("\033[31mscout: \033[0m", self.on_terminal("transcribe", "missing"))
        for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            self.assertNotIn("\033[3", self.on_terminal("transcribe", "missing", env=env))


if __name__ == "__main__":
    unittest.main(verbosity=1)
