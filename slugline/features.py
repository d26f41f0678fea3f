"""Features: how text becomes the TF-IDF vector that the model weighs.

Up to three families stand side by side, each L2-normalised by itself: words (and pairs of words) of the whole text; the
same of its lead, since an article says first what it is about and a long one says much else later; and character
n-grams within words, which know a word by its parts and so bear with inflection, compounds and spelling.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import FeatureUnion

WORDS = "words"
LEAD = "lead"
CHARACTERS = "characters"


@dataclass(frozen=True, slots=True)
class FeatureSettings:
    """Which features a model reads.

    `word_ngrams` and `char_ngrams` are the shortest and longest n-gram of each family, None for no such family.
    `lead_chars` is how many characters are the lead, None for no such family; it has the n-grams of the words.
    `min_df` is the number of documents a term must occur in. `sublinear_tf` counts a term 1 + log(occurrences).
    """

    word_ngrams: tuple[int, int] | None = (1, 2)
    lead_chars: int | None = None
    char_ngrams: tuple[int, int] | None = (3, 5)
    min_df: int = 2
    sublinear_tf: bool = True


def build_features(settings: FeatureSettings) -> FeatureUnion:
    """An unfitted scikit-learn union of the TF-IDF vectorisers that `settings` ask for.

    Raises:
        ValueError: there is neither a family of words nor of characters.
    """
    named: list[tuple[str, TfidfVectorizer]] = []
    if settings.word_ngrams:
        named.append((WORDS, _vectorizer(settings, "word", settings.word_ngrams)))
    if settings.word_ngrams and settings.lead_chars:
        named.append((LEAD, _vectorizer(settings, "word", settings.word_ngrams, settings.lead_chars)))
    if settings.char_ngrams:
        named.append((CHARACTERS, _vectorizer(settings, "char_wb", settings.char_ngrams)))
    if not named:
        raise ValueError("a model needs words, characters or both")
    return FeatureUnion(named)


def families(features: FeatureUnion) -> Sequence[tuple[str, TfidfVectorizer]]:
    """The vectorisers of a union with their names, in the order of their columns."""
    return list(features.transformer_list)


def lead_of(vectorizer: TfidfVectorizer) -> int | None:
    """How many characters a vectoriser reads of each text; None for all."""
    return vectorizer.strip_accents.__reduce__()[1][0].stop if vectorizer.strip_accents else None


def _vectorizer(
    settings: FeatureSettings, analyzer: str, ngrams: tuple[int, int], chars: int | None = None
) -> TfidfVectorizer:
    return TfidfVectorizer(
        analyzer=analyzer,
        ngram_range=tuple(ngrams),
        min_df=settings.min_df,
        sublinear_tf=settings.sublinear_tf,
        # Called on the lower-cased text. Of all ways to cut it, this one leaves a pipeline that needs no code of ours.
        strip_accents=itemgetter(slice(chars)) if chars else None,
    )
