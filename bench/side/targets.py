"""What Scout wants to be: how its time compares with the fastest of some engines, and other limits.

A comparison takes a row of measurements, one engine of ours and the fastest of some others. `target` is the ratio that has
to be reached, `goal` the one that is aimed at.
"""
import dataclasses

GENAI = "OpenVINO GenAI"
WHISPER_CPP = "whisper.cpp"
FASTER_WHISPER = "faster-whisper"
SCOUT = "Scout"
BEAM_1 = "Scout, beam 1"


@dataclasses.dataclass
class Comparison:
    row: str
    title: str
    others: tuple  # names begin so; empty: all but Scout
    target: float
    goal: float
    ours: str = SCOUT


COMPARISONS = [
    Comparison("encoder", "encoder, a full window of 30 s", (), 0.85, 0.65),
    Comparison("short", "11 s clip, warm, file to text", (GENAI,), 0.5, 0.3),
    Comparison("utterance", "3 s utterance, warm, samples to final text", (GENAI,), 0.3, 0.15),
    Comparison("long", "long file with timestamps: default settings (beam 5) against greedy", (GENAI,), 0.7, 0.45),
    Comparison("long", "the same file, beam 5 against beam 5 in batches of 8", (FASTER_WHISPER,), 0.5, 0.32),
    Comparison("decoder", "decoder, a token, greedy", (WHISPER_CPP,), 0.5, 0.33),
    Comparison("cold", "cold start: process start to the text of a 5 s clip", (GENAI, WHISPER_CPP), 0.2, 0.1),
]
MEMORY_MB = (220, 150)      # most memory on a file of an hour: target and goal
FLAT = 0.10                 # a longer file: time a minute and memory differ by no more
ACCURACY_POINTS = (0, 0.3)  # the error rate is below faster-whisper's by at least so much
