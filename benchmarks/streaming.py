"""Training past memory beside training in memory: time and peak memory as the articles grow in number.

The articles are made of made-up words, drawn from distributions like those of a language: a few words are in nearly
every article and most are rare (Zipf), and each topic has words of its own.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.measure import Spent, spent_by
from benchmarks.results import Lines, Table

SIZES = (10_000, 100_000, 1_000_000)
QUICK_SIZES = (800,)
MEMORY = "1G"
_MOST_IN_MEMORY = 100_000
_MEASURED_ON = 2_000
_QUICK_MEASURED_ON = 200
_WORDS, _TOPIC_WORDS, _TOPIC_SHARE = 200_000, 3_000, 0.12
_TOPICS = ("finance", "health", "sport")
_CHUNK = 1_000


@dataclass(frozen=True, slots=True)
class Run:
    """What one training took: seconds by the clock and of CPU, and the most memory, in MB."""

    wall: float
    cpu: float
    peak: float
    macro_f1: float


def run(*, quick: bool, sizes: tuple[int, ...]) -> Iterator[list[Table]]:
    """The table so far, after each training."""
    others = _QUICK_MEASURED_ON if quick else _MEASURED_ON
    table = Table(
        "Training as articles grow in number",
        ("way and articles", "peak memory, MB", "seconds", "CPU seconds", "macro-F1", "file, MB"),
        note=f"Each in a process of its own; streaming with --memory {MEMORY}. Articles are generated, of 40 to 160 "
        f"words. Macro-F1 on {others:,} others.",
    )
    scratch = Path("build")
    scratch.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        measured_on = generate(Path(folder) / "others.jsonl", others, seed=1)
        for size in sizes or (QUICK_SIZES if quick else SIZES):
            data = generate(Path(folder) / "articles.jsonl", size, seed=0)
            for way in ("streaming", "in memory"):
                if way == "streaming" or size <= _MOST_IN_MEMORY:
                    done = _train(Path(folder), data, measured_on, streaming=way == "streaming")
                    table.rows.append(
                        (f"{way}, {size:,}", done.peak, done.wall, done.cpu, done.macro_f1, data.stat().st_size / 1e6)
                    )
                    yield [table]


def curves(table: Table) -> tuple[Lines, Lines]:
    """CPU time and peak memory of each way, by the number of articles, from the table of `run`."""
    seconds: dict[str, list[tuple[float, float]]] = {}
    memory: dict[str, list[tuple[float, float]]] = {}
    for name, peak, _, cpu, *_ in table.rows:
        way, _, articles = str(name).partition(", ")
        count = float(articles.replace(",", ""))
        seconds.setdefault(way, []).append((count, float(cpu)))
        memory.setdefault(way, []).append((count, float(peak)))
    return Lines("Time", "articles", "CPU seconds", seconds), Lines("Memory", "articles", "peak memory, MB", memory)


def generate(path: Path, articles: int, seed: int) -> Path:
    """Write generated articles as JSONL; the same ones for a seed."""
    words = _words()
    chance = np.random.default_rng(seed)
    common = _zipf(_WORDS)
    of_topic = _zipf(_TOPIC_WORDS)
    with path.open("wb") as file:
        for first in range(0, articles, _CHUNK):
            for number in range(first, min(first + _CHUNK, articles)):
                topics = np.flatnonzero(chance.random(len(_TOPICS)) < 0.25).tolist()
                length = int(chance.integers(40, 160))
                drawn = np.searchsorted(common, chance.random(length))
                for topic in topics:
                    mine = chance.random(length) < _TOPIC_SHARE
                    drawn[mine] = 500 + len(_TOPICS) * np.searchsorted(of_topic, chance.random(mine.sum())) + topic
                text = " ".join([words[i] for i in drawn.tolist()])
                row = {"id": f"{seed}-{number}", "text": text, "topics": [_TOPICS[topic] for topic in topics]}
                file.write(msgspec.json.encode(row) + b"\n")
    return path


def _words() -> list[str]:
    chance = np.random.default_rng(7)
    syllables = [
        consonant + vowel for consonant in "bcdfghklmnprstvz" for vowel in ("a", "e", "i", "o", "u", "an", "er")
    ]
    drawn = chance.integers(0, len(syllables), (_WORDS, 4)).tolist()
    return ["".join([syllables[i] for i in row[: 1 + number % 4]]) for number, row in enumerate(drawn)]


def _zipf(words: int) -> np.ndarray:
    shares = 1.0 / np.arange(2, words + 2)
    return np.cumsum(shares / shares.sum())[:-1]


def _train(folder: Path, data: Path, measured_on: Path, *, streaming: bool) -> Run:
    models = folder / ("streaming" if streaming else "memory")
    options = ["--streaming", "--memory", MEMORY] if streaming else []
    start = time.perf_counter()
    spent = _slugline("train", "--data", str(data), "--models", str(models), "--promote", "--json", *options)
    wall = time.perf_counter() - start
    figures = folder / "figures.json"
    _slugline("evaluate", "--data", str(measured_on), "--model", str(models), "--json", out=figures)
    macro_f1 = json.loads(figures.read_text())["means"]["macro_f1"]
    return Run(wall, spent.cpu, spent.peak_mb, macro_f1)


def _slugline(*words: str, out: Path = Path(os.devnull)) -> Spent:
    """Run the command line in a process of its own."""
    with out.open("w") as stdout:
        spent = spent_by([sys.executable, "-m", "slugline", *words], stdout)
    if spent.code:
        raise RuntimeError(f"slugline {words[0]} failed with {spent.code}")
    return spent
