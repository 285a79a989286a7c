"""Figures of live text, from what a stream told and what is known of its sound.

An event is a dictionary: type, now_s (when somebody who sits there sees it, in the time of the sound), and its own fields.
"""
import dataclasses
import statistics

QUIET_DB = 25       # below the level of speech: the word is over
SURE_DB, FLOOR_DB = 12, 8
GAP_S, RUN_S = 0.08, 0.06
LEVEL_STEP_S = 0.01
REACH_S = 0.5       # how far a word's end may be from where a recogniser puts it
EDGE_SLACK = 2      # words


def levels_db(samples, rate=16000):
    """Mean power of every 10 ms, in dB. samples: a numpy array."""
    import numpy
    step = int(rate * LEVEL_STEP_S)
    frames = samples[:len(samples) // step * step].reshape(-1, step)
    return 10 * numpy.log10((frames.astype("f8") ** 2).mean(axis=1) + 1e-12)


def loud_runs(level):
    """[(start, end)] in seconds of what is loud enough to be speech, and long enough. The threshold is 25 dB below the
    clip's speech (the 90th percentile), but 8 dB above its quietest parts (the 5th)."""
    import numpy
    speech, floor = numpy.percentile(level, 90), numpy.percentile(level, 5)
    loud = level > min(speech - SURE_DB, max(speech - QUIET_DB, floor + FLOOR_DB))
    runs = []
    for at in numpy.nonzero(loud)[0] * LEVEL_STEP_S:
        if runs and at - runs[-1][1] <= GAP_S:
            runs[-1][1] = at + LEVEL_STEP_S
        else:
            runs.append([at, at + LEVEL_STEP_S])
    return [(float(start), float(end)) for start, end in runs if end - start >= RUN_S]


def sharpen(samples, start_s, end_s):
    """(start, end) of speech by its energy, near to where a recogniser found the first word's start and the last one's
    end: the beginning of the first loud run that goes beyond that start, and the end of the last that begins before that
    end, if they are no further than a second (recognisers let a first word begin with the silence before it) and half a
    second from there."""
    level = levels_db(samples)
    runs = loud_runs(level) if len(level) else []
    starts = [max(a, start_s - REACH_S) for a, b in runs if b > start_s and a < start_s + 2 * REACH_S]
    ends = [min(b, end_s + REACH_S) for a, b in runs if a < end_s and b > end_s - REACH_S]
    return starts[0] if starts else start_s, ends[-1] if ends else end_s


def text_of(events):
    """What stands there in the end. A final of an utterance takes the place of its partial texts."""
    return "".join(e["text"] for e in events if e["type"] == "final")


def changed_words(events):
    """How often settled text was not the beginning of what came later in its utterance."""
    changed, settled = 0, {}
    for event in events:
        if event["type"] not in ("partial", "final"):
            continue
        before = settled.get(event["utterance"], b"")
        changed += not event["text"].encode().startswith(before)
        now = event["text"].encode() if event["type"] == "final" else event["settled"].encode()
        changed += len(now) < len(before) and event["type"] == "partial"
        settled[event["utterance"]] = now
    return changed


@dataclasses.dataclass
class Delays:
    """Seconds; None where there was nothing to measure."""
    final: float = None          # end of the last word to the final text
    first: float = None          # start of the first word to the first partial text
    decided: list = dataclasses.field(default_factory=list)  # end of speech decided to the final text, every utterance


def delays(events, start_s, end_s):
    finals = [e for e in events if e["type"] == "final" and e["text"].strip()]
    partials = [e for e in events if e["type"] in ("partial", "final") and e["text"].strip()]
    ended = {e["utterance"]: e["known_s"] for e in events if e["type"] == "ended"}
    found = Delays()
    if finals and not finals[-1].get("after_end"):
        found.final = finals[-1]["now_s"] - end_s
    if partials:
        found.first = partials[0]["now_s"] - start_s
    found.decided = [e["now_s"] - ended[e["utterance"]] for e in finals if e["utterance"] in ended]
    return found


def speaking_s(events):
    """How long somebody spoke, as the stream found it."""
    started, total = {}, 0.0
    for event in events:
        if event["type"] == "started":
            started[event["utterance"]] = event["at_s"]
        elif event["type"] == "ended" and event["utterance"] in started:
            total += max(0.0, event["at_s"] - started.pop(event["utterance"]))
    return total


def matches(reference, heard):
    """For each word of reference whether an alignment with the fewest errors keeps it in heard."""
    rows = [list(range(len(heard) + 1))]
    for i, word in enumerate(reference):
        row = [i + 1]
        for j, other in enumerate(heard):
            row.append(min(rows[i][j] + (word != other), rows[i][j + 1] + 1, row[j] + 1))
        rows.append(row)
    kept, i, j = ["deleted"] * len(reference), len(reference), len(heard)
    while i and j:
        word = reference[i - 1] == heard[j - 1]
        if rows[i][j] == rows[i - 1][j - 1] + (not word):
            kept[i - 1] = "kept" if word else "changed"
            i, j = i - 1, j - 1
        elif rows[i][j] == rows[i - 1][j] + 1:
            i -= 1
        else:
            j -= 1
    return kept


def leading_deletions(states):
    """How many words are missing before the first that is there. Before a word that was misheard none is: which of the
    two the misheard one stands for is not known."""
    count = 0
    while count < len(states) and states[count] == "deleted":
        count += 1
    return 0 if count < len(states) and states[count] == "changed" else count


def missing_edges(truth, file_words, live_words):
    """(first, last): how many words at the beginning and at the end the file has and live text lacks. Only words count
    that were really said there: those that stand within a word or two of the same place in the truth."""
    states = matches(file_words, live_words)
    first, last = leading_deletions(states), leading_deletions(states[::-1])
    if first == len(file_words):
        last = 0  # nothing was written at all: counted once
    said_first = [w for i, w in enumerate(file_words[:first]) if w in truth[:i + 1 + EDGE_SLACK]]
    tail = file_words[::-1][:last]
    said_last = [w for i, w in enumerate(tail) if w in truth[::-1][:i + 1 + EDGE_SLACK]]
    return len(said_first), len(said_last)


def drift_s(starts_s, every_s):
    """How much later the same sound, which comes every so many seconds, is told of in the last half of a day than in the
    first; None without two of it in each. The day's first is left out: nothing was before it."""
    phases = [s % every_s for s in starts_s if s > every_s / 2]
    phases = [p for p in phases if p < 5]
    half = len(phases) // 2
    return abs(statistics.median(phases[-half:]) - statistics.median(phases[:half])) if half > 1 else None


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def median(values):
    return statistics.median(values) if values else None


@dataclasses.dataclass
class Figure:
    """A line of the table. Lower is better; bar and goal are the most that is allowed."""
    name: str
    value: float
    unit: str
    bar: float
    goal: float
    note: str = ""

    @property
    def reached(self):
        if self.value is None:
            return "-"
        return "goal" if self.value <= self.goal else "yes" if self.value <= self.bar else "**no**"

    def cells(self):
        def show(x):
            if x is None:
                return "-"
            decimals = {"ms": 0, "": 0}.get(self.unit, 2)
            return f"{x:,.{decimals}f} {self.unit}".strip()
        return [self.name, show(self.value), show(self.bar), show(self.goal), self.reached, self.note]


def table(figures):
    lines = ["| figure | measured | bar | goal | reached | |", "|---|---|---|---|---|---|"]
    return "\n".join(lines + ["| " + " | ".join(f.cells()) + " |" for f in figures])
