"""Quality of input: whether a model could read enough of a text to judge it."""

from enum import Enum

LEAST_KNOWN_WORDS = 3
LEAST_WORDS = 8
"""In fewer words, a few names are enough to look like another language."""


class QualityWarning(Enum):
    """A reason to doubt the scores of a text that was scored all the same."""

    FEW_KNOWN_WORDS = "few known words"
    OTHER_LANGUAGE = "probably not in the model's language"


def warnings_of(words: int, known: int, known_share_floor: float) -> tuple[QualityWarning, ...]:
    """What makes a text of `words` words doubtful, of which the model knows `known`.

    `known_share_floor`, 0 to 1, is the share of known words below which a text is hardly in the model's language.
    """
    if known >= LEAST_KNOWN_WORDS and known >= words * known_share_floor:
        return ()
    found = []
    if known < LEAST_KNOWN_WORDS:
        found.append(QualityWarning.FEW_KNOWN_WORDS)
    if words >= LEAST_WORDS and known < words * known_share_floor:
        found.append(QualityWarning.OTHER_LANGUAGE)
    return tuple(found)
