"""Errors of words against a reference, with the same normalisers as score.py of the folder of recordings.

Needs jiwer and whisper-normalizer (pip).
"""
import random

BY_CHARACTER = {"zh", "yue", "wuu", "ja", "ko"}


class Scorer:
    """Counts a clip's errors."""

    def __init__(self):
        import jiwer
        from whisper_normalizer.basic import BasicTextNormalizer
        from whisper_normalizer.english import EnglishTextNormalizer
        self.process = jiwer.process_words
        self.english, self.basic = EnglishTextNormalizer(), BasicTextNormalizer()

    def words(self, text, language):
        text = self.english(text) if language == "en" else self.basic(text)
        return list(text.replace(" ", "")) if language in BY_CHARACTER else text.split()

    def count(self, clip, text):
        """(errors, deletions, reference words), or None for a clip that is not scored by words."""
        if not clip["transcript"] or clip["kind"] == "nonspeech":
            return None
        reference = self.words(clip["transcript"], clip["lang"])
        o = self.process(" ".join(reference), " ".join(self.words(text, clip["lang"])))
        return o.substitutions + o.deletions + o.insertions, o.deletions, len(reference)


def bootstrap(ours, peers, draws=2000):
    """95 % interval of the difference of the error rates in points, resampling clips."""
    rng = random.Random(1)
    pairs = list(zip(ours, peers))
    rates = []
    for _ in range(draws):
        sample = rng.choices(pairs, k=len(pairs))
        words = max(1, sum(a[2] for a, _ in sample))
        rates.append(100 * sum(a[0] - b[0] for a, b in sample) / words)
    rates.sort()
    return rates[int(0.025 * draws)], rates[int(0.975 * draws)]
