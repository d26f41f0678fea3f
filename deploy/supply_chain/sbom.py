"""A bill of materials of an image: every Python distribution and Debian package in it, as CycloneDX JSON.

`python -m deploy.supply_chain.sbom ROOT` reads the files of an image below ROOT; nothing in there is run.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from email.parser import HeaderParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator


class UnreadableImage(Exception):
    """A folder that does not hold what an image of Slugline holds; the text says what is missing."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the bill of materials of an unpacked image."""
    parser = argparse.ArgumentParser(prog="python -m deploy.supply_chain.sbom", description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path, help="folder with the files of the image")
    parser.add_argument("--output", type=Path, help="file to write, instead of standard output")
    given = parser.parse_args(arguments)
    try:
        text = bill_of_materials(given.root)
    except UnreadableImage as error:
        print(f"sbom: {error}", file=sys.stderr)
        return 1
    if given.output:
        given.output.write_text(text, encoding="utf-8")
    else:
        print(text)
    return 0


def bill_of_materials(root: Path) -> str:
    """CycloneDX 1.6 JSON, valid by its schema. Raises UnreadableImage."""
    bill = python_components(root)
    bill["components"] += [*debian_components(root), *interpreter(root)]
    text = json.dumps(bill, indent=1, ensure_ascii=False)
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if fault is not None:
        raise UnreadableImage(f"{root}: what its packages say of themselves is no valid CycloneDX: {fault}")
    return text


def python_components(root: Path) -> dict[str, Any]:
    """The bill of the distributions in the image's virtual environment, Slugline itself as what it is about."""
    sites = sorted(root.glob("opt/slugline/lib/python3.*/site-packages"))
    if not sites:
        raise UnreadableImage(f"{root}: holds no virtual environment at opt/slugline")
    # The interpreter that is asked for its path is this one, without packages of its own, pointed at the image's.
    command = [sys.executable, "-I", "-m", "cyclonedx_py", "environment", "-S", sys.executable]
    command += ["--spec-version", "1.6", "--output-format", "JSON", "--no-validate"]
    finished = subprocess.run(
        command, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(sites[0].absolute())}
    )
    if finished.returncode != 0:
        raise UnreadableImage(f"{root}: {finished.stderr.strip()}")
    bill: dict[str, Any] = json.loads(finished.stdout)
    ours = [component for component in bill["components"] if component["name"] == "slugline"]
    if not ours:
        raise UnreadableImage(f"{sites[0]}: Slugline is not installed in it")
    bill["components"].remove(ours[0])
    bill["metadata"]["component"] = ours[0] | {"type": "application"}
    return bill


def debian_components(root: Path) -> Iterator[dict[str, Any]]:
    """The packages in dpkg's status file, which images of other origin do not have."""
    status = root / "var/lib/dpkg/status"
    if not status.exists():
        return
    release = _os_release(root)
    for stanza in re.split(r"\n{2,}", status.read_text(encoding="utf-8").strip()):
        package = HeaderParser().parsestr(stanza)
        # Packages that were removed, but for their configuration, keep a stanza.
        if not package["Status"].endswith(" installed"):
            continue
        name, version = package["Package"], package["Version"]
        where = f"arch={package['Architecture']}&distro={release['ID']}-{release['VERSION_ID']}"
        purl = f"pkg:deb/{release['ID']}/{quote(name)}@{quote(version)}?{where}"
        component = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
        yield component | {"description": package["Description"].splitlines()[0]}


def interpreter(root: Path) -> Iterator[dict[str, Any]]:
    """Python itself, by the version that the virtual environment was made with."""
    settings = root / "opt/slugline/pyvenv.cfg"
    version = re.search(r"^version = (\S+)", settings.read_text("utf-8"), re.MULTILINE) if settings.exists() else None
    if version is None:
        raise UnreadableImage(f"{settings}: does not tell the version of Python")
    purl = f"pkg:generic/python@{version[1]}"
    yield {"type": "platform", "bom-ref": purl, "name": "python", "version": version[1], "purl": purl}


def _os_release(root: Path) -> dict[str, str]:
    lines = (root / "etc/os-release").read_text(encoding="utf-8").splitlines()
    return {key: value.strip('"') for key, _, value in (line.partition("=") for line in lines)}


if __name__ == "__main__":
    sys.exit(main())
