"""Atomic writes produce complete files with default permissions, also if several threads write at once."""

import os
import stat
import threading

import pytest

from fixlip_widgets.support.files import replacing


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_a_new_file_has_default_permissions(tmp_path):
    before = os.umask(0o027)
    try:
        with replacing(tmp_path / "ours") as stream:
            stream.write(b"1")
        (tmp_path / "other").write_bytes(b"1")
    finally:
        os.umask(before)
    assert (
        stat.S_IMODE((tmp_path / "ours").stat().st_mode) == stat.S_IMODE((tmp_path / "other").stat().st_mode) == 0o640
    )


def test_writing_never_changes_the_umask_of_the_process(tmp_path, monkeypatch):
    monkeypatch.setattr(
        os, "umask", lambda mask: pytest.fail("process-wide: another thread's file would be open to all")
    )
    with replacing(tmp_path / "file") as stream:
        stream.write(b"1")
    assert (tmp_path / "file").read_bytes() == b"1"


def test_a_failed_write_leaves_the_old_file_and_no_temporary_one(tmp_path):
    path = tmp_path / ("n" * 250)
    path.write_bytes(b"before")

    def fail():
        with replacing(path) as stream:
            stream.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"before"]


def test_concurrent_writes_leave_the_content_of_one_thread(tmp_path):
    def write(content):
        with replacing(tmp_path / "file") as stream:
            stream.write(content)

    threads = [threading.Thread(target=write, args=(bytes([which]) * 4096,)) for which in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (only,) = tmp_path.iterdir()
    assert len(set(only.read_bytes())) == 1
