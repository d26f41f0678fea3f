"""TF-IDF by the compiled code, for pipelines of one's own: the values of scikit-learn's vectorisers, but faster."""

from collections.abc import Sequence
from typing import Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.pipeline import FeatureUnion
from sklearn.utils.validation import check_is_fitted

from slugline.compiled.tfidf import tfidf
from slugline.features import FeatureSettings, families
from training.counting import count_known
from training.matrices import CorpusMatrices, damped


class CompiledTfidf(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A transformer from texts to the features of a Slugline model.

    The parameters are those of `slugline.features.FeatureSettings`. Once fitted, `union_` is the scikit-learn union of
    `TfidfVectorizer` that gives the same columns and, up to rounding, the same values.

    Examples:
        >>> texts = ["Envoys signed the treaty", "Troops shelled the port", "Envoys met in the port"]
        >>> CompiledTfidf(char_ngrams=None).fit_transform(texts).shape
        (3, 4)
    """

    def __init__(
        self,
        *,
        word_ngrams: tuple[int, int] | None = (1, 2),
        lead_chars: int | None = None,
        char_ngrams: tuple[int, int] | None = (3, 5),
        min_df: int = 2,
        sublinear_tf: bool = True,
    ) -> None:
        self.word_ngrams = word_ngrams
        self.lead_chars = lead_chars
        self.char_ngrams = char_ngrams
        self.min_df = min_df
        self.sublinear_tf = sublinear_tf

    def fit(self, texts: Sequence[str], y: object = None) -> Self:  # noqa: ARG002
        """Learn vocabulary and idf.

        Raises:
            ValueError: no n-gram is in `min_df` texts, or neither words nor characters are asked for.
        """
        self.fit_transform(texts)
        return self

    def fit_transform(self, texts: Sequence[str], y: object = None) -> sp.csr_matrix:  # noqa: ARG002
        """Learn from texts and give their features, shape (texts, features); raises as `fit`."""
        self.union_: FeatureUnion
        self.union_, matrix = CorpusMatrices(texts, self._settings()).whole()
        return matrix

    def transform(self, texts: Sequence[str]) -> sp.csr_matrix:
        """The features of texts, shape (texts, features).

        Raises:
            sklearn.exceptions.NotFittedError: nothing was learned yet.
        """
        check_is_fitted(self)
        blocks = [
            (damped(count_known(texts, vectorizer), self._settings()), vectorizer.idf_)
            for _, vectorizer in families(self.union_)
        ]
        starts, columns, values = tfidf(blocks, np.arange(len(texts)))
        return sp.csr_matrix((values, columns, starts), shape=(len(texts), sum(len(idf) for _, idf in blocks)))

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:  # noqa: ARG002
        """The n-gram of each column, after the name of its family: ``words__treaty``."""
        check_is_fitted(self)
        names: NDArray[np.object_] = self.union_.get_feature_names_out()
        return names

    def _settings(self) -> FeatureSettings:
        return FeatureSettings(**self.get_params())
