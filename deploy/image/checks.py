"""What the image is held to, each check in a container as a cluster would run it."""

import itertools
import json
import os
import re
import stat
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.image.engines import Engine, Finished

BUDGET_MEGABYTES = 400
"""The most that the files of the image may take, in 10^6 bytes: what a node unpacks before the first call."""
SAMPLE = "Envoys met in Geneva for ceasefire talks while artillery shelled the northern suburbs."
CORPUS = "articles.jsonl"
"""The file of labelled articles that the checks expect in the engine's folder, seen as /mnt inside."""
_ADDRESS = "127.0.0.1:50051"
_START_SECONDS = 120
# Nothing that builds, installs, fetches or gives a shell to whoever gets in.
_UNWANTED = re.compile(
    r"(gcc|g\+\+|cc|c\+\+|clang|ld|as|make|pip|uv|easy_install|apt|apt-get|dpkg|sh|bash|dash|busybox|perl|curl|wget|su|sudo)"
    r"[0-9.]*(-[0-9.]+)?|(x86_64|aarch64)-linux-gnu-.*"
)


class Failed(Exception):
    """A check that the image does not pass; the text says what was seen."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the image: its path from the root, its mode, its bytes."""

    path: str
    mode: int
    size: int


def entries(root: Path) -> Iterator[Entry]:
    """Every file and folder of the image, each inode once."""
    seen: set[int] = set()
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            found = Path(folder, name).lstat()
            if found.st_ino not in seen:
                seen.add(found.st_ino)
                size = 0 if stat.S_ISDIR(found.st_mode) else found.st_size
                yield Entry(f"/{Path(folder, name).relative_to(root)}", found.st_mode, size)


def sizes(root: Path) -> dict[str, int]:
    """Bytes by top folder, the largest packages of the environment by themselves, largest first."""
    by_folder: Counter[str] = Counter()
    for entry in entries(root):
        package = re.match(r"/opt/slugline/lib/python[^/]*/site-packages/([A-Za-z0-9_]+)", entry.path)
        by_folder[package[1] if package else "/" + entry.path.split("/")[1]] += entry.size
    return dict(by_folder.most_common())


def unwanted_programs(root: Path) -> list[str]:
    """Programs, or links to some, that build, install, fetch, or are a shell."""
    return [
        entry.path
        for entry in entries(root)
        if (entry.mode & 0o111 and not stat.S_ISDIR(entry.mode)) and _UNWANTED.fullmatch(Path(entry.path).name)
    ]


def loose_permissions(root: Path) -> list[str]:
    """What runs with another's rights, and what everyone may write, but for a sticky /tmp."""
    loose = []
    for entry in entries(root):
        if stat.S_ISLNK(entry.mode) or (entry.path == "/tmp" and entry.mode & stat.S_ISVTX):
            continue
        if entry.mode & (stat.S_ISUID | stat.S_ISGID):
            loose.append(f"{entry.path} is setuid or setgid")
        if entry.mode & stat.S_IWOTH:
            loose.append(f"{entry.path} is for everyone to write")
    return loose


def check_size(engine: Engine) -> str:
    """The files take no more than the budget."""
    megabytes = sum(sizes(engine.root()).values()) / 1e6
    _demand(megabytes <= BUDGET_MEGABYTES, f"{megabytes:.0f} MB, more than the budget of {BUDGET_MEGABYTES} MB")
    return f"{megabytes:.0f} MB of {BUDGET_MEGABYTES}"


def check_programs(engine: Engine) -> str:
    """No compiler, installer or shell, neither as a program nor as a Python package."""
    unwanted = unwanted_programs(engine.root())
    _demand(not unwanted, f"holds {', '.join(unwanted)}")
    finished = engine.run("python", "-m", "pip", "--version")
    _demand(finished.returncode != 0, f"has pip: {finished.stdout}")
    return "no compiler, installer or shell"


def check_permissions(engine: Engine) -> str:
    """Runs as no root; nothing runs with another's rights; nothing but /tmp is for everyone to write."""
    user = engine.configuration()["User"].split(":")[0]
    _demand(user.isdecimal() and int(user) != 0, f"runs as {user or 'root'}, which is not another user by number")
    loose = loose_permissions(engine.root())
    _demand(not loose, "; ".join(loose))
    return f"user {user}, nothing setuid"


def check_hardening(engine: Engine) -> str:
    """In its container Slugline is the image's user, without capabilities, and writes nowhere but to /tmp."""
    status = _succeed(engine.run("python", "-c", "print(open('/proc/self/status').read())")).stdout
    user = engine.configuration()["User"].split(":")[0]
    for field, wanted in (("Uid", user), ("CapEff", "0" * 16), ("CapPrm", "0" * 16), ("NoNewPrivs", "1")):
        found = re.search(rf"^{field}:\s+(\S+)", status, re.MULTILINE)
        _demand(found is not None and found[1] == wanted, f"{field} is {found and found[1]}, not {wanted}")
    for path in ("/new", "/models/new", "/opt/slugline/new"):
        finished = engine.run("python", "-c", f"open({path!r}, 'w')")
        _demand("Read-only file system" in finished.stderr, f"{path}: {finished.stderr or 'could be written'}")
    _succeed(engine.run("python", "-c", "open('/tmp/new', 'w')"))
    return f"uid {user}, no capability, read-only"


def check_bytecode(engine: Engine) -> str:
    """Bytecode stands beside what the command imports and fits it: a read-only root leaves no second chance."""
    finished = _succeed(engine.run("python", "-v", "-m", "slugline", "classify", SAMPLE))
    matches, stale = finished.stderr.count(".pyc matches "), finished.stderr.count("# bytecode is stale")
    compiled = len(re.findall(r"^# code object from '?[^'\n]*\.py'?$", finished.stderr, re.MULTILINE))
    _demand(
        stale == 0 and compiled <= matches // 20, f"{stale} stale, {compiled} without beside {matches} with bytecode"
    )
    return f"{matches} modules with, {compiled} without"


def check_models(engine: Engine) -> str:
    """The baked-in model is current and verifies."""
    listed = json.loads(_succeed(engine.run("slugline", "models", "--json")).stdout)
    _demand([model["current"] for model in listed] == [True], f"models: {listed}")
    return str(listed[0]["version"])


def check_commands(engine: Engine) -> str:
    """`classify`, `explain`, `check`, `train` and `evaluate` work in it."""
    scores = json.loads(_succeed(engine.run("slugline", "classify", SAMPLE, "--json")).stdout)
    _demand("diplomacy" in json.dumps(scores), f"classify: {scores}")
    _succeed(engine.run("slugline", "explain", SAMPLE, "--json"))
    _succeed(engine.run("slugline", "check", f"/mnt/{CORPUS}"))
    _succeed(engine.run("slugline", "evaluate", "--data", f"/mnt/{CORPUS}", "--json"))
    train = ("slugline", "train", "--data", f"/mnt/{CORPUS}", "--models", "/tmp/models", "--json")
    _succeed(engine.run(*train))
    return "classify, explain, check, evaluate, train"


def check_serving(engine: Engine) -> str:
    """It starts as the image says, tells its health, answers, and ends with 0 on SIGTERM."""
    started = time.monotonic()
    # The container has no network but its own loopback, so that nobody else can listen in.
    engine.start({"SLUGLINE_INSECURE": "true"})
    while (health := engine.execute("slugline", "health", "--address", _ADDRESS)).returncode != 0:
        _demand(time.monotonic() - started < _START_SECONDS, f"is not healthy: {health.stderr}")
        time.sleep(0.2)
    seconds = time.monotonic() - started
    answer = _succeed(engine.execute("slugline", "classify", "--server", _ADDRESS, SAMPLE, "--json")).stdout
    _demand("military_action" in answer, f"answered {answer}")
    status = engine.stop()
    _demand(status == 0, f"ended with {status} on SIGTERM")
    return f"healthy after {seconds:.1f} s, SIGTERM gives 0"


CHECKS: tuple[Callable[[Engine], str], ...] = (
    check_size,
    check_programs,
    check_permissions,
    check_hardening,
    check_models,
    check_bytecode,
    check_commands,
    check_serving,
)


def run_checks(engine: Engine) -> Iterator[dict[str, Any]]:
    """Run every check; yields for each its `name`, `passed`, what was `seen` and how many `seconds` it took."""
    for check in CHECKS:
        started = time.monotonic()
        try:
            passed, seen = True, check(engine)
        except Failed as failure:
            passed, seen = False, str(failure)
        yield {
            "name": check.__name__.removeprefix("check_"),
            "passed": passed,
            "seen": seen,
            "seconds": round(time.monotonic() - started, 1),
        }


def write_corpus(seeds: Path, folder: Path, documents: int = 400) -> None:
    """A small corpus for the checks, evenly from the seeds, with their topics file."""
    files = [
        path.read_text(encoding="utf-8").splitlines(keepends=True) for path in sorted(seeds.glob("articles/*.jsonl"))
    ]
    lines = (line for row in itertools.zip_longest(*files) for line in row if line is not None)
    (folder / CORPUS).write_text("".join(itertools.islice(lines, documents)), encoding="utf-8")
    (folder / "topics.toml").write_text((seeds / "topics.toml").read_text(encoding="utf-8"), encoding="utf-8")


def _succeed(finished: Finished) -> Finished:
    if finished.returncode != 0:
        said = (finished.stderr or finished.stdout).strip()[-2000:]
        raise Failed(f"{' '.join(map(str, finished.args[-6:]))}: exit status {finished.returncode}: {said}")
    return finished


def _demand(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Failed(otherwise)
