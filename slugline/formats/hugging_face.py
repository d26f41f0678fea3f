"""Hugging Face datasets on disk: the folder that `save_to_disk` writes, read without its library.

A folder has `state.json`, which names files of Arrow streams, and `dataset_info.json`, which names labels. A folder of
several splits holds one such folder for each; their rows have their split in a column of that name.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from slugline.errors import DataNotFound, InputError
from slugline.formats.arrow import checked, library, records, schema_of, stream_batches, write_table
from slugline.formats.columns import Columns
from slugline.formats.records import Fields, Format, Record, Survey

STATE_FILE, INFO_FILE, SPLITS_FILE = "state.json", "dataset_info.json", "dataset_dict.json"


def is_dataset(folder: Path) -> bool:
    """Whether a folder is one dataset."""
    return (folder / STATE_FILE).is_file()


def splits(folder: Path) -> list[Path]:
    """The datasets in a folder of splits; none where it is no such folder.

    Raises:
        InputError: a split that it names is not there.
    """
    if not (folder / SPLITS_FILE).is_file():
        return []
    named = _json(folder / SPLITS_FILE).get("splits")
    found = [folder / str(name) for name in named] if isinstance(named, list) else []
    for split in found:
        if not is_dataset(split):
            raise DataNotFound(f"{split}: is named by {SPLITS_FILE}, but holds no {STATE_FILE}")
    return found


class HuggingFace(Format):
    """A folder of Arrow streams."""

    name = "hugging-face"

    def read(self, path: Path, columns: Columns) -> Iterator[Record]:
        """The rows of a dataset, numbered over all of its files."""
        state = _json(path / STATE_FILE)
        if state.get("_indices_data_files"):
            raise InputError(f"{path}: is a selection of rows; save it with flatten_indices() before")
        files = state.get("_data_files")
        if not isinstance(files, list):
            raise InputError(f"{path / STATE_FILE}: names no _data_files")
        features = _json(path / INFO_FILE).get("features") if (path / INFO_FILE).is_file() else None
        split = path.name if (path.parent / SPLITS_FILE).is_file() else None
        number = 0
        for file in files:
            arrow = path / str(file["filename"] if isinstance(file, dict) else file)
            for batch in checked(arrow, self.name, stream_batches(arrow)):
                for record in records(batch, number, columns, path, features):
                    if split is not None and record.fields is not None:
                        record.fields.setdefault("split", split)
                    yield record
                number += batch.num_rows

    def write(self, path: Path, rows: Iterator[Fields], survey: Survey) -> None:
        """Write one dataset into a new folder."""
        path.mkdir()
        data = path / "data-00000-of-00001.arrow"
        write_table(lambda to, schema: library().ipc.new_stream(str(to), schema), data, rows, survey)
        features = {field.name: _feature(field) for field in schema_of(survey)}
        info = {"citation": "", "description": "", "features": features, "homepage": "", "license": ""}
        state: dict[str, Any] = {
            "_data_files": [{"filename": data.name}],
            "_fingerprint": _digest(data),
            "_format_columns": None,
            "_format_kwargs": {},
            "_format_type": None,
            "_output_all_columns": False,
            "_split": None,
        }
        for name, value in ((INFO_FILE, info), (STATE_FILE, state)):
            (path / name).write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=8)).hexdigest()


def _feature(field: Any) -> dict[str, Any]:
    if field.name == "topics":
        return {"feature": {"dtype": "string", "_type": "Value"}, "_type": "Sequence"}
    return {"dtype": {"double": "float64"}.get(str(field.type), str(field.type)), "_type": "Value"}


def _json(path: Path) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise DataNotFound(f"{path}: cannot be read: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise InputError(f"{path}: must be a JSON object")
    return value


HUGGING_FACE = HuggingFace()
