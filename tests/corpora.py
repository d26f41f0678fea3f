"""A small corpus for tests: made of a few words for each topic, so that training takes a second."""

import json
import random
from collections.abc import Sequence
from pathlib import Path

WORDS = {
    "military_action": [
        "troops",
        "shelled",
        "positions",
        "offensive",
        "battalion",
        "artillery",
        "airstrike",
        "frontline",
        "convoy",
        "commander",
    ],
    "diplomacy": [
        "envoy",
        "talks",
        "summit",
        "treaty",
        "ambassador",
        "ministers",
        "negotiations",
        "sanctions",
        "resolution",
        "delegation",
    ],
    "terrorism": [
        "bomber",
        "militants",
        "hostage",
        "suicide",
        "blast",
        "extremists",
        "plot",
        "attackers",
        "cell",
        "kidnapped",
    ],
}
PLAIN = [
    "the",
    "match",
    "league",
    "shares",
    "profit",
    "weather",
    "harvest",
    "film",
    "school",
    "council",
    "budget",
    "budget",
    "museum",
    "songs",
    "train",
    "recipe",
]
TOPICS = tuple(sorted(WORDS))


def article(chance: random.Random, topics: Sequence[str]) -> str:
    words = chance.choices(PLAIN, k=12)
    for topic in topics:
        words += chance.choices(WORDS[topic], k=6)
    chance.shuffle(words)
    return " ".join(words).capitalize() + "."


def labelled_rows(articles: int = 240, seed: int = 7) -> list[dict[str, object]]:
    chance = random.Random(seed)
    combinations = [[], [], ["military_action"], ["diplomacy"], ["terrorism"], ["diplomacy", "military_action"]]
    return [
        {"id": f"a{number}", "text": article(chance, topics), "topics": topics}
        for number, topics in enumerate(chance.choices(combinations, k=articles))
    ]


def write_rows(path: Path, rows: Sequence[object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path
