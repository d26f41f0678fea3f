"""Assemble the root file system of the image: what Slugline needs to run, and nothing of the base image besides.

Runs in the Dockerfile's build stage by the Python of Slugline's virtual environment, with the standard library alone.
From the base come the standard library, the shared libraries that the dynamic linker finds for the code in there, the
certificates of the public authorities, and the names and licences of the Debian packages these belong to.
"""

import argparse
import compileall
import importlib
import os
import pkgutil
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

USER = 10001
OURS = ("slugline", "service", "training")
PROGRAMS = re.compile(r"python[0-9.]*|slugline")
# Tests, sources that were compiled, and what type checkers read; `testing` stays, which libraries import at run time.
SUPERFLUOUS_FOLDERS = {"tests", "sample_data", "idlelib", "tkinter", "turtledemo", "ensurepip", "lib2to3", "pydoc_data"}
SUPERFLUOUS_SUFFIXES = {".a", ".c", ".cpp", ".f90", ".h", ".hpp", ".pxd", ".pxi", ".pyi", ".pyx"}
# Terminals and old databases: nothing here imports them, and each brings libraries that would have to be kept patched.
SUPERFLUOUS_MODULES = ("nis.", "readline.", "_curses", "_dbm.", "_gdbm.", "_tkinter.")
INSTALLERS = re.compile(r"(pip|setuptools|_distutils_hack|distutils-precedence|pkg_resources)\b.*")
# Opened by name while a program runs, so that no other file tells of them: threads that end need the first.
OPENED_BY_NAME = ("libgcc_s.so.1", "libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2")
TEXTS = {
    "etc/passwd": "root:x:0:0:root:/root:/sbin/nologin\n"
    f"slugline:x:{USER}:{USER}:slugline:/tmp:/sbin/nologin\n"
    "nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\n",
    "etc/group": f"root:x:0:\nslugline:x:{USER}:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
}


def main() -> None:
    """Assemble the image of the environment that runs this."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--models", type=Path, required=True, help="folder of trained models to take along")
    parser.add_argument("--to", type=Path, required=True, help="folder to make")
    given = parser.parse_args()
    environment = Path(sys.prefix)
    write_bytecode()
    copy_environment(environment, given.to)
    copy_standard_library(given.to)
    copy_tree(given.models, given.to)
    copy_libraries(given.to)
    write_skeleton(given.to)
    copy_packages(given.to)


def write_bytecode() -> None:
    """Import every module of Slugline, so that bytecode stands beside what they import, and beside nothing else."""
    for name in OURS:
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
        compileall.compile_dir(package.__path__[0], quiet=1)


def copy_environment(environment: Path, root: Path) -> None:
    """The virtual environment without what installs more, and of its programs those that the image runs."""
    copy_tree(environment, root)
    copied = inside(environment, root)
    for program in (copied / "bin").iterdir():
        if not PROGRAMS.fullmatch(program.name):
            program.unlink()
        elif program.name in {"python", "python3"}:
            # `venv --copies` copies the interpreter under each of its names.
            program.unlink()
            program.symlink_to(f"python3.{sys.version_info.minor}")
    site = inside(Path(sysconfig.get_paths()["purelib"]), root)
    for found in [path for path in site.iterdir() if INSTALLERS.fullmatch(path.name)]:
        shutil.rmtree(found) if found.is_dir() else found.unlink()


def copy_standard_library(root: Path) -> None:
    """Python's own modules, without packages that were installed into the base."""
    for folder in {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib", vars={"platbase": sys.base_prefix})}:
        copy_tree(Path(folder), root, {"site-packages", "dist-packages", "test", "__phello__"})
        for built in inside(Path(folder), root).glob("config-*"):
            shutil.rmtree(built)


def copy_tree(source: Path, root: Path, without: Iterable[str] = ()) -> None:
    """A folder, at the same place under `root`, less what is superfluous and what is called like one of `without`."""
    superfluous = SUPERFLUOUS_FOLDERS | set(without)

    def ignored(folder: str, names: list[str]) -> set[str]:
        return {
            name
            for name in names
            if name in superfluous
            or Path(name).suffix in SUPERFLUOUS_SUFFIXES
            or (Path(folder).name == "lib-dynload" and name.startswith(SUPERFLUOUS_MODULES))
        }

    shutil.copytree(source, inside(source, root), symlinks=True, ignore=ignored, dirs_exist_ok=True)


def copy_libraries(root: Path) -> None:
    """Every shared library of the base that code under `root` needs, and a cache by which the linker finds them."""
    binaries = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink() and is_elf(path)]
    needed = {path for path in linked(binaries) if not path.is_relative_to(root)} | set(by_name(OPENED_BY_NAME))
    for library in needed:
        copy_file(library, root)
    for name in ("ld.so.conf", "ld.so.conf.d"):
        if Path("/etc", name).is_dir():
            copy_tree(Path("/etc", name), root)
        elif Path("/etc", name).exists():
            copy_file(Path("/etc", name), root)
    link_merged_folders(root)
    subprocess.run(["ldconfig", "-r", str(root)], check=True)


def linked(binaries: Iterable[Path]) -> Iterator[Path]:
    """The libraries that the dynamic linker finds for the binaries, and the linker itself."""
    answer = subprocess.run(["ldd", *map(str, binaries)], capture_output=True, text=True, check=False).stdout
    for found in re.findall(r"^\t(?:\S+ => )?(/\S+) \(0x", answer, re.MULTILINE):
        yield Path(found)


def by_name(names: Iterable[str]) -> Iterator[Path]:
    """Where the base keeps libraries of these names for this machine; those it does not have are passed over."""
    listed = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    for name in names:
        found = re.search(rf"^\t{re.escape(name)} \(libc6[^)]*\) => (/\S+)$", listed, re.MULTILINE)
        if found:
            yield Path(found[1])


def is_elf(path: Path) -> bool:
    """Whether a file is a program or a shared library."""
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def copy_file(path: Path, root: Path) -> None:
    """A file under its own name and, if that is a link, its target under the target's."""
    real = Path(os.path.realpath(path))
    inside(real, root).parent.mkdir(parents=True, exist_ok=True)
    if not inside(real, root).exists():
        shutil.copy2(real, inside(real, root))
    named = Path(os.path.realpath(path.parent), path.name)
    if named != real and not inside(named, root).is_symlink():
        inside(named, root).parent.mkdir(parents=True, exist_ok=True)
        inside(named, root).symlink_to(os.path.relpath(real, named.parent))


def link_merged_folders(root: Path) -> None:
    """Programs name the dynamic linker by /lib or /lib64, which are links into /usr where the base has merged them."""
    for name in ("lib", "lib64"):
        folder = Path("/", name)
        if folder.is_symlink() and not (root / name).exists():
            (root / name).symlink_to(folder.readlink())
            inside(Path(os.path.realpath(folder)), root).mkdir(parents=True, exist_ok=True)


def copy_packages(root: Path) -> None:
    """What scanners and lawyers ask for: the Debian packages that the files come from, and their licences."""
    if not Path("/var/lib/dpkg/status").exists():
        return
    names = set(owners(root))
    certificates = Path("/etc/ssl/certs/ca-certificates.crt")
    if certificates.exists():
        copy_file(certificates, root)
        names.add("ca-certificates")
    stanzas = Path("/var/lib/dpkg/status").read_text(encoding="utf-8").strip().split("\n\n")
    kept = [stanza for stanza in stanzas if stanza.splitlines()[0].removeprefix("Package: ") in names]
    status = root / "var/lib/dpkg/status"
    status.parent.mkdir(parents=True)
    status.write_text("\n\n".join(kept) + "\n\n", encoding="utf-8")
    for name in names:
        licence = Path("/usr/share/doc", name, "copyright")
        if licence.exists():
            copy_file(licence, root)


def owners(root: Path) -> Iterator[str]:
    """The Debian packages of the base that installed a file which is now under `root`, or the interpreter."""
    interpreter = os.path.realpath(Path(sys.base_exec_prefix, "bin", f"python3.{sys.version_info.minor}"))
    for listing in Path("/var/lib/dpkg/info").glob("*.list"):
        for line in listing.read_text(encoding="utf-8").splitlines():
            if line == interpreter or Path(root, line.lstrip("/")).is_file():
                yield listing.stem.split(":")[0]
                break


def write_skeleton(root: Path) -> None:
    """The folders and files that every Unix program may count on."""
    for name in ("dev", "etc", "mnt", "proc", "root", "run", "sys"):
        (root / name).mkdir(exist_ok=True)
    (root / "tmp").mkdir(exist_ok=True)
    (root / "tmp").chmod(0o1777)
    for name, text in TEXTS.items():
        (root / name).write_text(text, encoding="utf-8")
    for name in ("os-release", "debian_version"):
        if Path("/etc", name).exists():
            copy_file(Path("/etc", name), root)


def inside(path: Path, root: Path) -> Path:
    """Where an absolute path of the base stands under `root`."""
    return root / path.relative_to("/")


if __name__ == "__main__":
    main()
