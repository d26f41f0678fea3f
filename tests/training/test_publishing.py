from dataclasses import replace
from pathlib import Path

import pytest

from slugline import store
from slugline.errors import FaultyData
from tests.corpora import labelled_rows, write_rows
from training.plan import TrainingPlan
from training.progress import NoProgress
from training.publishing import TrainingRequest, train_and_publish
from training.recipe import Recipe


def test_the_first_version_becomes_current_and_later_ones_only_when_told(tmp_path: Path, corpus_file: Path) -> None:
    request = TrainingRequest(data=(corpus_file,), models=tmp_path, name="news")
    first = train_and_publish(request, NoProgress())
    assert first.is_current
    second = train_and_publish(request, NoProgress())
    assert not second.is_current
    assert second.current == first.manifest.version == store.current_version(tmp_path, "news")
    assert second.manifest.fingerprint == first.manifest.fingerprint
    third = train_and_publish(replace(request, promote=True), NoProgress())
    assert third.manifest.version == store.current_version(tmp_path, "news")


def test_nothing_is_trained_where_nothing_changed(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    rows = labelled_rows(120)
    write_rows(data / "a.jsonl", rows)
    request = TrainingRequest(data=(data,), models=tmp_path / "models", name="news", if_changed=True, promote=True)
    first = train_and_publish(request, NoProgress())
    again = train_and_publish(request, NoProgress())
    assert not again.is_new
    assert again.folder == first.folder
    write_rows(data / "a.jsonl", rows[1:])
    assert train_and_publish(request, NoProgress()).is_new
    assert train_and_publish(replace(request, plan=TrainingPlan(Recipe(seed=1))), NoProgress()).is_new
    current = store.find(tmp_path / "models", "news")
    (current / store.MODEL_FILE).write_bytes(b"damaged")
    assert train_and_publish(replace(request, plan=TrainingPlan(Recipe(seed=1))), NoProgress()).is_new


def test_faulty_data_publishes_nothing(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.jsonl", [*labelled_rows(30), {"id": "x"}])
    with pytest.raises(FaultyData):
        train_and_publish(TrainingRequest(data=(path,), models=tmp_path / "models", name="news"), NoProgress())
    assert not (tmp_path / "models").exists()


def test_topics_come_from_the_file_beside_the_data(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.jsonl", labelled_rows(120))
    (tmp_path / "topics.toml").write_text(
        "".join(
            f'[[topic]]\nname = "{name}"\ndefinition = "About {name}."\n'
            for name in reversed(["diplomacy", "terrorism", "military_action"])
        )
    )
    published = train_and_publish(TrainingRequest(data=(path,), models=tmp_path / "m", name="n"), NoProgress())
    assert published.manifest.topic_names() == ("military_action", "terrorism", "diplomacy")
    assert published.manifest.topics[0].definition == "About military_action."
