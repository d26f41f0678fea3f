"""Ask a vulnerability service about every locked dependency: `python -m deploy.supply_chain.audit`.

Exit status 0 says that all were looked up and nothing is known of them, 1 that something is, 2 that the lock cannot be
audited as it stands, and 75 (EX_TEMPFAIL) that they could not be looked up, which is no pass.
"""

import argparse
import itertools
import json
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

PASSED, FOUND, BROKEN, SKIPPED = 0, 1, 2, 75
# A release that every service knows to be vulnerable (CVE-2019-10906): one that does not would pass anything.
KNOWN_VULNERABLE = "jinja2==2.10"
_PINNED = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)\s*(;[^\\]*)?\\?$")
_HASH = re.compile(r"\s+--hash=sha256:[0-9a-f]{64}\s*\\?$")


class UnusableLock(Exception):
    """A lock with a line that is no pinned release with hashes; the text says where."""


class NotLookedUp(Exception):
    """The service gave no answer, or none to be relied on; the text says why."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A known vulnerability of a locked release."""

    release: str
    identifier: str
    fixed_in: tuple[str, ...]


def main(arguments: Sequence[str] | None = None) -> int:
    """Audit the lock; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m deploy.supply_chain.audit", description=__doc__.splitlines()[0])
    parser.add_argument("lock", nargs="?", type=Path, default=Path("requirements.lock"), help="file of pinned releases")
    parser.add_argument("--osv-url", metavar="URL", help="query another service that speaks the OSV protocol")
    given = parser.parse_args(arguments)
    try:
        releases = locked_releases(given.lock)
        findings = audit(releases, given.osv_url)
    except UnusableLock as error:
        print(f"audit: {error}", file=sys.stderr)
        return BROKEN
    except NotLookedUp as error:
        print(f"SKIPPED: could not look packages up: {error}", file=sys.stderr)
        return SKIPPED
    for finding in findings:
        fixed = f"fixed in {', '.join(finding.fixed_in)}" if finding.fixed_in else "not fixed yet"
        print(f"{finding.release}: {finding.identifier}, {fixed}")
    print(f"{given.lock}: {len(releases)} releases looked up, {len(findings)} known vulnerabilities", file=sys.stderr)
    return FOUND if findings else PASSED


def locked_releases(lock: Path) -> list[str]:
    """The releases of a lock as `name==version`, those for other platforms and Pythons too. Raises UnusableLock."""
    hashes: dict[str, int] = {}
    try:
        lines = lock.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise UnusableLock(f"{lock}: {error.strerror}") from error
    for number, line in enumerate(lines, 1):
        pinned = _PINNED.match(line)
        if pinned:
            hashes[f"{pinned['name']}=={pinned['version']}"] = 0
        elif _HASH.match(line) and hashes:
            hashes[next(reversed(hashes))] += 1
        elif line.strip() and not line.lstrip().startswith("#"):
            raise UnusableLock(f"{lock}:{number}: is neither a release pinned by == nor a hash: {line.strip()}")
    if not hashes:
        raise UnusableLock(f"{lock}: pins nothing")
    bare = [release for release, count in hashes.items() if count == 0]
    if bare:
        raise UnusableLock(f"{lock}: has no hash of {', '.join(bare)}; `make lock` writes them")
    return list(hashes)


def audit(releases: Sequence[str], osv_url: str | None) -> list[Finding]:
    """What the service knows of the releases. Raises NotLookedUp, also if it answered about fewer than all."""
    wanted = [*releases, KNOWN_VULNERABLE]
    answers = {release: found for some in rounds(wanted) for release, found in ask(some, osv_url).items()}
    missing = [release for release in wanted if release not in answers]
    if missing:
        raise NotLookedUp(f"{len(missing)} of {len(wanted)} were passed over: {', '.join(missing)}")
    if not answers[KNOWN_VULNERABLE]:
        raise NotLookedUp(f"the service knows of nothing against {KNOWN_VULNERABLE}, so its word is worth nothing")
    return [finding for release in releases for finding in answers[release]]


def rounds(releases: Sequence[str]) -> Iterator[list[str]]:
    """The releases in lists that hold one of each package: a lock may have several, for several Pythons."""
    of_package: dict[str, list[str]] = defaultdict(list)
    for release in releases:
        of_package[release.split("==")[0]].append(release)
    for some in itertools.zip_longest(*of_package.values()):
        yield [release for release in some if release is not None]


def ask(releases: Sequence[str], osv_url: str | None) -> dict[str, list[Finding]]:
    """What pip-audit finds for each release that the service answered about. Raises NotLookedUp."""
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder, "requirements.txt")
        requirements.write_text("\n".join(releases), encoding="utf-8")
        command = [sys.executable, "-m", "pip_audit", "--requirement", str(requirements), "--no-deps", "--disable-pip"]
        command += ["--cache-dir", folder, "--progress-spinner", "off", "--format", "json", "--desc", "off"]
        command += ["--vulnerability-service", "osv", *(("--osv-url", osv_url) if osv_url else ())]
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        dependencies = json.loads(finished.stdout)["dependencies"]
    except (ValueError, KeyError):
        lines = finished.stderr.strip().splitlines() or [f"pip-audit ended with status {finished.returncode}"]
        raise NotLookedUp(lines[-1]) from None
    asked = {_normal(release): release for release in releases}
    answers: dict[str, list[Finding]] = {}
    for found in dependencies:
        if "skip_reason" not in found:
            release = asked[_normal(f"{found['name']}=={found['version']}")]
            answers[release] = [Finding(release, v["id"], tuple(v["fix_versions"])) for v in found["vulns"]]
    return answers


def _normal(release: str) -> str:
    """A release with its name spelled as indexes do."""
    name, _, version = release.partition("==")
    return f"{re.sub('[-_.]+', '-', name).lower()}=={version}"


if __name__ == "__main__":
    sys.exit(main())
