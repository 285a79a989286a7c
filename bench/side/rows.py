"""The measurements. Each row has subjects that take turns: one run of each, round after round, so that whatever else the
machine does meets all of them."""
import array
import json
import pathlib
import re
import subprocess
import sys
import time
import wave

from side import targets
from side.process import BenchError, Resident, run_once

RATE = 16000
PAUSE_S = 0.25  # for threads of the one before to stop waiting for more work
ENCODERS = [("OpenVINO f32", "openvino-f32", "enc.onnx"), ("OpenVINO bf16", "openvino-bf16", "enc.onnx"),
            ("ONNX Runtime f32", "onnxruntime-f32", "enc.onnx"),
            ("ONNX Runtime dynamic int8", "onnxruntime-int8", "enc8.onnx"),
            ("CTranslate2 int8", "ctranslate2-int8", "ct2base")]


class Subject:
    """One engine in one row: run() gives a figure; a failure is kept and ends its part."""

    def __init__(self, name, begin):
        self.name, self.begin = name, begin
        self.figures, self.error, self.run, self.warm_up = [], None, None, None
        self.more = {}

    def attempt(self, work):
        if self.error:
            return None
        try:
            return work()
        except (BenchError, OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
            self.error = str(error) or type(error).__name__
            print(f"  {self.name}: {self.error}", file=sys.stderr, flush=True)
            return None

    def result(self):
        figures = sorted(self.figures)
        result = {"name": self.name, **self.more}
        if figures:
            result |= {"min": figures[0], "median": figures[len(figures) // 2], "all": self.figures}
        if self.error or not figures:
            result["error"] = self.error or "nothing was measured"
        return result


def take_turns(subjects, rounds):
    for subject in subjects:
        subject.run = subject.attempt(subject.begin)
        if subject.run:
            subject.attempt(subject.warm_up or subject.run)
    for _ in range(rounds):
        for subject in subjects:
            time.sleep(PAUSE_S)
            figure = subject.attempt(subject.run) if subject.run else None
            if figure is not None:
                subject.figures.append(figure)
    return [subject.result() for subject in subjects]


class Audio:
    """The recordings in the forms that are needed, in a folder that goes away."""

    def __init__(self, bench, short, long):
        self.bench, self.short_source, self.long_source = bench, short, long

    def wav(self, name, source, seconds):
        path = self.bench.scratch / name
        if not path.exists():
            run_once(self.bench.peers.worker("fw", "wav", source, path, seconds))
        return path

    def clip(self, seconds):
        """The first seconds of the short recording."""
        return self.wav(f"clip-{seconds}.wav", self.short_source, seconds)

    def long(self):
        return self.wav("long.wav", self.long_source, 0)

    def raw(self, seconds):
        path = self.bench.scratch / f"clip-{seconds}.f32"
        if not path.exists():
            with wave.open(str(self.clip(seconds))) as file:
                samples = array.array("h", file.readframes(file.getnframes()))
            path.write_bytes(array.array("f", (s / 32768 for s in samples)).tobytes())
        return path

    def hours(self, hours):
        """The long recording again and again."""
        path = self.bench.scratch / f"hours-{hours:g}.wav"
        if path.exists():
            return path
        with wave.open(str(self.long())) as file:
            data = file.readframes(file.getnframes())
        left = int(hours * 3600 * RATE) * 2
        with wave.open(str(path), "wb") as out:
            out.setparams((1, 2, RATE, 0, "NONE", ""))
            while left > 0:
                out.writeframesraw(data[:left])
                left -= len(data)
        return path


def read_scores(told):
    """The columns and lines of the table that bench/accuracy prints; a line begins with its name."""
    table = [[cell.strip() for cell in line.split("|")[1:-1]] for line in told.splitlines()
             if line.startswith("|") and not line.startswith("|--")]
    if not table:
        raise BenchError("bench/accuracy printed no table")
    return table[0][1:], table[1:]


def seconds_of(path):
    with wave.open(str(path)) as file:
        return file.getnframes() / file.getframerate()


class Rows:
    def __init__(self, bench):
        self.bench = bench
        self.residents = {}

    # -------------------------------------------------------------------------------------- engines

    def resident(self, key, command):
        """Started once and kept for later rows."""
        if key not in self.residents or self.residents[key].process.poll() is not None:
            self.residents[key] = Resident(command, {"BENCH_THREADS": str(self.bench.threads),
                                                     "OMP_NUM_THREADS": str(self.bench.threads)})
        resident = self.residents[key]
        name = resident.hello.get("name") or f"Scout {resident.hello['version']}"
        self.bench.versions[name] = True
        return resident

    def close(self, *keys):
        for key in keys or list(self.residents):
            if key in self.residents:
                self.residents.pop(key).close()

    def driver(self):
        bench = self.bench
        command = [bench.build / "bench/bench_driver", "--threads", bench.threads, "--decoder",
                   bench.build / "scout-decode"]
        if bench.models_dir:
            command += ["--models-dir", bench.models_dir]
        if bench.cpu:
            command += ["--cpu", bench.cpu]
        return self.resident("scout", command)

    def genai(self):
        return self.resident("genai", self.bench.peers.worker("ov", "genai", self.bench.peers.path("ovbase8")))

    def faster_whisper(self):
        return self.resident("fw", self.bench.peers.worker("fw", "faster-whisper", self.bench.peers.path("ct2base")))

    def asking(self, engine, command, key="seconds", scale=1.0, subject=None, limit_s=300):
        """A begin() for a Subject that asks a resident engine."""
        def begin():
            resident = engine()

            def run():
                answer = resident.ask(command() if callable(command) else command, limit_s)
                if subject is not None and "text" in answer:
                    subject.more["text"] = answer["text"].strip()
                return answer[key] * scale
            return run
        return begin

    def subject(self, name, engine, command, **more):
        subject = Subject(name, None)
        subject.begin = self.asking(engine, command, subject=subject, **more)
        return subject

    # ----------------------------------------------------------------------------------------- rows

    def encoder(self):
        peers = self.bench.peers
        subjects = []
        for name, kind, file in ENCODERS:
            def engine(kind=kind, file=file):
                return self.resident(kind, peers.worker("fw", "encoder", kind, peers.path(file)))
            subjects.append(self.subject(name, engine, "encode", scale=1e3))
        subjects.append(self.subject(targets.SCOUT, self.driver, "measure 0.4 encoder", key="encoder_ms"))
        result = take_turns(subjects, self.bench.rounds)
        self.close(*(kind for _, kind, _ in ENCODERS))
        return {"title": "Encoder alone, a window of 30 s", "unit": "ms", "engines": result,
                "note": "Scout's figure includes the keys and values that its decoder attends to, a tenth of the work; the "
                        "others compute them later."}

    def decoder(self):
        bench = self.bench
        clip = bench.audio.wav("window.wav", bench.long_source, 30)

        def begin():
            program, model = bench.peers.whisper_program("whisper-cli"), bench.peers.path("ggml-base-q8_0.bin")
            version = run_once([program, "--version"], merge=True)[2]
            bench.versions["whisper.cpp " + (re.search(r"version: (\S+)", version) or ["", "?"])[1]] = True

            def run():
                told = run_once([program, "-m", model, "-t", bench.threads, "-bs", 1, "-bo", 1, "-nf", "-l", "en", "-f",
                                 clip], merge=True)[2]
                times = re.search(r"decode time =\s*([\d.]+) ms /\s*(\d+) runs", told)
                if not times:
                    raise BenchError("whisper-cli did not print its decode time")
                return float(times[1]) / int(times[2])
            return run
        subjects = [Subject("whisper.cpp q8_0", begin),
                    self.subject(targets.GENAI, self.genai, f"file 1 {clip}", key="ms_per_token"),
                    self.subject(targets.SCOUT, self.driver, "measure 0.7 token", key="decoder_ms_per_token")]
        return {"title": "Decoder, a token, greedy", "unit": "ms", "engines": take_turns(subjects, bench.rounds),
                "note": "Scout: mean over half of the tokens that a text can have. The others: as they tell of the first "
                        "30 s of the long recording."}

    def warm(self, verb, path):
        """The engines that take a short recording, from a file or from samples."""
        return [self.subject(targets.GENAI, self.genai, f"{verb} 1 {path}"),
                self.subject(f"{targets.FASTER_WHISPER}, beam 5", self.faster_whisper, f"{verb} 5 {path}"),
                self.subject(targets.BEAM_1, self.driver, f"{verb} 1 {path}"),
                self.subject(targets.SCOUT, self.driver, f"{verb} 0 {path}")]

    def short(self):
        subjects = self.warm("file", self.bench.audio.clip(11))
        return {"title": "11 s clip, warm, file to text", "unit": "s", "engines": take_turns(subjects, self.bench.rounds)}

    def utterance(self):
        subjects = self.warm("samples", self.bench.audio.raw(3))
        return {"title": "3 s utterance, warm, samples to final text", "unit": "s",
                "engines": take_turns(subjects, self.bench.rounds)}

    def long(self):
        path = self.bench.audio.long()
        seconds = seconds_of(path)
        limit_s = max(300.0, seconds)
        subjects = [self.subject(targets.GENAI, self.genai, f"timestamps 1 {path}", limit_s=limit_s),
                    self.subject(f"{targets.FASTER_WHISPER}, batches of 8, beam 5", self.faster_whisper,
                                 f"batched 5 {path}", limit_s=limit_s),
                    self.subject(targets.BEAM_1, self.driver, f"file 1 {path}", limit_s=limit_s),
                    self.subject(targets.SCOUT, self.driver, f"file 0 {path}", limit_s=limit_s)]
        # Loaded and warm by a clip: a run of the whole would take minutes.
        for subject, engine in zip(subjects, (self.genai, self.faster_whisper, self.driver, self.driver)):
            subject.warm_up = lambda engine=engine: engine().ask(f"file 1 {self.bench.audio.clip(11)}", limit_s)
        result = take_turns(subjects, max(1, self.bench.rounds // 3))
        for key, engine in (("genai", result[0]), ("fw", result[1])):
            if key in self.residents and "error" not in engine:
                engine["memory_mb"] = self.residents[key].ask("memory")["peak_rss_mb"]
        return {"title": f"A file of {seconds / 60:.1f} minutes, with timestamps, warm", "unit": "s",
                "seconds": seconds, "engines": result}

    def cold(self):
        bench = self.bench
        clip = bench.audio.clip(5)
        self.close()  # nothing else stays in memory

        def once(command):
            def begin():
                made = command()

                def run():
                    seconds, memory, _ = run_once(made, {"BENCH_THREADS": str(bench.threads),
                                                         "OMP_NUM_THREADS": str(bench.threads)})
                    subject_of[command].more["memory_mb"] = memory
                    return seconds
                return run
            return begin
        peers = bench.peers
        commands = {
            "whisper.cpp q8_0": lambda: [peers.whisper_program("whisper-cli"), "-m", peers.path("ggml-base-q8_0.bin"), "-t",
                                         bench.threads, "-bs", 1, "-bo", 1, "-l", "en", "-f", clip],
            targets.GENAI: lambda: peers.worker("ov", "once", "genai", peers.path("ovbase8"), clip),
            f"{targets.FASTER_WHISPER}, beam 1": lambda: peers.worker("fw", "once", "faster-whisper",
                                                                     peers.path("ct2base"), clip),
            targets.SCOUT: lambda: [*bench.scout("transcribe"), "--language", "en", clip],
        }
        subjects = [Subject(name, once(command)) for name, command in commands.items()]
        subject_of = dict(zip(commands.values(), subjects))
        return {"title": "Cold start: process start to the text of a 5 s clip", "unit": "s",
                "engines": take_turns(subjects, bench.rounds)}

    def memory(self):
        """A file of an hour, and of --hours, in processes of their own."""
        bench = self.bench
        runs = []
        lengths = [("long", bench.audio.long), ("1", lambda: bench.audio.hours(1))]
        if bench.hours > 1:
            lengths.append((f"{bench.hours:g}", lambda: bench.audio.hours(bench.hours)))
        for name, make in lengths:
            path = make()
            seconds = seconds_of(path)
            took, memory, text = run_once([*bench.scout("transcribe"), "--language", "en", "--quiet", path],
                                          limit_s=max(300.0, seconds))
            runs.append({"hours": name, "seconds": seconds, "took": took, "memory_mb": memory,
                         "s_a_minute": took / seconds * 60, "words": len(text.split())})
            if name not in ("long", "1"):
                path.unlink()
        return {"title": "Memory, and longer files", "unit": "MB", "runs": runs}

    def accuracy(self):
        bench = self.bench
        if not bench.eval:
            raise BenchError("not asked for: --eval names a folder of recordings")
        texts = bench.eval_texts
        if not texts:
            texts = bench.peers.path("texts-" + pathlib.Path(bench.eval).absolute().as_posix().replace("/", "-") + ".jsonl")
            if not texts.exists():
                run_once(bench.peers.worker("fw", "texts", bench.peers.path("ct2base"), bench.eval, texts),
                         {"BENCH_THREADS": str(bench.threads)}, limit_s=7200)
        script = pathlib.Path(__file__).resolve().parents[1] / "accuracy"
        options = f"--threads {bench.threads}" + (f" --models-dir {bench.models_dir}" if bench.models_dir else "")
        told = run_once([bench.peers.python("fw"), script, "--eval", bench.eval, "--scout", bench.build / "scout", "--peer",
                         f"{targets.FASTER_WHISPER}={texts}", "--run", f"{targets.SCOUT}={options}"], limit_s=3600)[2]
        columns, lines = read_scores(told)
        return {"title": "Error rates", "unit": "%", "columns": columns, "lines": lines, "told": told}

    def limits(self):
        _, _, told = run_once([*self.bench.scout("bench"), "--json"])
        return {"title": "Limits of the machine", "unit": "", "bench": json.loads(told)}


ORDER = ["limits", "encoder", "decoder", "short", "utterance", "long", "cold", "memory", "accuracy"]
