"""Build the image, run it, hold it to what is promised, and write its bill of materials: `python -m deploy.image`."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from deploy.image.buildah import Buildah
from deploy.image.checks import run_checks, sizes, write_corpus
from deploy.image.docker import Docker
from deploy.image.engines import CannotBuild, Engine, finish
from deploy.supply_chain.sbom import UnreadableImage, bill_of_materials

PROJECT = Path(__file__).parents[2]


def main() -> int:
    """Do all of it; returns 0 if every check passed, 1 if one did not, 2 if there was no image to check."""
    parser = argparse.ArgumentParser(prog="python -m deploy.image", description=__doc__)
    parser.add_argument(
        "--base", help="base image, or folder with one; Buildah makes one with debootstrap if not given"
    )
    parser.add_argument("--certificates", type=Path, help="file of authorities to trust while packages are fetched")
    parser.add_argument("--to", type=Path, default=Path("build/image"), help="folder for what is written")
    parser.add_argument("--scratch", type=Path, help="folder for layers and the base, kept for the next build")
    parser.add_argument("--save", action="store_true", help="also write the image to slugline.tar, for `docker load`")
    given = parser.parse_args()
    given.to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="slugline-image-", ignore_cleanup_errors=True) as temporary:
        # Every user must be able to read /mnt, whoever made it.
        folder = Path(temporary, "data")
        folder.mkdir()
        scratch = (given.scratch or Path(temporary, "scratch")).absolute()
        scratch.mkdir(parents=True, exist_ok=True)
        try:
            engine = _find_engine(scratch, folder)
            return _build_and_check(engine, given)
        except (CannotBuild, UnreadableImage) as error:
            print(f"image: {error}", file=sys.stderr)
        except subprocess.CalledProcessError as error:
            print(f"image: {error.cmd[0]} ended with {error.returncode}; its words are above", file=sys.stderr)
        return 2


def _find_engine(scratch: Path, folder: Path) -> Engine:
    """The engine of this machine. Raises CannotBuild."""
    if shutil.which("docker") and finish("docker", "info").returncode == 0:
        return Docker(scratch, folder)
    missing = [name for name in ("buildah", "unshare", "nsenter", "mount") if not shutil.which(name)]
    if missing:
        raise CannotBuild(f"no Docker daemon answers, and to do without one {', '.join(missing)} must be installed")
    if os.geteuid() != 0:
        raise CannotBuild("no Docker daemon answers, and doing without one takes root")
    return Buildah(scratch, folder)


def _build_and_check(engine: Engine, given: argparse.Namespace) -> int:
    to: Path = given.to
    started = time.monotonic()
    try:
        engine.build(PROJECT, given.base, given.certificates)
        seconds = time.monotonic() - started
        write_corpus(PROJECT / "seeds", engine.folder)
        engine.root()
        (to / "sbom.cdx.json").write_text(bill_of_materials(engine.root()), encoding="utf-8")
        results = []
        for result in run_checks(engine):
            results.append(result)
            print(f"{'ok  ' if result['passed'] else 'FAIL'} {result['name']}: {result['seen']}", flush=True)
        by_folder = sizes(engine.root())
        report = {"engine": type(engine).__name__, "build_seconds": round(seconds), "checks": results}
        report["bytes"] = {"all": sum(by_folder.values())} | by_folder
        (to / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        if given.save:
            engine.save((to / "slugline.tar").absolute())
    finally:
        engine.close()
    print(f"Built in {seconds:.0f} s; {to}/report.json and {to}/sbom.cdx.json tell of the image.")
    return 0 if all(result["passed"] for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
