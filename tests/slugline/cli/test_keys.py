import json
import shutil
import stat
from pathlib import Path

import pytest

from slugline import store
from slugline.manifest import MANIFEST_FILE
from slugline.signing import SigningKey
from tests.conftest import Slugline
from tests.corpora import write_rows

PASSPHRASE = "correct horse battery staple"


def test_keys_are_made_and_shown(slugline: Slugline, tmp_path: Path) -> None:
    made = slugline("keys", "new", "release.key")
    assert made.returncode == 0, made.stderr
    key_id = made.stdout.strip()
    assert stat.S_IMODE((tmp_path / "release.key").stat().st_mode) == 0o600
    assert slugline("keys", "show", "release.key").stdout == f"{key_id} private\n"
    assert slugline("keys", "show", "release.key.pub").stdout == f"{key_id} public\n"
    other = json.loads(slugline("keys", "new", "other.key", "--json").stdout)
    assert other["public_file"] == "other.key.pub"
    (tmp_path / "keys").mkdir()
    for name in ("release.key.pub", "other.key.pub"):
        shutil.copy(tmp_path / name, tmp_path / "keys")
    shown = json.loads(slugline("keys", "show", "keys", "--json").stdout)
    assert {row["key"] for row in shown} == {key_id, other["key"]}
    assert {row["kind"] for row in shown} == {"public"}
    assert (tmp_path / "other.key.pub").read_text() in [row["public_key"] for row in shown]


def test_a_key_that_is_there_is_not_overwritten(slugline: Slugline, tmp_path: Path) -> None:
    (tmp_path / "release.key").write_text("precious")
    done = slugline("keys", "new", "release.key")
    assert (done.returncode, done.stdout) == (2, "")
    assert "release.key: is there already" in done.stderr
    assert (tmp_path / "release.key").read_text() == "precious"


@pytest.mark.parametrize("path", ["none", "empty", "."])
def test_what_holds_no_key_is_told(slugline: Slugline, tmp_path: Path, path: str) -> None:
    (tmp_path / "empty").touch()
    done = slugline("keys", "show", path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"slugline: {path}: ")
    assert "Traceback" not in done.stderr


def test_a_published_version_is_signed_and_then_loads(slugline: Slugline, own_models: Path, corpus_file: Path) -> None:
    folder = store.find(own_models)
    slugline("keys", "new", "release.key")
    loads: list[list[str | Path]] = [
        ["classify", "--model", own_models, "Troops shelled the port"],
        ["explain", "--model", own_models, "Troops shelled the port"],
        ["classify", "--model", own_models, "--input", corpus_file, "--output", "topics.jsonl"],
        ["evaluate", "--model", own_models, "--data", corpus_file],
    ]
    for command in loads:
        refused = slugline(*command, "--trusted-keys", "release.key.pub")
        assert refused.returncode == 3
        assert refused.stderr.splitlines()[-1].startswith(f"slugline: {folder}: is not signed")
        assert "Traceback" not in refused.stderr
    signed = slugline("keys", "sign", folder, "--key", "release.key", "--json")
    assert json.loads(signed.stdout)["path"] == str(folder)
    for command in loads[1:3]:
        done = slugline(*command, SLUGLINE_TRUSTED_KEYS="release.key.pub")
        assert done.returncode == 0, done.stderr


def test_a_damaged_version_is_not_signed(slugline: Slugline, own_models: Path) -> None:
    folder = store.find(own_models)
    (folder / store.MODEL_FILE).write_bytes(b"x")
    slugline("keys", "new", "release.key")
    done = slugline("keys", "sign", folder, SLUGLINE_SIGN="release.key")
    assert done.returncode == 3
    assert "is not the file that was published" in done.stderr


def test_training_signs_what_it_publishes(
    slugline: Slugline, own_models: Path, corpus_file: Path, tmp_path: Path
) -> None:
    slugline("keys", "new", "release.key", SLUGLINE_KEY_PASSPHRASE=PASSPHRASE)
    train = ["train", "--data", corpus_file, "--if-changed", "--promote", "--json"]
    unsigned = json.loads(slugline(*train).stdout)
    assert (unsigned["trained"], unsigned["signed_by"]) == (False, None)
    # Nothing has changed, but what stands there unsigned may be anybody's: it is not signed but trained anew.
    signed = slugline(*train, "--sign", "release.key", SLUGLINE_KEY_PASSPHRASE=PASSPHRASE)
    assert signed.returncode == 0, signed.stderr
    answer = json.loads(signed.stdout)
    key = SigningKey.read(tmp_path / "release.key", PASSPHRASE.encode())
    assert (answer["trained"], answer["signed_by"]) == (True, key.key_id)
    folder = tmp_path / answer["path"]
    assert key.has_signed(folder, (folder / MANIFEST_FILE).read_bytes())
    again = slugline(*train, SLUGLINE_SIGN="release.key", SLUGLINE_KEY_PASSPHRASE=PASSPHRASE)
    assert json.loads(again.stdout)["trained"] is False
    assert slugline("explain", "--trusted-keys", "release.key.pub", "Troops shelled").returncode == 0


def test_a_key_that_does_not_open_ends_training_before_it_begins(slugline: Slugline, tmp_path: Path) -> None:
    slugline("keys", "new", "release.key", SLUGLINE_KEY_PASSPHRASE=PASSPHRASE)
    data = write_rows(tmp_path / "a.jsonl", [])
    for passphrase, words in (("", "is encrypted"), ("wrong", "does not hold its passphrase")):
        done = slugline("train", "--data", data, "--sign", "release.key", SLUGLINE_KEY_PASSPHRASE=passphrase)
        assert done.returncode == 2
        assert done.stderr.startswith("slugline: release.key: ")
        assert words in done.stderr


def test_no_secret_is_ever_shown(slugline: Slugline, own_models: Path, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    slugline("keys", "new", "plain/release.key")
    slugline("keys", "new", "release.key", SLUGLINE_KEY_PASSPHRASE=PASSPHRASE)
    secrets = [PASSPHRASE]
    secrets += [(tmp_path / path / "release.key").read_text().splitlines()[1] for path in (".", "plain")]
    folder = store.find(own_models)
    commands: list[list[str | Path]] = [
        ["keys", "--help"],
        ["keys", "new", "--help"],
        ["keys", "sign", "--help"],
        ["train", "--help"],
        ["keys", "new", "another.key", "--json"],
        ["keys", "new", "release.key"],
        ["keys", "show", "release.key", "--json"],
        ["keys", "show", "plain/release.key", "--json"],
        ["keys", "sign", folder, "--key", "release.key"],
        ["keys", "sign", folder, "--key", "plain/release.key"],
        ["explain", "--model", folder, "--trusted-keys", "plain/release.key", "x"],
        ["serve", "--models", own_models, "--trusted-keys", "plain/release.key", "--address", "127.0.0.1:0"],
    ]
    for command in commands:
        done = slugline(*command, SLUGLINE_KEY_PASSPHRASE=PASSPHRASE)
        assert not any(secret in done.stdout + done.stderr for secret in secrets), command
        assert "Traceback" not in done.stderr
