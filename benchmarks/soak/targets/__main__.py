"""Fuzz one target: `python -m benchmarks.soak.targets TARGET MODELS FOLDER [option of libFuzzer ...]`.

Seeds are written into FOLDER/corpus, which grows by every input that reaches code no other has reached; an input that
finds a fault ends the process and is left in FOLDER.
"""

import hashlib
import importlib
import os
import sys
from pathlib import Path

import atheris

MODELS_VARIABLE = "SLUGLINE_MODELS"
"""Where targets find the models; the name that `slugline serve` knows, too."""


def main(name: str, models: str, folder: str, *options: str) -> None:
    """Write the seeds and fuzz."""
    os.environ[MODELS_VARIABLE] = models
    with atheris.instrument_imports(include=["slugline", "service", "training"]):
        target = importlib.import_module(f"benchmarks.soak.targets.{name}")
    corpus = Path(folder) / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds():
        (corpus / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    atheris.Setup([sys.argv[0], str(corpus), f"-artifact_prefix={folder}/", *options], target.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
