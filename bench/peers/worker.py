"""Another engine that stays: runs inside a peer's virtual environment, started by bench/run.

    worker.py genai FOLDER                OpenVINO GenAI
    worker.py faster-whisper FOLDER       faster-whisper, int8
    worker.py encoder KIND FILE           the encoder alone: openvino-f32, openvino-bf16, onnxruntime-f32,
                                          onnxruntime-int8 (of an ONNX file), ctranslate2-int8 (of a folder)
    worker.py once ENGINE FOLDER WAV      loads, prints the text of one WAV and ends: a cold start
    worker.py wav FILE OUT SECONDS        any sound file as 16 kHz mono WAV, its first SECONDS (0: all)
    worker.py texts FOLDER EVAL OUT       faster-whisper's texts of the clips of an eval folder

The first three answer commands, a line each, with lines of JSON:

    file BEAM WAV | samples BEAM RAW | timestamps BEAM WAV | batched BEAM WAV | encode | memory

$BENCH_THREADS is the number of threads.
"""
import json
import os
import resource
import sys
import time
import wave
from importlib.metadata import version

THREADS = int(os.environ.get("BENCH_THREADS", os.cpu_count()))
WINDOW_FRAMES = 3000
INT16 = 32768


def read_wav(path):
    import numpy
    with wave.open(path) as file:
        samples = numpy.frombuffer(file.readframes(file.getnframes()), numpy.int16)
    return samples.astype(numpy.float32) / INT16


def read_raw(path):
    import numpy
    return numpy.fromfile(path, numpy.float32)


class GenAi:
    """OpenVINO GenAI; it has greedy search alone for timestamps, and is fastest with it."""

    def __init__(self, folder):
        import openvino_genai
        self.name = "OpenVINO GenAI " + version("openvino-genai")
        self.pipeline = openvino_genai.WhisperPipeline(folder, "CPU", INFERENCE_NUM_THREADS=THREADS)

    def text(self, samples, timestamps=False):
        result = self.pipeline.generate(samples, language="<|en|>", task="transcribe", return_timestamps=timestamps,
                                        max_new_tokens=448)
        self.ms_per_token = result.perf_metrics.get_tpot().mean
        return str(result)

    def file(self, beam, path):
        return self.text(read_wav(path))

    def samples(self, beam, path):
        return self.text(read_raw(path))

    def timestamps(self, beam, path):
        return self.text(read_wav(path), timestamps=True)


class FasterWhisper:
    def __init__(self, folder):
        from faster_whisper import WhisperModel
        self.name = "faster-whisper " + version("faster-whisper")
        self.model = WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=THREADS)
        self.batches = None

    @staticmethod
    def join(result):
        return "".join(segment.text for segment in result[0])

    def file(self, beam, path):
        return self.join(self.model.transcribe(path, language="en", beam_size=int(beam) or 5))

    timestamps = file

    def samples(self, beam, path):
        return self.join(self.model.transcribe(read_raw(path), language="en", beam_size=int(beam) or 5))

    def batched(self, beam, path):
        from faster_whisper import BatchedInferencePipeline
        self.batches = self.batches or BatchedInferencePipeline(self.model)
        return self.join(self.batches.transcribe(path, language="en", beam_size=int(beam) or 5, batch_size=8))


class Encoder:
    """A full window through the encoder alone. The input is noise: the time does not depend on it."""

    def __init__(self, kind, path):
        import numpy
        self.mel = (0.5 * numpy.random.RandomState(0).randn(1, 80, WINDOW_FRAMES)).astype(numpy.float32)
        engine, arithmetic = kind.split("-")
        getattr(self, engine)(arithmetic, path)

    def openvino(self, arithmetic, path):
        import openvino
        self.name = f"OpenVINO {version('openvino')} {arithmetic}"
        core = openvino.Core()
        if arithmetic == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise RuntimeError("this processor has no bfloat16")
        compiled = core.compile_model(core.read_model(path), "CPU", {
            "INFERENCE_PRECISION_HINT": arithmetic, "INFERENCE_NUM_THREADS": THREADS, "PERFORMANCE_HINT": "LATENCY"})
        request = compiled.create_infer_request()
        self.run = lambda: request.infer({"mel": self.mel})

    def onnxruntime(self, arithmetic, path):
        import onnxruntime
        self.name = f"ONNX Runtime {version('onnxruntime')} " + ("dynamic int8" if arithmetic == "int8" else arithmetic)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.run = lambda: session.run(None, {"mel": self.mel})

    def ctranslate2(self, arithmetic, path):
        import ctranslate2
        self.name = f"CTranslate2 {version('ctranslate2')} {arithmetic}"
        model = ctranslate2.models.Whisper(path, device="cpu", compute_type=arithmetic, intra_threads=THREADS)
        features = ctranslate2.StorageView.from_array(self.mel)
        self.run = lambda: model.encode(features)

    def encode(self):
        self.run()
        return ""


def memory_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024e-6


def answer(engine, line):
    verb, *arguments = line.rstrip("\n").split(" ", 2)
    if verb == "memory":
        return {"peak_rss_mb": memory_mb()}
    begin = time.perf_counter()
    text = getattr(engine, verb)(*arguments)
    result = {"seconds": time.perf_counter() - begin, "text": text}
    if getattr(engine, "ms_per_token", None):
        result["ms_per_token"] = engine.ms_per_token
    return result


def stay(make, *arguments):
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print does not get between the answers
    try:
        begin = time.perf_counter()
        engine = make(*arguments)
        print(json.dumps({"name": engine.name, "load_s": time.perf_counter() - begin}), file=out, flush=True)
    except Exception as error:
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}), file=out, flush=True)
        return
    for line in sys.stdin:
        try:
            print(json.dumps(answer(engine, line)), file=out, flush=True)
        except Exception as error:
            print(json.dumps({"error": f"{type(error).__name__}: {error}"}), file=out, flush=True)


def write_wav(source, out, seconds):
    import numpy
    from faster_whisper import decode_audio
    samples = decode_audio(source)
    if float(seconds) > 0:
        samples = samples[:int(float(seconds) * 16000)]
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(numpy.clip(numpy.rint(samples * INT16), -INT16, INT16 - 1).astype(numpy.int16).tobytes())


def write_texts(folder, eval_folder, out):
    engine = FasterWhisper(folder)
    # The model knows Chinese by one code; clips without speech have none.
    known = {"yue": "zh", "wuu": "zh", "zxx": "en"}
    part = out + ".part"
    with open(os.path.join(eval_folder, "manifest.jsonl"), encoding="utf-8") as clips, \
            open(part, "w", encoding="utf-8") as texts:
        for clip in map(json.loads, clips):
            path = os.path.join(eval_folder, "clips", clip["file"])
            result = {"file": clip["file"], "text": ""}
            try:
                language = known.get(clip["lang"], clip["lang"])
                result["text"] = engine.join(engine.model.transcribe(path, language=language, beam_size=5))
            except Exception as error:
                result["error"] = str(error)
            print(json.dumps(result, ensure_ascii=False), file=texts)
    os.replace(part, out)


ENGINES = {"genai": GenAi, "faster-whisper": FasterWhisper, "encoder": Encoder}

if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what in ENGINES:
        stay(ENGINES[what], *rest)
    elif what == "once":
        print(ENGINES[rest[0]](rest[1]).file(1, rest[2]))
    elif what == "wav":
        write_wav(*rest)
    elif what == "texts":
        write_texts(*rest)
    else:
        sys.exit(__doc__)
