"""Unpacks archives that come from elsewhere without letting them write outside their folder."""

from __future__ import annotations

import tarfile
from pathlib import Path, PurePosixPath

from .environment import JobError


def unpack(archive: Path, folder: Path) -> None:
    """Unpacks a tar file, compressed or not, into a folder.

    Raises:
        JobError: when the archive is broken or holds something other than files and folders below `folder`.
    """
    try:
        with tarfile.open(archive) as tar:
            if hasattr(tarfile, "data_filter"):
                tar.extractall(folder, filter="data")
            else:
                # Python before 3.11.4, Debian 12's among them, has no filters.
                tar.extractall(folder, [_checked(member) for member in tar])
    except (tarfile.TarError, EOFError, OSError) as error:
        raise JobError(f"{archive} cannot be unpacked: {error}") from error


def _checked(member: tarfile.TarInfo) -> tarfile.TarInfo:
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts:
        raise tarfile.ExtractError(f"{member.name!r} would lie outside the folder")
    if not (member.isfile() or member.isdir()):
        raise tarfile.ExtractError(f"{member.name!r} is neither a file nor a folder")
    # Neither set-uid bits nor folders that the job itself cannot enter.
    member.mode = 0o755 if member.isdir() else 0o644
    return member
