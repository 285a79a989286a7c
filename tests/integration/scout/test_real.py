"""The real program on real speech: what is recognised, resumed, refused, and kept off the network.

Needs the models in $SCOUT_TEST_MODELS; without them the tests are skipped.
"""
import array
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
import unittest
import wave

MODELS = os.environ.get("SCOUT_TEST_MODELS", "")
os.environ["SCOUT_MODELS_DIR"] = MODELS
from cli_case import PROGRAM, ROOT, CliCase, check_transcript  # noqa: E402

SPEECH = pathlib.Path("/usr/share/pocketsphinx/test/data/librivox")
PREFIX = "sense_and_sensibility_01_austen_64kb-"
PROMPTS = pathlib.Path("/usr/share/asterisk/sounds/en_US_f_Allison")


def recording(number):
    return SPEECH / f"{PREFIX}{number}.wav"


def setUpModule():
    if not os.path.exists(os.path.join(MODELS, "base/model.scout")):
        raise unittest.SkipTest("no models in SCOUT_TEST_MODELS")
    if not SPEECH.exists():
        raise unittest.SkipTest("pocketsphinx-testdata is not installed")


def plain(text):
    return re.sub(r"[^a-z ]", "", text.lower().replace("-", " ").replace("\n", " ")).split()


class RealCase(CliCase):
    def long_recording(self, times=4):
        path = self.folder / "long.wav"
        with wave.open(str(path), "wb") as out:
            for _ in range(times):
                for number in ("0870", "0880", "0890", "0920"):
                    with wave.open(str(recording(number))) as part:
                        if out.getnframes() == 0 and not out._nchannels:
                            out.setparams(part.getparams())
                        out.writeframes(part.readframes(part.getnframes()))
        return path


class Speech(RealCase):
    def test_words_that_were_said(self):
        text = self.run_scout("transcribe", recording("0870")).stdout
        expected = plain(
            "and mr john dashwood had then leisure to consider how much there might be prudently "
            "in his power to do for them"
        )
        self.assertEqual(plain(text), expected)

    def test_json_of_real_speech(self):
        done = self.run_scout(
            "transcribe", "-f", "json", "--words", "--alternatives=3", recording("0890")
        )
        value = check_transcript(json.loads(done.stdout))
        self.assertEqual(value["language"], "en")
        words = [word for segment in value["segments"] for word in segment["words"]]
        self.assertEqual("".join(word["word"] for word in words).strip(), value["text"].strip())
        starts = [word["start"] for word in words]
        self.assertEqual(starts, sorted(starts))
        self.assertTrue(all(word["start"] <= word["end"] for word in words))
        self.assertGreater(words[-1]["end"], 3)

    def test_subtitles_of_real_speech(self):
        done = self.run_scout(
            "transcribe", "-f", "srt", "--max-line-width=30", "--max-lines=2", recording("0920")
        )
        last = ""
        for cue in done.stdout.strip().split("\n\n"):
            _, times, *lines = cue.split("\n")
            start, end = times.split(" --> ")
            self.assertLessEqual(last, start)
            self.assertLess(start, end)
            last = end
            self.assertTrue(1 <= len(lines) <= 2)
            self.assertTrue(all(len(line) <= 30 for line in lines))

    def test_standard_input_is_the_same(self):
        with open(recording("0930"), "rb") as file:
            piped = subprocess.run(
                [PROGRAM, "transcribe", "-"],
                stdin=file,
                capture_output=True,
                text=True,
                env=self.environment,
            )
        self.assertEqual(piped.stdout, self.run_scout("transcribe", recording("0930")).stdout)

    def test_files_that_ffmpeg_has_to_read_are_the_same(self):
        with wave.open(str(recording("0930"))) as file:
            frames = array.array("h", file.readframes(file.getnframes()))
        frames.byteswap()
        path = self.folder / "x.au"
        path.write_bytes(b".snd" + struct.pack(">5I", 24, 0xFFFFFFFF, 3, 16000, 1) + frames.tobytes())
        files = [path, path, recording("0930"), path]
        done = self.run_scout("transcribe", "-f", "json", *files)
        texts = [check_transcript(value)["text"] for value in json.loads(done.stdout)]
        self.assertEqual(len(texts), len(files))
        self.assertEqual(set(texts), {texts[2]})
        self.assertEqual(done.stderr, "")

    def test_part(self):
        done = self.run_scout(
            "transcribe", "-f", "json", "--start=2", "--end", "0:05", recording("0870")
        )
        value = check_transcript(json.loads(done.stdout))
        self.assertTrue(value["segments"])
        for segment in value["segments"]:
            self.assertGreaterEqual(segment["start"], 1.9)
            self.assertLessEqual(segment["end"], 5.1)

    def test_a_short_prompt_of_a_telephone(self):
        files = sorted(PROMPTS.glob("vm-goodbye.*")) if PROMPTS.exists() else []
        if not files:
            self.skipTest("asterisk-core-sounds-en-wav is not installed")
        self.assertIn("goodbye", "".join(plain(self.run_scout("transcribe", files[0]).stdout)))

    def test_a_truncated_file(self):
        data = recording("0870").read_bytes()
        short = self.folder / "short.wav"
        short.write_bytes(data[: len(data) // 2])
        done = self.run_scout("transcribe", short, status=3)
        self.assert_one_line(done.stderr, "warning", "short.wav", "cut short", "second 3.")
        self.assertTrue(done.stdout)

    def test_no_sound(self):
        text = self.path("letter.wav", "Dear Sir,\n" * 200)
        done = self.run_scout("transcribe", text, status=1)
        self.assert_one_line(done.stderr, "letter.wav")

    def test_wrong_names(self):
        done = self.run_scout("transcribe", "--language=klingon", recording("0880"), status=2)
        self.assert_one_line(done.stderr, "klingon")
        done = self.run_scout("transcribe", "--model=hugest", recording("0880"), status=1)
        self.assert_one_line(done.stderr, "hugest", "models pull")


class Draft(RealCase):
    """The text is the model's alone, whatever guesses ahead."""

    def transcript(self, *arguments):
        done = self.run_scout(
            "transcribe", "-f", "json", "--beam-size=1", "--words", *arguments, self.sound
        )
        value = check_transcript(json.loads(done.stdout))
        return value["segments"], value["timings"]

    def setUp(self):
        super().setUp()
        self.sound = self.long_recording(2)
        self.segments, self.timings = self.transcript()

    def test_a_model_that_drafts_for_itself(self):
        segments, timings = self.transcript("--draft=base")
        self.assertEqual(segments, self.segments)
        self.assertGreater(timings["drafted"], 50)
        self.assertEqual(timings["accepted"], timings["drafted"])
        self.assertEqual(timings["tokens"], self.timings["tokens"])
        self.assertEqual(self.timings["drafted"], 0)

    def test_a_draft_that_knows_nothing(self):
        for number, shape in enumerate((["--seed=3"], ["--mels=128", "--layers=1"])):
            made = self.folder / f"made{number}"
            subprocess.run(
                [sys.executable, ROOT / "tools/make-tiny-model.py", made, "--only", "ct2-f16", *shape],
                check=True,
            )
            folder = f"--models-dir={self.folder / 'models'}"
            name = f"--name=tiny{number}"
            self.run_scout("models", "import", folder, made / "ct2-f16", name)
            tiny = self.folder / f"models/tiny{number}/model.scout"
            segments, timings = self.transcript(f"--draft={tiny}")
            self.assertEqual(segments, self.segments)
            self.assertGreater(timings["drafted"], timings["accepted"])
            wrong = timings["drafted"] - timings["accepted"]
            self.assertEqual(timings["tokens"], self.timings["tokens"] + wrong)

    def test_what_is_said_of_it(self):
        done = self.run_scout(
            "transcribe", "--beam-size=1", "--draft=base", "--timings", recording("0890")
        )
        self.assertRegex(done.stderr, r"(\d+) of \1 drafted tokens were right")

    def test_what_is_refused(self):
        done = self.run_scout("transcribe", "--draft=base", recording("0890"), status=2)
        self.assert_one_line(done.stderr, "draft", "--beam-size 1")
        done = self.run_scout(
            "transcribe", "--beam-size=1", "--draft=hugest", recording("0890"), status=1
        )
        self.assert_one_line(done.stderr, "hugest", "models pull")
        english = self.folder / "english"
        subprocess.run(
            [sys.executable, ROOT / "tools/make-tiny-model.py", english]
            + ["--only", "ct2-f16", "--vocab=english"],
            check=True,
        )
        folder = f"--models-dir={self.folder / 'models'}"
        self.run_scout("models", "import", folder, english / "ct2-f16", "--name=english")
        done = self.run_scout(
            "transcribe",
            "--beam-size=1",
            f"--draft={self.folder / 'models/english/model.scout'}",
            recording("0890"),
            status=2,
        )
        self.assert_one_line(done.stderr, "51864", "51865", "vocabulary")


class Durable(RealCase):
    def test_resume_after_kill(self):
        long = self.long_recording(8)
        whole = json.loads(self.run_scout("transcribe", "-f", "json", long).stdout)
        journals = self.folder / "home/.local/state/scout/resume"
        process = self.start_scout("transcribe", "--resume", "-f", "json", long)
        end = time.monotonic() + 60
        while time.monotonic() < end and process.poll() is None:
            found = list(journals.glob("*.jsonl"))
            if found and found[0].read_text().count('"settled"') >= 2:
                break
            time.sleep(0.02)
        process.kill()
        process.communicate()
        self.assertEqual(len(list(journals.iterdir())), 1)
        done = self.run_scout("transcribe", "--resume", "-f", "json", long)
        self.assertIn("going on at", done.stderr)
        resumed = check_transcript(json.loads(done.stdout))
        # What voice activity heard in the first second after the seam is all that may differ.
        for value in (whole, resumed):
            value.pop("timings")
            for part in value["segments"] + value["skipped"]:
                for name in [name for name in part if name.startswith("speech_prob")]:
                    part.pop(name)
        self.assertEqual(resumed, whole)
        self.assertEqual(list(journals.iterdir()), [])

    def test_ctrl_c(self):
        long = self.long_recording(100)
        process = self.start_scout("transcribe", "-f", "json", long)
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 130)
        self.assertTrue(check_transcript(json.loads(out))["interrupted"])


class Private(RealCase):
    def test_without_a_network(self):
        command = ["unshare", "-n" if os.geteuid() == 0 else "-rn"]
        if subprocess.run([*command, "true"], capture_output=True).returncode:
            self.skipTest("no network namespaces here")
        done = subprocess.run(
            [*command, PROGRAM, "transcribe", recording("0880")],
            capture_output=True,
            text=True,
            env=self.environment,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("young man", done.stdout)

    def test_no_command_opens_a_socket(self):
        if not shutil.which("strace"):
            self.skipTest("no strace")
        log = self.folder / "calls"
        for arguments in (
            ["transcribe", "--words", str(recording("0880"))],
            ["models", "list"],
            ["models", "list", "--available"],
            ["models", "info", "base"],
            ["models", "verify", "silero-vad"],
            ["models", "pull", "base", "--if-missing"],
            ["languages"],
            ["doctor"],
            ["config"],
            ["completions", "bash"],
            ["--version"],
            ["--help"],
        ):
            done = subprocess.run(
                ["strace", "-f", "-qq", "-e", "trace=socket,connect", "-o", log, PROGRAM, *arguments],
                capture_output=True,
                text=True,
                env=self.environment,
            )
            if "ptrace" in done.stderr.lower() and done.returncode:
                self.skipTest("may not trace")
            calls = [
                line
                for line in log.read_text().splitlines()
                if "socket(" in line and "AF_UNIX" not in line
            ]
            self.assertEqual(calls, [], arguments)
            self.assertEqual(done.returncode, 0, f"{arguments}: {done.stderr}")


class Models(CliCase):
    """Imports and downloads, into a folder of their own."""

    def setUp(self):
        super().setUp()
        self.environment["SCOUT_MODELS_DIR"] = str(self.folder / "models")
        made = subprocess.run(
            [
                sys.executable,
                ROOT / "tools/make-tiny-model.py",
                self.folder / "tiny",
                "--only",
                "ggml-f16",
                "ct2-f16",
            ],
            capture_output=True,
            text=True,
        )
        self.assertEqual(made.returncode, 0, made.stderr)
        self.file = self.folder / "tiny/ggml-f16.bin"

    def names(self):
        return self.run_scout("models", "list", "--names").stdout.split()

    def serve(self):
        server = subprocess.Popen(
            [sys.executable, ROOT / "tests/support/range_server.py", self.file],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        return f"http://127.0.0.1:{server.stdout.readline().strip()}"

    def test_import_list_info_verify_remove(self):
        self.run_scout("models", "import", self.file, "--name", "tiny")
        self.run_scout(
            "models", "import", self.folder / "tiny/ct2-f16", "--name=small", "--weights=int8"
        )
        self.assertEqual(self.names(), ["small", "tiny"])
        listed = json.loads(self.run_scout("models", "list", "--json").stdout)
        self.assertEqual([entry["kind"] for entry in listed], ["speech recognition"] * 2)
        info = json.loads(self.run_scout("models", "info", "tiny", "--json").stdout)
        self.assertEqual(info["name"], "tiny")
        self.assertIn("tensors", self.run_scout("models", "info", "tiny").stdout)
        self.assertEqual(
            self.run_scout("models", "verify").stdout, "small: good\ntiny: good\n"
        )
        done = self.run_scout("models", "import", self.file, "--name", "tiny", status=1)
        self.assert_one_line(done.stderr, "tiny", "--force")
        self.run_scout("models", "import", self.file, "--name", "tiny", "--force")
        packed = self.folder / "models/tiny/model.scout"
        data = bytearray(packed.read_bytes())
        data[len(data) // 2] ^= 1
        packed.write_bytes(data)
        done = self.run_scout("models", "verify", "tiny", status=1)
        self.assert_one_line(done.stderr, "tiny")
        self.run_scout("models", "remove", "tiny", "small")
        self.assertEqual(self.names(), [])
        self.assert_one_line(self.run_scout("models", "remove", "x", status=1).stderr, "x")
        done = self.run_scout("models", "import", "/nowhere", "--name=a", status=1)
        self.assert_one_line(done.stderr, "/nowhere")
        done = self.run_scout("models", "import", self.file, "--name=../a", status=2)
        self.assert_one_line(done.stderr, "../a")

    def pull(self, address, *arguments, **more):
        # A finder of speech that is there is not pulled.
        there = self.folder / "models/silero-vad"
        if MODELS and not there.exists():
            shutil.copytree(pathlib.Path(MODELS) / "silero-vad", there)
        return self.run_scout("models", "pull", address, "--name=web", *arguments, **more)

    def downloads(self):
        folder = self.folder / "home/.cache/scout/downloads"
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []

    def test_an_address(self):
        address = self.serve()
        digest = hashlib.sha256(self.file.read_bytes()).hexdigest()
        self.pull(f"{address}/file.bin", "--sha256", digest)
        self.assertIn("web", self.names())
        info = json.loads(self.run_scout("models", "info", "web", "--json").stdout)
        self.assertIn(f"{address}/file.bin", json.dumps(info["metadata"]))
        self.assertEqual(self.downloads(), [])
        self.pull(f"{address}/file.bin", "--if-missing")
        done = self.pull(f"{address}/file.bin", status=1)
        self.assert_one_line(done.stderr, "web", "--force")

    def test_a_download_that_is_cut_goes_on(self):
        address = self.serve()
        size = self.file.stat().st_size
        done = self.pull(f"{address}/cut/{size * 2 // 3}.bin", status=1)
        self.assert_one_line(done.stderr, "run it again")
        self.assertEqual(len(self.downloads()), 1)
        self.pull(f"{address}/cut/{size * 2 // 3}.bin")
        self.assertIn("web", self.names())
        self.assertEqual(self.downloads(), [])

    def test_addresses_that_give_no_model(self):
        address = self.serve()
        done = self.pull(f"{address}/file", status=2)
        self.assert_one_line(done.stderr, ".bin")
        done = self.pull(f"{address}/missing.bin", status=1)
        self.assert_one_line(done.stderr, "404")
        done = self.pull("http://127.0.0.1:1/model.bin", status=1)
        self.assert_one_line(done.stderr, "127.0.0.1")
        done = self.pull(f"{address}/file.bin", "--sha256", "0" * 64, status=1)
        self.assert_one_line(done.stderr, "sha256")
        self.assertNotIn("web", self.names())
        self.assertEqual(self.downloads(), [])


class Bench(RealCase):
    KEYS = ("load_ms", "mel_ms", "encoder_ms", "decoder_ms_per_token", "decoder_ms_per_step", "rtf", "peak_rss_mb",
            "encoder_gops", "encoder_peak_share", "decoder_bandwidth_share")

    def measure(self, *arguments):
        value = json.loads(self.run_scout("bench", "--json", "--runs=1", *arguments).stdout)
        for key in self.KEYS:
            self.assertGreater(value[key], 0, key)
        self.assertTrue(value["kernels"])
        for stage in value["stages"].values():
            self.assertEqual(stage["runs"], 1)
        for peak in ("f32_gops", "int8_gops", "memory_gb_per_s", "weights_gb_per_s"):
            self.assertGreater(value["peaks"][peak], 0, peak)
        return value

    def test_a_recording(self):
        whole = self.measure("--audio", recording("0870"), "--threads=2")["end_to_end"]
        self.assertAlmostEqual(whole["audio_s"], 7.1, places=1)
        self.assertEqual(whole["windows"], 1)
        self.assertGreater(whole["tokens"], 20)
        self.assertGreaterEqual(whole["seconds"], sum(whole["parts"].values()) * 0.9)
        self.assertAlmostEqual(whole["rtf"], whole["seconds"] / whole["audio_s"])

    def test_a_small_model_of_random_weights(self):
        self.environment["SCOUT_MODELS_DIR"] = str(self.folder / "models")
        subprocess.run([sys.executable, ROOT / "tools/make-tiny-model.py", self.folder / "tiny", "--only", "ggml-f16"],
                       check=True, capture_output=True)
        self.run_scout("models", "import", self.folder / "tiny/ggml-f16.bin", "--name=tiny")
        self.assertEqual(self.measure("--model=tiny", "--compute=f32")["compute"], "f32")
        table = self.run_scout("bench", "--model=tiny", "--runs=1", "--threads=1").stdout
        self.assertIn("1 thread\n", table)
        self.assertIn("a token of one text", table)


if __name__ == "__main__":
    unittest.main()
