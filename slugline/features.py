"""Features: how text becomes the TF-IDF vector that the model weighs.

Two families stand side by side: words (and pairs of words), and character n-grams within words, which know a word
by its parts and so bear with inflection, compounds and spelling. Each family is L2-normalised by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import FeatureUnion

WORDS = "words"
CHARACTERS = "characters"


@dataclass(frozen=True, slots=True)
class FeatureSettings:
    """Which features a model reads.

    `word_ngrams` and `char_ngrams` are the shortest and longest n-gram of each family, None for no such family.
    `min_df` is the number of documents a term must occur in. `sublinear_tf` counts a term 1 + log(occurrences).
    `char_weight` multiplies the characters' features, the words' having weight 1.
    """

    word_ngrams: tuple[int, int] | None = (1, 2)
    char_ngrams: tuple[int, int] | None = (3, 5)
    min_df: int = 2
    sublinear_tf: bool = True
    char_weight: float = 1.0


def build_features(settings: FeatureSettings) -> FeatureUnion:
    """An unfitted scikit-learn union of the TF-IDF vectorisers that `settings` ask for.

    Raises:
        ValueError: both families are None.
    """
    families: list[tuple[str, TfidfVectorizer]] = []
    if settings.word_ngrams:
        families.append((WORDS, _vectorizer("word", settings.word_ngrams, settings)))
    if settings.char_ngrams:
        families.append((CHARACTERS, _vectorizer("char_wb", settings.char_ngrams, settings)))
    if not families:
        raise ValueError("a model needs words, characters or both")
    weights = {CHARACTERS: settings.char_weight} if settings.char_ngrams else None
    return FeatureUnion(families, transformer_weights=weights)


def families(features: FeatureUnion) -> Sequence[tuple[str, TfidfVectorizer]]:
    """The vectorisers of a union with their names, in the order of their columns."""
    return list(features.transformer_list)


def _vectorizer(analyzer: str, ngrams: tuple[int, int], settings: FeatureSettings) -> TfidfVectorizer:
    return TfidfVectorizer(
        analyzer=analyzer,
        ngram_range=tuple(ngrams),
        min_df=settings.min_df,
        sublinear_tf=settings.sublinear_tf,
    )
