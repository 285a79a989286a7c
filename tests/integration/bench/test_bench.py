"""What bench/run and bench/scale are made of: limits of time, the driver, the table and the plot."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from xml.etree import ElementTree

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "bench"))
SCOUT, DRIVER, LIVE_DRIVER = (os.path.abspath(sys.argv.pop(1)) for _ in range(3))

from side import live, report  # noqa: E402
from side.process import BenchError, Resident, run_once  # noqa: E402
from side.rows import Subject, read_scores, take_turns  # noqa: E402


class Processes(unittest.TestCase):
    def test_once(self):
        seconds, memory, text = run_once(["sh", "-c", "echo said; echo told >&2"])
        self.assertEqual(text, "said\n")
        self.assertGreater(seconds, 0)
        self.assertGreater(memory, 0)
        self.assertEqual(run_once(["sh", "-c", "echo told >&2"], merge=True)[2], "told\n")

    def test_once_that_fails(self):
        with self.assertRaisesRegex(BenchError, "status 3: the reason"):
            run_once(["sh", "-c", "echo the reason; exit 3"])

    def test_once_for_too_long(self):
        begin = time.monotonic()
        with self.assertRaisesRegex(BenchError, "not done within"):
            run_once(["sleep", "60"], limit_s=0.2)
        self.assertLess(time.monotonic() - begin, 30)

    def test_resident_that_ends(self):
        with self.assertRaisesRegex(BenchError, "ended by itself"):
            Resident(["true"])

    def test_resident_that_says_nothing(self):
        with self.assertRaisesRegex(BenchError, "no answer"):
            Resident(["sleep", "60"], limit_s=0.2)

    def test_resident_that_cannot(self):
        with self.assertRaisesRegex(BenchError, "no such thing"):
            Resident(["echo", '{"error": "no such thing"}'])


class Driver(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="scout-driver-"))
        cls.addClassCleanup(shutil.rmtree, folder)
        quiet = {"check": True, "capture_output": True, "env": {**os.environ, "SCOUT_MODELS_DIR": str(folder)}}
        subprocess.run([sys.executable, ROOT / "tools/make-tiny-model.py", folder / "made", "--only", "ggml-f16"], **quiet)
        subprocess.run([SCOUT, "models", "import", folder / "made/ggml-f16.bin", "--name=tiny"], **quiet)
        options = ["--models-dir", folder, "--model", "tiny", "--threads", "2"]
        cls.driver = Resident([DRIVER, *options])
        cls.addClassCleanup(cls.driver.close)
        cls.live_driver = Resident([LIVE_DRIVER, *options])
        cls.addClassCleanup(cls.live_driver.close)

    def test_it_says_what_it_is(self):
        self.assertEqual(self.driver.hello["threads"], 2)
        self.assertTrue(self.driver.hello["kernels"])

    def test_one_stage(self):
        answer = self.driver.ask("measure 0.05 encoder")
        self.assertGreater(answer["encoder_ms"], 0)
        self.assertEqual(answer["decoder_ms_per_token"], 0)
        with self.assertRaisesRegex(BenchError, "stages"):
            self.driver.ask("measure 0.05 nonsense")

    def test_idle_and_memory(self):
        self.assertGreaterEqual(self.driver.ask("idle 0.1")["passed_s"], 0.1)
        self.assertGreater(self.driver.ask("memory")["peak_rss_mb"], 1)

    def test_what_it_cannot_do(self):
        for command in ("nothing", "file 0", "samples 0 /nowhere", "file 0 /nowhere", "beside 0 1 /nowhere /nowhere"):
            with self.assertRaises(BenchError):
                self.driver.ask(command)
        self.assertGreater(self.driver.ask("memory")["rss_mb"], 1)

    def test_the_live_driver(self):
        self.assertEqual(self.live_driver.hello["threads"], 2)
        for command in ("nothing", "clip en /nowhere", "clip", "day 1", "day 0.001 60 /nowhere"):
            with self.assertRaises(BenchError):
                self.live_driver.ask(command)


class Turns(unittest.TestCase):
    def test_they_alternate_and_failures_are_kept(self):
        order = []

        def engine(name, fail_at=None):
            def begin():
                if fail_at == 0:
                    raise BenchError("not here")

                def run():
                    order.append(name)
                    if len(order) == fail_at:
                        raise ValueError("went wrong")
                    return float(len(order))
                return run
            return Subject(name, begin)
        results = {r["name"]: r for r in take_turns([engine("a"), engine("b", 6), engine("c", 0)], 3)}
        self.assertEqual(order, ["a", "b", "a", "b", "a", "b", "a"])
        self.assertEqual(results["a"]["all"], [3, 5, 7])
        self.assertEqual(results["a"]["median"], 5)
        self.assertEqual((results["b"]["all"], results["b"]["error"]), ([4], "went wrong"))
        self.assertEqual(results["c"], {"name": "c", "error": "not here"})


def engine(name, *figures, **more):
    return {"name": name, "min": min(figures), "median": sorted(figures)[len(figures) // 2], "all": list(figures), **more}


MACHINE = {"processor": "A <B> & C", "processors": 2, "features": "x", "kernels": "y", "threads": 2, "memory_gb": 8,
           "kernel": "6"}


def result(**rows):
    return {"rows": rows, "machine": MACHINE, "versions": ["Scout 1", "Other 2"], "commands": ["bench/run"],
            "date": "2026-01-01"}


class Report(unittest.TestCase):
    def setUp(self):
        encoder = {"title": "Encoder", "unit": "ms", "engines": [
            engine("Slow", 200, 210), engine("Fast", 100, 110), {"name": "Broken", "error": "no | bfloat16"},
            engine("Scout", 60, 77)]}
        cold = {"title": "Cold", "unit": "s", "engines": [{"name": "OpenVINO GenAI", "error": "is gone"},
                                                          engine("Scout", 0.1)]}
        memory = {"title": "Memory", "runs": [
            {"hours": "long", "seconds": 600, "took": 6, "memory_mb": 180, "s_a_minute": 0.6},
            {"hours": "1", "seconds": 3600, "took": 36, "memory_mb": 200, "s_a_minute": 0.6},
            {"hours": "6", "seconds": 21600, "took": 216, "memory_mb": 222, "s_a_minute": 0.6}]}
        self.result = result(encoder=encoder, cold=cold, memory=memory)

    def test_ratios_are_to_the_fastest(self):
        lines = {line["title"]: line for line in report.compared(self.result)}
        line = lines["encoder, a full window of 30 s"]
        self.assertEqual((line["other"], line["ratio"]), ("Fast", 0.6))
        self.assertEqual(line["paired"], 77 / 110)
        self.assertEqual(line["missing"], ["Broken: no | bfloat16"])
        self.assertIn("is gone", lines["cold start: process start to the text of a 5 s clip"]["why"])

    def test_page(self):
        text = report.markdown(self.result, "speed.svg")
        self.assertIn("| encoder, a full window of 30 s | 60.0 ms | 100.0 ms (Fast) | 0.600 x (0.700) | 0.85 x | 0.65 x | "
                      "goal |", text)
        self.assertIn("no / bfloat16", text)
        self.assertIn("| most memory, a file of 1 h | 200 MB |  |  | 220 MB | 150 MB | yes |", text)
        self.assertIn("memory 1.11 x |  |  | 1.10 x |  | **no** |", text)
        self.assertIn("Other 2", text)

    def test_error_rates(self):
        columns, lines = read_scores("| | all | en | words invented | time |\n|---|---|---|---|---|\n"
                                     "| faster-whisper | 10.06 | 7.65 | 112 in 15 of 25 | - |\n"
                                     "| Scout | 9.47 | 7.66 | 0 in 0 of 25 | 40 s |\nScout: deletions 0.96 %\n")
        self.assertEqual(columns, ["all", "en", "words invented", "time"])
        self.result["rows"]["accuracy"] = {"title": "Error rates", "columns": columns, "lines": lines}
        text = report.markdown(self.result, "speed.svg")
        self.assertIn("all clips | 9.47 % | 10.06 % | -0.59 points | 0 points | -0.3 points | goal |", text)
        self.assertIn("English | 7.66 % | 7.65 % | +0.01 points | 0 points | -0.3 points | **no** |", text)
        self.assertIn("| 0 in 0 of 25 | 112 in 15 of 25 |  | 0 | 0 | goal |", text)

    def test_plot_is_well_formed(self):
        tree = ElementTree.fromstring(report.plot(self.result))
        told = " ".join(tree.itertext())
        self.assertIn("0.60: 60.0 ms to 100.0 ms, Fast", told)
        self.assertIn("A <B> & C", told)
        self.assertNotIn("cold start", told)

    def test_nothing_was_measured(self):
        ElementTree.fromstring(report.plot(result()))
        self.assertIn("Speed, side by side", report.markdown(result(), "speed.svg"))


def text_event(kind, now_s, text, settled="", utterance=0):
    return {"type": kind, "now_s": now_s, "text": text, "settled": settled, "utterance": utterance}


class LiveFigures(unittest.TestCase):
    EVENTS = [
        {"type": "started", "now_s": 1.2, "at_s": 1.0, "known_s": 1.2, "utterance": 0},
        text_event("partial", 1.3, " "),
        text_event("partial", 1.6, "One", ""),
        text_event("partial", 1.9, "One two", "One"),
        {"type": "ended", "now_s": 2.6, "at_s": 2.0, "known_s": 2.5, "utterance": 0},
        text_event("final", 2.7, "One two.", "One two."),
        {"type": "started", "now_s": 4.2, "at_s": 4.0, "known_s": 4.2, "utterance": 1},
        {"type": "ended", "now_s": 5.5, "at_s": 5.0, "known_s": 5.4, "utterance": 1},
        text_event("final", 5.6, " Three.", " Three.", 1),
    ]

    def test_text(self):
        self.assertEqual(live.text_of(self.EVENTS), "One two. Three.")

    def test_delays(self):
        found = live.delays(self.EVENTS, 1.0, 5.0)
        self.assertAlmostEqual(found.final, 0.6)
        self.assertAlmostEqual(found.first, 0.6)
        self.assertEqual([round(s, 3) for s in found.decided], [0.2, 0.2])
        self.assertAlmostEqual(live.speaking_s(self.EVENTS), 2.0)

    def test_a_final_text_that_only_came_with_the_end_is_none(self):
        late = [{**e, "after_end": True} if e["now_s"] == 5.6 else e for e in self.EVENTS]
        self.assertIsNone(live.delays(late, 1.0, 5.0).final)
        self.assertIsNone(live.delays([], 1.0, 5.0).first)

    def test_settled_text_stays(self):
        self.assertEqual(live.changed_words(self.EVENTS), 0)
        wrong = [text_event("partial", 1, "One two", "One two"), text_event("partial", 2, "One too", "One")]
        self.assertEqual(live.changed_words(wrong), 2)  # the text, and settled text that shrank
        self.assertEqual(live.changed_words([*wrong[:1], text_event("final", 2, "One too.")]), 1)
        self.assertEqual(live.changed_words([*wrong[:1], text_event("final", 2, "Two.", "", 1)]), 0)

    def test_alignment(self):
        self.assertEqual(live.matches("a b c d".split(), "b x d".split()), ["deleted", "kept", "changed", "kept"])
        self.assertEqual(live.matches([], ["a"]), [])

    def test_edges(self):
        truth = "the quick brown fox jumps".split()
        for said, lost in (("the quick brown fox jumps", (0, 0)), ("quick brown fox jumps", (1, 0)),
                           ("the quick brown", (0, 2)), ("the quick red fox jumped", (0, 0)), ("", (5, 0)),
                           ("thick brown fox jumps", (0, 0))):
            self.assertEqual(live.missing_edges(truth, truth, said.split()), lost, said)
        # What nobody said is not missed.
        self.assertEqual(live.missing_edges(truth, [*truth, "thank", "you"], truth), (0, 0))

    def test_drift(self):
        starts = [0.2, 600.1, 606.0, 1200.1, 1800.1, 2400.3, 3000.3]
        self.assertAlmostEqual(live.drift_s(starts, 600), 0.2)
        self.assertIsNone(live.drift_s(starts[:2], 600))

    def test_figures(self):
        reached = [live.Figure("x", value, "ms", 700, 450).reached for value in (450, 451, 701, None)]
        self.assertEqual(reached, ["goal", "yes", "**no**", "-"])
        self.assertIn("| x | 1,234 ms | 700 ms | 450 ms | **no** | why |",
                      live.table([live.Figure("x", 1234, "ms", 700, 450, "why")]))
        self.assertEqual(live.percentile(range(100), 0.95), 95)
        self.assertIsNone(live.percentile([], 0.95))

    def test_speech_by_its_energy(self):
        try:
            import numpy
        except ImportError:
            self.skipTest("needs numpy")
        sound = numpy.zeros(48000, "f4")
        sound[16000:32000] = 0.5 * numpy.sin(numpy.arange(16000))
        start, end = live.sharpen(sound, 1.2, 1.7)
        self.assertAlmostEqual(start, 1.0, places=1)
        self.assertAlmostEqual(end, 2.0, places=1)
        self.assertEqual(live.sharpen(sound[:0], 1.2, 1.7), (1.2, 1.7))


if __name__ == "__main__":
    unittest.main()
