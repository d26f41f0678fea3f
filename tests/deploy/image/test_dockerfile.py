"""The Dockerfile as text: what can be told without an engine. `make image` builds it and runs the rest."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
INSTRUCTIONS = [
    (found[1], " ".join(found[2].split()))
    for found in re.finditer(
        r"^([A-Z]+) (.+)$",
        re.sub(r"\\\n", "", re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)),
        re.MULTILINE,
    )
]
STARTS = [number for number, (word, _) in enumerate(INSTRUCTIONS) if word == "FROM"]
BUILD, FINAL = INSTRUCTIONS[STARTS[0] : STARTS[-1]], INSTRUCTIONS[STARTS[-1] :]


def of(stage: list[tuple[str, str]], word: str) -> list[str]:
    return [rest for found, rest in stage if found == word]


def test_the_base_image_is_an_argument() -> None:
    assert INSTRUCTIONS[0][0] == "ARG"
    assert INSTRUCTIONS[0][1].startswith("BASE=")
    assert of(BUILD, "FROM") == ["${BASE} AS build"]


def test_the_final_stage_starts_from_nothing_and_takes_the_assembled_files_alone() -> None:
    assert of(FINAL, "FROM") == ["scratch"]
    assert of(FINAL, "COPY") == ["--from=build /image /"]
    assert not of(FINAL, "ADD")


def test_the_final_stage_runs_slugline_alone_and_as_the_user_who_will_run_it() -> None:
    words = [word for word, _ in FINAL]
    assert of(FINAL, "USER") == ["10001:10001"]
    assert words.index("USER") < words.index("RUN")
    commands = [json.loads(rest) for rest in of(FINAL, "RUN")]
    assert [command[:2] for command in commands] == [["slugline", "models"], ["slugline", "classify"]]


@pytest.mark.parametrize("word", ["ENTRYPOINT", "CMD"])
def test_what_starts_needs_no_shell(word: str) -> None:
    assert json.loads(of(FINAL, word)[0])[0] in {"slugline", "serve"}
    assert of(FINAL, "STOPSIGNAL") == ["SIGTERM"]


def test_dependencies_are_installed_by_their_hashes() -> None:
    installs = [rest for rest in of(BUILD, "RUN") if "pip install" in rest]
    assert len(installs) == 2
    assert "--require-hashes -r requirements.lock" in installs[0]
    assert "--no-deps" in installs[1]


def test_everything_that_is_copied_exists_and_passes_dockerignore() -> None:
    passing = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"}
    for rest in of(BUILD, "COPY"):
        for source in rest.split()[:-1]:
            assert (ROOT / source).exists()
            assert source in passing


def test_nothing_secret_is_baked_in() -> None:
    """Whether to serve without TLS is for whoever runs the image to say."""
    variables = " ".join(of(FINAL, "ENV"))
    assert not re.search(r"TOKEN|KEY|SECRET|PASSWORD|INSECURE", variables)
