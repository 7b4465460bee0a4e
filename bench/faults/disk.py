"""A disk of its own whose power can be cut: ext4 in a file.

A cut is the file system's own emergency stop (FS_IOC_SHUTDOWN without a flush of its
journal): from one instant on nothing more reaches the file that stands for the disk.
What was never synced is in no copy of that file. The copy is mounted, as after a cut.
"""

import contextlib
import ctypes
import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MEGABYTES: Final = 256
SHUTDOWN: Final = 0x8004587D
"""_IOR('X', 125, __u32), linux/ext4.h."""

NO_FLUSH: Final = 2
CLONE_NEWNS: Final = 0x00020000


class NoDisk(Exception):
    """This machine lets us mount nothing; the text says why."""


def _do(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise NoDisk(f"{command[0]} is missing") from error
    except subprocess.CalledProcessError as error:
        raise NoDisk(f"{' '.join(command)}: {error.stderr.strip()}") from error


def _mounts_of_our_own() -> None:
    """Let what we mount be ours, and gone with our last process."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS):
        raise NoDisk(f"unshare: {os.strerror(ctypes.get_errno())}")
    _do("mount", "--make-rprivate", "/")


@dataclass
class Disk:
    """A mounted file."""

    image: Path
    mounted: Path

    def cut(self) -> None:
        """Cut the power: what is not on the disk by now never will be."""
        place = os.open(self.mounted, os.O_RDONLY)
        try:
            fcntl.ioctl(place, SHUTDOWN, NO_FLUSH.to_bytes(4, "little"))
        finally:
            os.close(place)

    def come_back(self) -> None:
        """Start again from a copy of what the disk held at the cut."""
        copy = self.image.with_suffix(".copy")
        _do("cp", "--sparse=always", str(self.image), str(copy))
        self.unmount()
        copy.replace(self.image)
        self.mount()

    def mount(self) -> None:
        """Mount the file; ext4 puts its journal in order, as after any cut."""
        _do("mount", "-o", "loop", str(self.image), str(self.mounted))

    def unmount(self) -> None:
        """Unmount the file."""
        _do("umount", str(self.mounted))


@contextlib.contextmanager
def disk(folder: Path, megabytes: int = MEGABYTES) -> Iterator[Disk]:
    """Make a disk in a folder and mount it; raise NoDisk where that is not allowed."""
    _mounts_of_our_own()
    made = Disk(folder / "disk.img", folder / "disk")
    made.mounted.mkdir(parents=True)
    with made.image.open("wb") as file:
        file.truncate(megabytes * 1024 * 1024)
    _do("mkfs.ext4", "-q", "-F", str(made.image))
    made.mount()
    try:
        yield made
    finally:
        subprocess.run(["umount", "-l", str(made.mounted)], check=False)
        shutil.rmtree(folder, ignore_errors=True)
