"""make clean-checkpoints: what is removed, what is said, what is left."""

import subprocess
import sys
from pathlib import Path

import pytest
from clean_checkpoints import CHECKPOINTS, main

from handgrad.common.errors import HandgradError
from handgrad.storage.checkpoint import SUFFIX


def write(path: Path, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))


def fill(checkpoints: Path) -> None:
    write(checkpoints / f"mnist/af_tanh{SUFFIX}", 1_500_000)
    write(checkpoints / f"mnist/.af_tanh{SUFFIX}.abcdefgh.part", 500_000)
    write(checkpoints / f"digits/af_tanh{SUFFIX}.rejected", 300_000)


def test_all_checkpoints_are_removed_and_what_that_freed_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path / CHECKPOINTS)
    main(tmp_path)
    assert list((tmp_path / CHECKPOINTS).iterdir()) == []
    assert f"{CHECKPOINTS}: 3 files removed, 2.3 MB freed\n" in capsys.readouterr().out


def test_results_are_left(tmp_path: Path) -> None:
    fill(tmp_path / CHECKPOINTS)
    write(tmp_path / "results/runs/mnist/af_tanh.h5", 10)
    main(tmp_path)
    assert (tmp_path / "results/runs/mnist/af_tanh.h5").stat().st_size == 10


def test_a_folder_that_is_a_link_to_another_disk_stays_one(tmp_path: Path) -> None:
    fill(tmp_path / "scratch")
    (tmp_path / CHECKPOINTS).parent.mkdir()
    (tmp_path / CHECKPOINTS).symlink_to(tmp_path / "scratch")
    main(tmp_path)
    assert list((tmp_path / "scratch").iterdir()) == []
    assert (tmp_path / CHECKPOINTS).is_symlink()


@pytest.mark.parametrize("there", [True, False])
def test_with_no_checkpoints_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str], *, there: bool) -> None:
    if there:
        (tmp_path / CHECKPOINTS).mkdir(parents=True)
    main(tmp_path)
    assert capsys.readouterr().out == f"{CHECKPOINTS}: no checkpoints\n"


def test_it_refuses_while_the_folder_is_locked_though_nobody_is_seen_at_work(tmp_path: Path) -> None:
    fill(tmp_path / CHECKPOINTS)
    lock = tmp_path / ".snakemake/locks/0.output.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()  # as by a snakemake on another machine
    with pytest.raises(HandgradError, match=r"locked by a snakemake \(0.output.lock\)"):
        main(tmp_path)
    assert len([path for path in (tmp_path / CHECKPOINTS).rglob("*") if path.is_file()]) == 3


def test_it_refuses_while_snakemake_is_at_work_here(tmp_path: Path) -> None:
    fill(tmp_path / CHECKPOINTS)
    (tmp_path / "snakemake").write_text("print(flush=True); import time; time.sleep(600)")
    command = [sys.executable, str(tmp_path / "snakemake"), "--cores", "2"]
    with subprocess.Popen(command, cwd=tmp_path, text=True, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()  # it is at work
        try:
            with pytest.raises(HandgradError, match="snakemake is at work here"):
                main(tmp_path)
        finally:
            process.kill()
    assert len([path for path in (tmp_path / CHECKPOINTS).rglob("*") if path.is_file()]) == 3
