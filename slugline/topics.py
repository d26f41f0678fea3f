"""Topics: their names, and what they mean."""

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slugline.errors import TopicsFileError

TOPICS_FILE = "topics.toml"
MAX_NAME_CHARS = 100
# A QCode as the IPTC's NewsML-G2 has it: the alias of a scheme, a colon, and a code of the scheme, without white space.
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*:[!-~]+")


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic: its name as results carry it, its definition and examples for people.

    `code` is what a newsroom's standard calls it, as ``scheme:code``: ``medtop:20000053`` in the IPTC's Media Topics.
    """

    name: str
    definition: str = ""
    examples: tuple[str, ...] = ()
    code: str = ""


def name_problem(name: object) -> str | None:
    """What is wrong with a topic's name, or None: a name is 1 to 100 printable characters, no spaces at its ends."""
    if not isinstance(name, str):
        return f"a topic's name must be a string, not {name!r}"
    if not name or name != name.strip():
        return f"a topic's name must not be empty or begin or end with a space: {name!r}"
    if not name.isprintable() or len(name) > MAX_NAME_CHARS:
        return f"a topic's name must be at most {MAX_NAME_CHARS} printable characters: {name[:120]!r}"
    return None


def read_topics(path: Path) -> tuple[Topic, ...]:
    """Read a topics file: `[[topic]]` tables with `name`, `definition`, `examples` and `code`, in their order.

    Raises:
        TopicsFileError: the file is absent, no TOML, or a topic of it is incomplete.
    """
    entries = _toml(path).get("topic")
    if not isinstance(entries, list) or not entries:
        raise TopicsFileError(f"{path}: has no [[topic]] table; write one for each topic, with a name and a definition")
    topics = tuple(_topic(path, number, entry) for number, entry in enumerate(entries, start=1))
    names = [topic.name for topic in topics]
    for name in names:
        if names.count(name) > 1:
            raise TopicsFileError(f"{path}: topic {name!r} stands there twice; keep one")
    return topics


def read_no_topic_share(path: Path) -> float | None:
    """The `no_topic_share` of a topics file: the share of a feed's articles that have no topic, between 0 and 1.

    Raises:
        TopicsFileError: the file is absent or no TOML, or it is no such number.
    """
    share = _toml(path).get("no_topic_share")
    if share is not None and (not isinstance(share, float) or not 0 < share < 1):
        raise TopicsFileError(f"{path}: `no_topic_share` must be a number between 0 and 1, not {share!r}")
    return share


def topics_from_labels(labels: Iterable[Sequence[str]]) -> tuple[Topic, ...]:
    """The topics that occur in labels, by name, without definitions."""
    return tuple(Topic(name) for name in sorted({name for names in labels for name in names}))


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise TopicsFileError(f"{path}: no such file; `--topics` names a TOML file with [[topic]] tables") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, OSError) as error:
        raise TopicsFileError(f"{path}: cannot be read as TOML: {error}") from None


def _topic(path: Path, number: int, entry: Any) -> Topic:
    where = f"{path}: [[topic]] {number}"
    if not isinstance(entry, dict):
        raise TopicsFileError(f"{where}: must be a table")
    problem = name_problem(entry.get("name"))
    if problem:
        raise TopicsFileError(f"{where}: {problem}")
    definition, examples = entry.get("definition", ""), entry.get("examples", [])
    if not isinstance(definition, str):
        raise TopicsFileError(f"{where}: `definition` must be a string")
    if not isinstance(examples, list) or not all(isinstance(example, str) for example in examples):
        raise TopicsFileError(f"{where}: `examples` must be a list of strings")
    code = entry.get("code", "")
    if not isinstance(code, str) or (code and not _CODE.fullmatch(code)):
        raise TopicsFileError(f'{where}: `code` must be scheme:code as in "medtop:20000053", not {code!r:.40}')
    return Topic(entry["name"], " ".join(definition.split()), tuple(examples), code)
