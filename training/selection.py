"""Selection: which n-grams a model keeps, by how much they have to do with its topics.

What says little about any topic is mostly noise to the classifier, and all of it costs memory and time for as long as
the model serves. Chi-square is a measure that picks well for text (Yang and Pedersen, 1997).
"""

import numpy as np
from numpy.typing import NDArray

from training.weighting import Presence, counted_weights


def most_telling(presence: Presence, most: int | None) -> NDArray[np.bool_]:
    """Which `most` features have the highest chi-square of presence with any topic, shape (features,); all by None.

    Among equals, those come first that are in more articles, then those of lower columns.
    """
    features = len(presence.in_all)
    chosen = np.ones(features, dtype=bool)
    if most is not None and features > most:
        telling = np.max(counted_weights("chi2", presence), axis=0)
        # Rounded, since equals may differ by the order in which something was added up.
        chosen[np.lexsort((-presence.in_all, -np.round(telling, 9)))[most:]] = False
    return chosen


def select(idf: NDArray[np.float64], presence: Presence, most: int | None) -> None:
    """Set to 0 the idf of those features of a family that are not the `most` telling ones."""
    known = np.flatnonzero(idf)
    idf[known[~most_telling(presence.of(known), most)]] = 0.0
