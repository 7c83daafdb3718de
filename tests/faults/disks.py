"""Disks for faults: an ext4 file system in a file, whose power can be cut or which can be filled.

Mounting needs root: see `require_root`.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.rig.needs import require
from tests.rig.server import find

MEGABYTE = 2**20


def require_root() -> None:
    """Require root, because the calling test mounts disks."""
    able = os.geteuid() == 0 and None not in (find("mkfs.ext4"), find("mount"))
    require("A disk of its own (root, e2fsprogs)", found=able)


class Disk:
    """A mounted file system in the file `image`."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self.place = folder
        self._image = folder.with_suffix(".img")
        self._megabytes = megabytes
        self._mounted = False

    def make(self) -> None:
        self.place.mkdir()
        with self._image.open("wb") as image:
            image.truncate(self._megabytes * MEGABYTE)
        _run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0", str(self._image))
        self.mount()

    def mount(self) -> None:
        _run("mount", "-o", "loop", str(self._image), str(self.place))
        self._mounted = True

    def unmount(self) -> None:
        """Unmount; no file may be open. Cached writes go to the copy that is dropped."""
        if self._mounted:
            _run("umount", str(self.place))
            self._mounted = False

    def freeze(self) -> None:
        """Save the present content of the disk, without cached writes."""
        frozen = self._image.with_suffix(".frozen")
        _run("cp", "--sparse=always", str(self._image), str(frozen))

    def wake_up(self) -> None:
        """Restore the disk to the state of `freeze`, as after a power cut."""
        self.unmount()
        self._image.with_suffix(".frozen").rename(self._image)
        self.mount()

    def fill(self) -> Path:
        """Fill the disk with a file; return its path."""
        ballast = self.place / "ballast"
        free = os.statvfs(self.place)
        with ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, free.f_bavail * free.f_frsize)
        return ballast


@contextmanager
def disk(folder: Path, megabytes: int) -> Iterator[Disk]:
    """Mount a disk at `folder` for the duration of the context."""
    made = Disk(folder, megabytes)
    try:
        made.make()
        yield made
    finally:
        made.unmount()


def _run(*command: str) -> None:
    program = find(command[0]) or command[0]
    done = subprocess.run([program, *command[1:]], check=False, capture_output=True)
    assert done.returncode == 0, f"{command}: {done.stderr.decode()}"
