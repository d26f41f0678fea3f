import json
from pathlib import Path

import pytest

from slugline.model import Model
from tests.conftest import Server, Slugline
from tests.corpora import labelled_rows, write_rows

TEXT = "Troops shelled the frontline while envoys held talks on a treaty"
BAD_ROWS = [
    {"id": "b1", "text": " "},
    {"text": "no id"},
    {"id": "b3", "text": "y" * 250_000},
    ["no object"],
    {"id": "b5"},
]


def rows_of(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_json_is_one_object_on_one_line_of_stdout(slugline: Slugline, models: Path, model: Model) -> None:
    done = slugline("classify", "--model", models, "--json", TEXT)
    assert done.returncode == 0
    (line,) = done.stdout.splitlines()
    scores = model.scores([TEXT])[0]
    found = json.loads(line)
    # The few words that the small corpus knows are the model's language.
    assert found.pop("warnings", []) == [
        warning.value for warning in model.warnings(model.read([TEXT]).tokens[0].tolist())
    ]
    assert found == {
        "id": None,
        "topics": list(model.assigned(scores)),
        "scores": dict(zip(model.topics, scores.tolist(), strict=True)),
    }


def test_without_text_stdin_is_read(slugline: Slugline, models: Path) -> None:
    from_stdin = slugline("classify", "--model", models, "--json", stdin=TEXT)
    assert from_stdin.stdout == slugline("classify", "--model", models, "--json", TEXT, stdin="ignored").stdout


def test_people_get_a_table(slugline: Slugline, models: Path) -> None:
    done = slugline("classify", "--model", models, TEXT)
    assert all(word in done.stdout for word in ("military_action", "diplomacy", "threshold", "yes"))


def test_blank_text_is_refused(slugline: Slugline, models: Path) -> None:
    done = slugline("classify", "--model", models, "--json", " ")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"].startswith("text: is blank")


@pytest.mark.parametrize("by_server", [False, True])
def test_a_file_with_bad_rows_gives_every_row_in_order(
    slugline: Slugline, models: Path, model: Model, server: Server, tmp_path: Path, by_server: bool
) -> None:
    good = labelled_rows(300)
    rows: list[object] = [*good[:150], *BAD_ROWS, *good[150:]]
    path, output = write_rows(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
    where = ["--server", server.address] if by_server else ["--model", str(models)]
    done = slugline("classify", "--input", path, "--output", output, *where)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    results = rows_of(output)
    assert [row["id"] for row in results] == [row.get("id") if isinstance(row, dict) else None for row in rows]
    for result in results[150:155]:
        assert (result["topics"], result["scores"]) == ([], {})
        assert result["error"]
    scores = model.scores([str(row["text"]) for row in good])
    assert [row["scores"] for row in results[:150] + results[155:]] == [
        dict(zip(model.topics, row, strict=True)) for row in scores.tolist()
    ]
    assert "305 articles" in done.stderr


def test_the_server_answers_exactly_as_the_model(
    slugline: Slugline, models: Path, server: Server, tmp_path: Path
) -> None:
    path = write_rows(tmp_path / "in.jsonl", [*labelled_rows(130), {"id": "t", "title": "&Uuml;ber", "text": "talks"}])
    local, remote = tmp_path / "local.jsonl", tmp_path / "remote.jsonl"
    assert slugline("classify", "--input", path, "--output", local, "--model", models).returncode == 0
    assert slugline("classify", "--input", path, "--output", remote, "--server", server.address).returncode == 0
    assert local.read_bytes() == remote.read_bytes()
    for text in (TEXT, "", "x" * 250_000):
        outcomes = [
            slugline("classify", "--json", *where, stdin=text)
            for where in (["--model", str(models)], ["--server", server.address])
        ]
        assert outcomes[0].returncode == outcomes[1].returncode
        # The server of the tests takes shorter texts; all else is equal.
        assert outcomes[0].stdout == outcomes[1].stdout.replace("20000", "200000")


def test_results_go_to_stdout_without_an_output(slugline: Slugline, models: Path, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "in.jsonl", labelled_rows(3))
    done = slugline("classify", "--input", path, "--model", models)
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == ["a0", "a1", "a2"]


def test_a_server_that_is_not_there_is_said_to_be(slugline: Slugline, tmp_path: Path) -> None:
    done = slugline("classify", "--server", "127.0.0.1:1", TEXT)
    assert done.returncode == 4
    assert "127.0.0.1:1: does not answer" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_model_that_is_not_there_is_said_to_be(slugline: Slugline) -> None:
    done = slugline("classify", "--model", "absent", TEXT)
    assert done.returncode == 3
    assert done.stderr.startswith("slugline: absent: no such folder")


@pytest.mark.parametrize("arguments", [["--input", "a.jsonl", "text"], ["--output", "b.jsonl", "text"]])
def test_options_that_do_not_go_together(slugline: Slugline, tmp_path: Path, arguments: list[str]) -> None:
    write_rows(tmp_path / "a.jsonl", [])
    done = slugline("classify", *arguments)
    assert done.returncode == 2
    assert "Usage:" in done.stderr
