"""Any bytes, in the place of any file that Slugline reads but tables: they are read, or refused in our own words.

An input is a byte that chooses the file, and its content.
"""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from benchmarks.soak.articles import SENTENCES, documents
from benchmarks.soak.targets.small import SETTINGS, pipeline_of
from service.messages import Answers, model_response
from service.reading import Reader
from service.settings import Limits
from service.tally import Tally
from slugline import promotions, signing, store
from slugline.compiled.scorer import CompiledScorer
from slugline.compiled.tables import tables_of
from slugline.corpus import examine, read_corpus, rows_of
from slugline.errors import SluglineError
from slugline.formats.reading import PLAIN
from slugline.manifest import MANIFEST_FILE, SIGNATURE_FILE, read_manifest
from slugline.model import Model
from slugline.promotions import CURRENT_FILE, HISTORY_FILE
from slugline.topics import read_no_topic_share, read_topics
from training.recipe import Recipe, read_recipe, write_recipe

_FOLDER = Path(tempfile.mkdtemp(prefix="slugline-fuzz-"))
_KEY = signing.SigningKey.new()
_TEXTS = [*SENTENCES, "", " ", "a"]


def _published() -> Path:
    """A version of a small model, with the manifest of the real one made to fit."""
    real = read_manifest(store.find(Path(os.environ["SLUGLINE_MODELS"])))
    pipeline = pipeline_of(SETTINGS[0], sentences=3)
    tables = tables_of(pipeline)
    scores = CompiledScorer(tables).scores(SENTENCES[:2]).tolist()
    probes = [
        msgspec.structs.replace(probe, text=text, scores=row)
        for probe, text, row in zip(real.probes, SENTENCES, scores, strict=False)
    ]
    manifest = msgspec.structs.replace(real, probes=probes)
    folder = store.publish(_FOLDER, "small", Model(manifest, tables), pipeline, signing_key=_KEY)
    store.promote(_FOLDER, "small", folder.name)
    return folder


_VERSION = _published()
_HOME = _VERSION.parent
_KEYS = _KEY.write(_FOLDER / "release")
# What is fuzzed has a copy of its own, so that the others stay as they are.
_COPY = shutil.copytree(_VERSION, _FOLDER / "copy" / _VERSION.name)


def _corpus(path: Path) -> None:
    list(rows_of(PLAIN.records(path), max_text_chars=5000))
    found, faults, _ = examine([path], ["diplomacy", "terrorism"])
    assert all(document.topics is not None for document in found)
    assert all(str(fault).startswith(f"{path}:") for fault in faults)
    read_corpus([path])


def _topics(path: Path) -> None:
    read_no_topic_share(path)
    read_topics(path)


def _manifest(path: Path) -> None:
    """A version with this manifest is loaded as a server does, and used as one does."""
    model = store.load(path.parent)
    model_response(model.manifest, Limits())
    answers = Answers(Reader(model, Tally()))
    for text in _TEXTS:
        reading = model.read([text])
        tokens = reading.tokens[0].tolist()
        answers.one(model.columns([]), documents(1)[0], reading.scores[0].tolist(), model.warnings(tokens), 3)


def _signature(path: Path) -> None:
    """Nothing but what the key wrote is taken for its signature."""
    store.load(path.parent, trusted_keys=_KEYS)
    assert path.read_bytes() == (_VERSION / SIGNATURE_FILE).read_bytes()


def _public_keys(path: Path) -> None:
    signing.public_keys(path)


def _private_key(path: Path) -> None:
    signing.holds_private_key(path)
    signing.SigningKey.read(path, b"passphrase")


def _current(path: Path) -> None:
    assert (store.find(path.parent) / MANIFEST_FILE).is_file()


def _history(path: Path) -> None:
    promotions.predecessor(path.parent)


_KINDS: list[tuple[Path, Callable[[Path], object]]] = [
    (_FOLDER / "articles.jsonl", _corpus),
    (_FOLDER / "topics.toml", _topics),
    (_FOLDER / "recipe.json", read_recipe),
    (_COPY / MANIFEST_FILE, _manifest),
    (_COPY / SIGNATURE_FILE, _signature),
    (_FOLDER / "public.pem", _public_keys),
    (_FOLDER / "private.pem", _private_key),
    (_HOME / CURRENT_FILE, _current),
    (_HOME / HISTORY_FILE, _history),
]
_WHOLE = {path: path.read_bytes() for path, _ in _KINDS if path.exists()}


def seeds() -> list[bytes]:
    """A valid file of each kind, or several."""
    articles = [
        {
            "id": d.id,
            "title": d.title,
            "text": d.text[:200],
            "topics": ["diplomacy"] * (n % 2),
            "published": "2026-01-02",
        }
        for n, d in enumerate(documents(12))
    ]
    topics = '[[topic]]\nname = "diplomacy"\ndefinition = "Talks."\nexamples = ["Envoys met"]\nno_topic_share = 0.5\n'
    write_recipe(_FOLDER / "seed.json", Recipe())
    contents = {
        0: b"\n".join(map(msgspec.json.encode, articles)),
        1: f"no_topic_share = 0.5\n\n{topics}".encode(),
        2: (_FOLDER / "seed.json").read_bytes(),
        3: msgspec.json.format(_WHOLE[_COPY / MANIFEST_FILE], indent=-1),
        4: _WHOLE[_COPY / SIGNATURE_FILE],
        5: _KEYS.read_bytes() * 2,
        6: (_FOLDER / "release").read_bytes(),
        7: _WHOLE[_HOME / CURRENT_FILE],
        8: (_VERSION.name + "\n").encode() * 3,
    }
    lines = contents[0].split(b"\n")
    return [bytes((kind,)) + content for kind, content in contents.items()] + [b"\0" + line for line in lines]


def check(data: bytes) -> None:
    """Put the content into its file, read that, and put things back."""
    if not data:
        return
    path, read = _KINDS[data[0] % len(_KINDS)]
    path.write_bytes(data[1:])
    try:
        read(path)
    except SluglineError as error:
        assert str(error)
    finally:
        if path in _WHOLE:
            path.write_bytes(_WHOLE[path])
