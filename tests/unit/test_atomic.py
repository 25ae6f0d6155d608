"""Files appear complete or not at all, even on file systems that do not support fsync."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from handgrad.common.atomic import whole_file
from handgrad.common.system_errors import REFUSALS, system_message


def refuse_with(number: int) -> Any:
    def refuse(*_: Any) -> None:
        raise OSError(number, os.strerror(number))

    return refuse


def write(path: Path) -> None:
    with whole_file(path) as part:
        part.write_text("new")


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL], ids=errno.errorcode.get)
def test_a_file_is_written_where_fsync_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setattr(os, "fsync", refuse_with(number))
    write(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "new"
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO], ids=errno.errorcode.get)
def test_content_that_does_not_reach_the_disk_replaces_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    monkeypatch.setattr(os, "fsync", refuse_with(number))
    with pytest.raises(OSError, match=os.strerror(number)) as caught:
        write(path)
    assert system_message(caught.value).startswith(f"{path}: {os.strerror(number)}; {REFUSALS[number]}; ")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_readable_by_whom_the_umask_allows(tmp_path: Path) -> None:
    umask = os.umask(0o027)
    try:
        write(tmp_path / "file")
    finally:
        os.umask(umask)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640
