"""The lock of a corpus folder: one run at a time writes into it. The system releases it when the process ends."""

from __future__ import annotations

import json
import os
import platform
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fixlip_widgets.errors import FixlipError

_NAME = "running.lock"
_held = set[Path]()
"""Folders that this process writes into: the system's locks do not exclude two threads of one process."""
_guard = threading.Lock()


@contextmanager
def locked(folder: Path) -> Generator[None]:
    """Keep other runs from writing into ``folder`` within the block.

    Record locks are not inherited by forked processes, so that a process that reads images cannot hold the lock of a
    run that was killed.

    Raises:
        FixlipError: Another run has the lock; the message names its process.
    """
    path = (folder / _NAME).resolve()
    with _guard:
        if path in _held:
            raise FixlipError(_refusal(folder, "this process"))
        _held.add(path)
    try:
        with path.open("a+", encoding="utf-8") as stream:
            if not _lock(stream):
                raise FixlipError(_refusal(folder, _owner(path)))
            stream.truncate(0)
            json.dump({"process": os.getpid(), "machine": platform.node()}, stream)
            stream.flush()
            yield
    finally:
        _held.discard(path)


def is_locked(folder: Path) -> bool:
    """Return whether a run is writing into ``folder``."""
    path = (folder / _NAME).resolve()
    with _guard:  # opening and closing the file would release a lock of this process
        if path in _held:
            return True
        if not path.exists():
            return False
        with path.open("r+", encoding="utf-8") as stream:
            return not _lock(stream)


def _refusal(folder: Path, owner: str) -> str:
    return f"Another run is writing into {folder} ({owner}). Wait until it ends, or choose another folder."


def _owner(path: Path) -> str:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return f"process {content['process']} on {content['machine']}"
    except (ValueError, KeyError, TypeError, OSError):  # the other run has not written it yet
        return "another process"


def _lock(stream: Any) -> bool:
    """Lock an open file without waiting; return whether it succeeded. Closing the file releases it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            stream.seek(2**20)  # beyond the content, which others may read
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
