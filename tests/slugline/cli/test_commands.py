"""The commands around a model: train, models, promote, evaluate, explain, check, health."""

import json
import math
import shutil
from pathlib import Path

import pytest

from slugline import store
from slugline.model import Model
from tests.conftest import Server, Slugline
from tests.corpora import TOPICS, labelled_rows, write_rows


def test_training_twice_does_not_go_live_until_promoted(slugline: Slugline, corpus_file: Path, tmp_path: Path) -> None:
    first = slugline("train", "--data", corpus_file)
    assert first.returncode == 0, first.stderr
    assert "Learned from 240 articles" in first.stdout
    assert "now current" in first.stderr
    second = slugline("train", "--data", corpus_file, "--json")
    answer = json.loads(second.stdout)
    assert answer["current"] is False
    assert store.current_version(tmp_path / "models", "default") != answer["version"]
    promoted = slugline("promote", answer["version"])
    assert promoted.returncode == 0
    assert store.current_version(tmp_path / "models", "default") == answer["version"]
    listed = json.loads(slugline("models", "--json").stdout)
    assert [row["current"] for row in listed] == [False, True]
    assert "yes" in slugline("models").stdout


def test_what_training_says_when_nothing_is_promoted_can_be_pasted(slugline: Slugline, corpus_file: Path) -> None:
    slugline("train", "--data", corpus_file)
    told = slugline("train", "--data", corpus_file).stderr
    compare, promote = [line.strip() for line in told.splitlines() if line.strip().startswith("slugline ")]
    compared = slugline(*compare.replace("PATH", str(corpus_file)).split()[1:])
    assert "Overall, B against A: no significant difference." in compared.stdout
    assert slugline(*promote.split()[1:]).returncode == 0


def test_faulty_data_is_named_and_nothing_is_trained(slugline: Slugline, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.jsonl", [*labelled_rows(5), {"id": "x", "text": "y", "topics": 3}])
    done = slugline("train", "--data", path)
    assert done.returncode == 2
    assert f"{path}:6: topics: must be a list" in done.stderr
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize("value", ["terrorism", "terrorism=2", "terrorism=x", "=0.5"])
def test_a_precision_must_be_one(slugline: Slugline, corpus_file: Path, value: str) -> None:
    done = slugline("train", "--data", corpus_file, "--min-precision", value)
    assert done.returncode == 2
    assert "TOPIC=PRECISION" in done.stderr


def test_evaluate_measures_what_classify_says(slugline: Slugline, models: Path, corpus_file: Path) -> None:
    report = json.loads(slugline("evaluate", "--model", models, "--data", corpus_file, "--json").stdout)
    assert set(report["topics"]) == set(TOPICS)
    assert report["documents"] == 240
    assert report["means"]["macro_f1"] > 0.95
    table = slugline("evaluate", "--model", models, "--data", corpus_file).stdout
    assert "macro mean" in table
    assert "micro mean" in table


def test_evaluate_refuses_topics_the_model_does_not_know(slugline: Slugline, models: Path, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.jsonl", [{"id": "a", "text": "x", "topics": ["sport"]}])
    done = slugline("evaluate", "--model", models, "--data", path)
    assert done.returncode == 2
    assert "'sport' is not a topic" in done.stderr


def test_explain_sums_to_the_score(slugline: Slugline, models: Path, model: Model) -> None:
    text = "Envoys signed the treaty after troops withdrew"
    report = json.loads(slugline("explain", "--model", models, "--json", text).stdout)
    for name, score in zip(model.topics, model.scores([text])[0], strict=True):
        entry = report[name]
        raw = entry["bias"] + math.fsum(entry["contributions"].values())
        assert math.isclose(raw, entry["raw_score"], abs_tol=1e-9)
        assert math.isclose(entry["score"], score)
    table = slugline("explain", "--model", models, text).stdout
    assert "treaty" in table
    assert "raw score" in table


def test_check_names_every_fault(slugline: Slugline, tmp_path: Path) -> None:
    path = write_rows(
        tmp_path / "a.jsonl", [{"id": "a", "text": "x", "topics": []}, 7, {"id": "a", "text": "", "topics": []}]
    )
    done = slugline("check", path)
    assert done.returncode == 2
    assert [line.split(": ")[0] for line in done.stdout.splitlines()] == [f"{path}:2", f"{path}:3"]
    assert len(json.loads(slugline("check", path, "--json").stdout)["faults"]) == 2


def test_check_is_content_with_good_files(slugline: Slugline, corpus_file: Path) -> None:
    done = slugline("check", corpus_file)
    assert (done.returncode, done.stdout) == (0, "")


def test_check_holds_labels_to_the_topics_file(slugline: Slugline, corpus_file: Path, tmp_path: Path) -> None:
    data = shutil.copy(corpus_file, tmp_path / "a.jsonl")
    (tmp_path / "topics.toml").write_text('[[topic]]\nname = "diplomacy"\n')
    done = slugline("check", data)
    assert done.returncode == 2
    assert "'terrorism' is not a topic" in done.stdout


def test_health_follows_the_server(slugline: Slugline, server: Server) -> None:
    assert slugline("health", "--address", server.address).stdout == "SERVING\n"
    assert slugline("health", SLUGLINE_ADDRESS=server.address).returncode == 0
    down = slugline("health", "--address", "127.0.0.1:1", "--timeout", "1")
    assert down.returncode == 4
    assert "Traceback" not in down.stderr


def test_models_of_an_empty_folder(slugline: Slugline) -> None:
    done = slugline("models")
    assert done.returncode == 0
    assert "slugline train" in done.stderr


def test_check_lists_suspects_without_failing(slugline: Slugline, tmp_path: Path) -> None:
    rows = labelled_rows(240)
    rows[7]["topics"] = [] if rows[7]["topics"] else ["terrorism"]
    path = write_rows(tmp_path / "a.jsonl", rows)
    done = slugline("check", path)
    assert done.returncode == 0
    assert done.stdout.startswith(f"{path}:8: has")
    assert slugline("check", path, "--no-labels").stdout == ""
    first = json.loads(slugline("check", path, "--json").stdout)["mislabels"][0]
    assert (first["path"], first["line"], first["topics"]) == (str(path), 8, rows[7]["topics"])


def test_check_lists_near_duplicates_with_different_topics(slugline: Slugline, tmp_path: Path) -> None:
    text = "The two envoys met in the old town hall on Monday and spoke for an hour about the border and the river."
    rows: list[dict[str, object]] = [
        {"id": "a", "text": text, "topics": ["diplomacy"]},
        {"id": "b", "text": text, "topics": []},
    ]
    path = write_rows(tmp_path / "a.jsonl", rows)
    assert slugline("check", path).stdout.startswith(f"{path}:2: shares 100% of its words with {path}:1")
    (conflict,) = json.loads(slugline("check", path, "--json").stdout)["conflicts"]
    assert conflict["first"] == {"id": "a", "path": str(path), "line": 1, "topics": ["diplomacy"]}
    assert (conflict["second"]["id"], conflict["containment"]) == ("b", 1.0)


def test_tune_writes_a_recipe_that_train_takes(slugline: Slugline, corpus_file: Path) -> None:
    tuned = slugline("tune", "--data", corpus_file, "--budget", "1s", "--output", "best.json")
    assert tuned.returncode == 0, tuned.stderr
    assert "recipes tried, best first" in tuned.stdout
    assert "outer folds that had no say" in tuned.stderr
    trained = slugline("train", "--data", corpus_file, "--recipe", "best.json", "--json")
    assert json.loads(trained.stdout)["trained"] is True
    assert slugline("tune", "--data", corpus_file, "--budget", "soon").returncode == 2
