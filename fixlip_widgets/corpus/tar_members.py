"""Members of a tar file, and whether the file is complete."""

from __future__ import annotations

import tarfile
from pathlib import Path

from fixlip_widgets.errors import InputError

_MAX_BYTES = 100 * 2**20
"""Maximum size of a member; no accepted image needs more."""
_GZIP = b"\x1f\x8b"


def tar_members(path: Path) -> tuple[list[tarfile.TarInfo], str]:
    """Return the members, and why there may be more of them; empty if the file is complete.

    Python's tarfile stops without a word at a damaged or truncated header, and at the end mark of the first of several
    files that were joined.

    Raises:
        InputError: The file is no tar, or is compressed.
    """
    members = list[tarfile.TarInfo]()
    try:
        with path.open("rb") as stream:
            if stream.read(2) == _GZIP:
                raise InputError(f"{path} is compressed; members of a .tar are read at random, so decompress it first.")
        with tarfile.open(path, "r:") as archive:
            try:
                members.extend(archive)
            except (tarfile.ReadError, EOFError) as error:
                return members, f"The file is truncated: {error}."
            return members, _problem_after(path, archive.offset)
    except (tarfile.TarError, OSError) as error:
        raise InputError(f"{path} cannot be read as a tar: {error}.") from error


def _problem_after(path: Path, offset: int) -> str:
    """Return what is wrong after the last member: a tar ends with zero bytes alone."""
    with path.open("rb") as stream:
        stream.seek(offset)
        block = stream.read(tarfile.BLOCKSIZE)
        if len(block) < tarfile.BLOCKSIZE:
            return "The file is truncated: its end mark is missing."
        while not any(block):
            block = stream.read(2**20)
            if not block:
                return ""
    return "The file continues after its last readable member: it is damaged, or several files were joined."


def read_member(path: Path, member: tarfile.TarInfo) -> bytes:
    """Return the content of a member.

    Raises:
        InputError: It is too large, truncated or sparse, or the file cannot be read any more.
    """
    if member.size > _MAX_BYTES:
        raise InputError(f"{member.name} has {member.size:,} bytes; at most {_MAX_BYTES:,} are allowed.")
    if member.issparse():
        raise InputError(f"{member.name} is stored as a sparse file; create the tar without --sparse.")
    try:
        with path.open("rb") as stream:
            stream.seek(member.offset_data)
            raw = stream.read(member.size)
    except OSError as error:
        raise InputError(f"{member.name} cannot be read: {error}.") from error
    if len(raw) < member.size:
        raise InputError(f"{member.name} is truncated.")
    return raw
