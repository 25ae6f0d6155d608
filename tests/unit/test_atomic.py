"""Files that appear whole or not at all, also on file systems that refuse what others grant."""

import errno
import os
from pathlib import Path
from typing import Any

import h5py
import pytest
import yaml

import preprocess_dataset
from handgrad.common.atomic import whole_file
from handgrad.common.code_digests import PROJECT, code_digest
from handgrad.common.system_errors import system_message

DIGITS = {
    **yaml.safe_load((PROJECT / "config/datasets.yaml").read_text())["datasets"]["digits"],
    "local_dir": None,
}

REFUSALS = [errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL]


def refuse_with(number: int) -> Any:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    return refuse


def write(path: Path) -> None:
    with whole_file(path) as part:
        part.write_text("new")


@pytest.mark.parametrize("number", REFUSALS, ids=errno.errorcode.get)
def test_a_file_is_written_where_chmod_and_fsync_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(Path, "chmod", refuse_with(number))
    monkeypatch.setattr(os, "chmod", refuse_with(number))
    monkeypatch.setattr(os, "fsync", refuse_with(number))
    write(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "new"
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO], ids=errno.errorcode.get)
def test_content_that_does_not_reach_the_disk_replaces_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    (tmp_path / "file").write_text("old")
    monkeypatch.setattr(os, "fsync", refuse_with(number))
    with pytest.raises(OSError, match=os.strerror(number)):
        write(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "old"
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS], ids=errno.errorcode.get)
def test_a_dataset_that_cannot_be_stored_is_one_line_with_file_and_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(number, "Can't write data\n, as HDF5 says in several lines\n")

    monkeypatch.setattr(h5py, "File", refuse)
    out = tmp_path / "digits.h5"
    code = code_digest("preprocess_dataset")
    with pytest.raises(OSError) as caught:  # noqa: PT011, its number is asked below
        preprocess_dataset.main(name="digits", entry=DIGITS, files={}, out=str(out), code_digest=code)
    message = str(system_message(caught.value))
    assert message.startswith(f"{out}: ")
    assert os.strerror(number) in message
    assert "\n" not in message
    assert "delete" not in message
    assert not list(tmp_path.iterdir())


def test_a_file_is_readable_by_whom_the_umask_allows(tmp_path: Path) -> None:
    umask = os.umask(0o027)
    try:
        write(tmp_path / "file")
    finally:
        os.umask(umask)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640
