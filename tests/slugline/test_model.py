import numpy as np
import pytest

from slugline.errors import UnknownTopic
from slugline.model import Model
from tests.corpora import TOPICS


def test_topics_are_found(model: Model) -> None:
    scores = model.scores(["Troops shelled the frontline positions", "Share profit and harvest weather"])
    assert scores.shape == (2, 3)
    assert model.assigned(scores[0]) == ("military_action",)
    assert model.assigned(scores[1]) == ()


def test_a_score_on_the_threshold_assigns(model: Model) -> None:
    assert model.assigned(model.thresholds) == model.topics == TOPICS
    assert model.assigned(np.nextafter(model.thresholds, 0)) == ()


def test_columns_come_in_the_models_order(model: Model) -> None:
    assert model.columns([]) == (0, 1, 2)
    assert model.columns([TOPICS[2], TOPICS[0]]) == (0, 2)
    with pytest.raises(UnknownTopic, match="sport"):
        model.columns(["sport"])
