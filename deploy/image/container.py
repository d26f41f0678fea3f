"""A container made of Linux namespaces, for machines without a container engine; needs root and util-linux.

`python container.py ROOT FOLDER UID GID [NAME=VALUE...] COMMAND...`, started by `unshare` in namespaces of its own,
becomes the command: with these variables alone, in ROOT as a read-only root file system, FOLDER read-only at
/mnt, memory at /tmp, a loopback interface and no network, as an unprivileged user who can gain no privilege.
"""

import ctypes
import fcntl
import itertools
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

NAMESPACES = ("--mount", "--pid", "--net", "--ipc", "--uts")
_DEVICES = ("null", "zero", "random", "urandom")
_PR_SET_NO_NEW_PRIVS = 38
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 0x1


def main() -> None:
    """Make the container around this process and run the command in it."""
    root, folder, uid, gid, *words = sys.argv[1:]
    variables = dict(word.split("=", 1) for word in itertools.takewhile(lambda word: "=" in word, words))
    command = words[len(variables) :]
    raise_loopback()
    mount_all(Path(root), folder)
    os.chroot(root)
    os.chdir("/tmp")
    give_up_privileges(int(uid), int(gid))
    os.execvpe(command[0], command, variables)  # noqa: S606 - becoming the command is what this is for


def mount_all(root: Path, folder: str) -> None:
    """The image read-only, over it what every engine mounts, and the folder of data."""
    mount("--make-rprivate", "/")
    mount("--bind", root, root)
    mount("--types", "proc", "--options", "nosuid,nodev,noexec", "proc", root / "proc")
    mount("--types", "tmpfs", "--options", "nosuid,nodev,mode=1777", "tmpfs", root / "tmp")
    mount("--types", "tmpfs", "--options", "nosuid,mode=755", "tmpfs", root / "dev")
    for device in _DEVICES:
        (root / "dev" / device).touch()
        mount("--bind", f"/dev/{device}", root / "dev" / device)
    (root / "dev/shm").mkdir()
    mount("--types", "tmpfs", "--options", "nosuid,nodev,mode=1777", "tmpfs", root / "dev/shm")
    mount("--bind", folder, root / "mnt")
    mount("--options", "remount,bind,ro,nosuid,nodev", root / "mnt")
    mount("--options", "remount,bind,ro,nosuid,nodev", root)


def mount(*arguments: str | Path) -> None:
    """Run mount(8)."""
    subprocess.run(["mount", *map(str, arguments)], check=True)


def raise_loopback() -> None:
    """Bring up `lo`, which a new network namespace has, but down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))


def give_up_privileges(uid: int, gid: int) -> None:
    """Become the user for good: without other groups, capabilities, or a way to gain them."""
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl: cannot forbid new privileges")


if __name__ == "__main__":
    main()
