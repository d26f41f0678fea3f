"""The bill of materials of an image, put together from the real packages of this machine."""

import json
import re
import shutil
import sys
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from deploy.supply_chain.sbom import main

STATUS = Path("/var/lib/dpkg/status")
DISTRIBUTIONS = ("slugline", "numpy", "msgspec", "grpcio", "rich")
PACKAGES = 20
REMOVED = "Package: gone\nStatus: deinstall ok config-files\nArchitecture: all\nConfig-Version: 1"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where an image keeps them: some distributions of this environment, some Debian packages of this machine."""
    root = tmp_path_factory.mktemp("root")
    site = root / "opt/slugline/lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    site.mkdir(parents=True)
    for name in DISTRIBUTIONS:
        metadata = Path(str(distribution(name).locate_file(f"{name}-{version(name)}.dist-info")))
        (site / metadata.name).symlink_to(metadata)
    shutil.copy(Path(sys.prefix, "pyvenv.cfg"), root / "opt/slugline/pyvenv.cfg")
    (root / "etc").mkdir()
    shutil.copy("/etc/os-release", root / "etc/os-release")
    if STATUS.exists():
        stanzas = STATUS.read_text().split("\n\n")
        (root / "var/lib/dpkg").mkdir(parents=True)
        (root / "var/lib/dpkg/status").write_text("\n\n".join([*stanzas[:PACKAGES], REMOVED, ""]))
    return root


@pytest.fixture(scope="module")
def bill(root: Path) -> dict[str, Any]:
    assert main([str(root), "--output", str(root / "bill.json")]) == 0
    text = (root / "bill.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    parsed: dict[str, Any] = json.loads(text)
    return parsed


def test_every_distribution_is_listed_and_slugline_is_what_it_is_about(bill: dict[str, Any]) -> None:
    listed = {component["name"] for component in bill["components"]}
    assert set(DISTRIBUTIONS) - listed == {"slugline"}
    assert bill["metadata"]["component"]["name"] == "slugline"


def test_a_distribution_has_an_address_that_scanners_know(bill: dict[str, Any]) -> None:
    assert f"pkg:pypi/numpy@{version('numpy')}" in {component.get("purl") for component in bill["components"]}


def test_python_itself_is_listed(bill: dict[str, Any]) -> None:
    assert f"pkg:generic/python@{sys.version.split()[0]}" in {component.get("purl") for component in bill["components"]}


@pytest.mark.skipif(not STATUS.exists(), reason="this machine has no Debian packages to list")
def test_every_debian_package_is_listed(bill: dict[str, Any]) -> None:
    installed = re.findall(
        r"^Status: .* installed$", "\n\n".join(STATUS.read_text().split("\n\n")[:PACKAGES]), re.MULTILINE
    )
    debian = [component["purl"] for component in bill["components"] if component.get("purl", "").startswith("pkg:deb/")]
    assert len(debian) == len(installed) > 0
    assert all("arch=" in purl and "distro=" in purl for purl in debian)


@pytest.mark.parametrize("missing", ["opt/slugline", "opt/slugline/pyvenv.cfg"])
def test_a_folder_that_is_no_image_is_told_of(
    missing: str, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(root, tmp_path / "root", symlinks=True)
    damaged = tmp_path / "root" / missing
    (shutil.rmtree if damaged.is_dir() else Path.unlink)(damaged)
    assert main([str(tmp_path / "root")]) == 1
    assert str(tmp_path / "root") in capsys.readouterr().err
