"""The scripts of profiles/slurm with stubs of the SLURM commands (real SLURM: tests/slurm)."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "profiles/slurm"

JOBSCRIPT = """#!/bin/sh
# properties = {"type": "single"}
cd /here && python -m snakemake --cores 'all' --attempt 1 --mode remote && exit 0 || exit 1
"""


class Slurm:
    """Stubs of the SLURM commands, which record their arguments."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.calls = folder, folder / "calls"
        (folder / "bin").mkdir()
        (folder / ".snakemake").mkdir()
        self.open = folder / ".snakemake/slurm_open.mine"  # jobs may be submitted
        self.open.touch()
        self.queue("")
        self.command("sleep", "")
        self.command("scancel", "")
        self.command("sbatch", 'echo 42; env >"$OUT/environment"')

    def command(self, name: str, body: str) -> None:
        path = self.folder / "bin" / name
        path.write_text(f'#!/bin/sh\nOUT="{self.folder}"\necho {name} "$@" >>"{self.calls}"\n{body}\n')
        path.chmod(0o755)

    def squeue(self, body: str) -> None:
        """Make a squeue that prints the lines of a script, each with the prefix of --format as in SLURM."""
        text = "for option; do case $option in --format=*) mark=${option#*=} ;; esac; done\n"
        text += f'lines=$({body}\n) || exit\n[ -z "$lines" ] || echo "$lines" | sed "s/^/${{mark%%%*}}/"'
        self.command("squeue", text)

    def queue(self, lines: str) -> None:
        """Set the lines that squeue prints."""
        self.squeue(f"printf '{lines}'")

    def wrap(self, name: str, before: str, after: str = "") -> None:
        """Put a wrapper around a command, as some clusters do."""
        path = self.folder / "bin" / name
        path.rename(path.with_suffix(".wrapped"))
        path.write_text(f'#!/bin/sh\n{before}\n"$0.wrapped" "$@"; status=$?\n{after}\nexit $status\n')
        path.chmod(0o755)

    def called(self, name: str) -> list[str]:
        """Return the arguments of each call of a command."""
        lines = self.calls.read_text().splitlines() if self.calls.exists() else []
        return [line.removeprefix(f"{name} ") for line in lines if line.startswith(name)]

    @property
    def environment(self) -> dict[str, str]:
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        open_file = str(self.open.relative_to(self.folder))
        return {**os.environ, "PATH": path, "SNAKEMAKE_CLUSTER_SIDECAR_VARS": open_file}

    def run(self, script: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(SCRIPTS / script), *arguments],
            cwd=self.folder,
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            start_new_session=True,
        )

    def status(self, id: str) -> str:
        done = self.run("status.sh", id)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture
def slurm(tmp_path: Path) -> Slurm:
    return Slurm(tmp_path)


# --- status.sh ---

STATES = {
    "success": ["COMPLETED"],
    "running": ["PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED", "REQUEUED", "REQUEUE_HOLD"],
    "failed": [
        *["BOOT_FAIL", "CANCELLED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY"],
        *["PREEMPTED", "REVOKED", "SPECIAL_EXIT", "TIMEOUT", "A_STATE_TO_COME"],
    ],
}


def test_every_state_is_mapped_and_one_squeue_call_serves_all_jobs(slurm: Slurm) -> None:
    expected = {state: status for status, states in STATES.items() for state in states}
    slurm.queue("".join(f"{id} {state}\\n" for id, state in enumerate(expected, 7)))
    assert {state: slurm.status(str(id)) for id, state in enumerate(expected, 7)} == expected
    assert len(slurm.called("squeue")) == 1


def test_an_answer_of_squeue_is_reused_for_seconds_of_the_local_clock(slurm: Slurm) -> None:
    answer = slurm.folder / ".snakemake/slurm_states"
    slurm.queue("7 RUNNING\\n")
    slurm.status("7")
    slurm.queue("7 COMPLETED\\n8 PENDING\\n")
    for seconds in (-100, 100):  # the clock of a file server differs
        os.utime(answer, (time.time() + seconds,) * 2)
        assert slurm.status("7") == "running"
    assert slurm.status("8") == "running"  # submitted after the last answer, so squeue is called again
    slurm.queue("7 FAILED\\n")
    asked, _, states = answer.read_text().partition("\n")
    answer.write_text(f"{int(asked) + 10}\n{states}")  # the clock was set back
    assert slurm.status("7") == "failed"


@pytest.mark.parametrize(
    ("reason", "never"),
    [("QOSMaxMemoryPerJob", True), ("AssocMaxWallDurationPerJobLimit", True)]
    + [(reason, False) for reason in ("Priority", "PartitionNodeLimit", "QOSMaxCpuPerUserLimit", "(null)")],
)
def test_only_a_job_that_can_never_start_is_cancelled(slurm: Slurm, reason: str, never: bool) -> None:
    slurm.queue(f"7 PENDING {reason}\\n8 RUNNING None\\n")
    slurm.wrap("scancel", BANNER)  # must not appear in the answer to Snakemake
    done = slurm.run("status.sh", "7")
    assert (done.returncode, done.stdout) == (0, "failed\n" if never else "running\n")
    assert (f"job 7 can never start ({reason})" in done.stderr) == never
    assert slurm.called("scancel") == (["--quiet 7"] if never else [])


def test_squeue_defaults_and_partitions_hide_no_job(slurm: Slurm) -> None:
    asked = f'*" --user={os.getuid()} --all "*'  # old versions do not have --me
    slurm.squeue(f'[ -z "$SQUEUE_PARTITION" ] && case " $* " in {asked}) echo 7 RUNNING ;; esac')
    assert slurm.run("status.sh", "7", SQUEUE_PARTITION="other").stdout == "running\n"


BANNER = "echo '*** 3 nodes are down ***'; echo 2026 >&2; printf '\\033[31m7 COMPLETED\\033[0m\\n'"


def test_banners_and_colours_around_squeue_are_ignored(slurm: Slurm) -> None:
    slurm.queue("7 \\033[32mRUNNING\\033[0m None\\n")
    slurm.wrap("squeue", f"{BANNER}; printf '\\033[1m'", BANNER)
    assert slurm.status("7") == "running"


SCONTROL = "echo 'JobId=7 JobName=a UserId=me(1) JobState={} Reason={} Comment=c'"
FORGOTTEN = "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1"
AWAY = "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1"


@pytest.mark.parametrize(
    ("scontrol", "status"),
    [
        (SCONTROL.format("PENDING", "Priority"), "running"),
        (SCONTROL.format("COMPLETED", "None"), "success"),
        (SCONTROL.format("TIMEOUT", "TimeLimit"), "failed"),
        (FORGOTTEN, "failed"),
        (AWAY, "running"),
    ],
)
def test_scontrol_is_asked_about_a_job_that_squeue_does_not_list(slurm: Slurm, scontrol: str, status: str) -> None:
    slurm.queue("77 RUNNING None\\n")  # squeue may repeat an earlier answer
    slurm.command("scontrol", scontrol)
    assert slurm.status("7") == status


@pytest.mark.parametrize(("scontrol", "status"), [(SCONTROL.format("COMPLETED", "None"), "success"), (AWAY, "running")])
def test_a_squeue_that_fails_for_a_minute_is_reported_once(slurm: Slurm, scontrol: str, status: str) -> None:
    slurm.command("squeue", "echo 'squeue: fatal: no such plugin' >&2; exit 1")
    slurm.command("scontrol", scontrol)
    assert slurm.run("status.sh", "7").stderr == ""
    since = slurm.folder / ".snakemake/slurm_silent"
    since.write_text(f"{int(since.read_text()) - 60}\n")
    done = slurm.run("status.sh", "7")
    assert (done.returncode, done.stdout) == (0, f"{status}\n")
    assert done.stderr.count("\n") == 1
    assert "squeue: fatal: no such plugin" in done.stderr
    assert slurm.run("status.sh", "7").stderr == ""


def test_the_cluster_of_a_job_is_asked_for_its_state(slurm: Slurm) -> None:
    slurm.command(
        "squeue",
        """case " $* " in *" --clusters=north "*) echo "handgrad: 7@north RUNNING None" ;;
        *) echo "handgrad: 7 FAILED None" ;; esac""",
    )
    assert [slurm.status(id) for id in ("7", "7@north")] == ["failed", "running"]


# --- submit.sh ---


@pytest.fixture
def jobscript(tmp_path: Path) -> Path:
    path = tmp_path / "job script.sh"
    path.write_text(JOBSCRIPT)
    return path


def test_a_job_gets_its_options_and_no_variables_of_an_outer_job(slurm: Slurm, jobscript: Path) -> None:
    given = {"SLURM_MEM_PER_CPU": "100", "SLURM_CONF": "/conf", "SBATCH_ACCOUNT": "mine"}
    done = slurm.run("submit.sh", "--mem=300", "--time=5", str(jobscript), **given)
    assert (done.returncode, done.stdout) == (0, "42\n")
    (call,) = slurm.called("sbatch")
    assert call.startswith("--parsable --no-requeue ")
    assert " --mem=300 --time=5 --comment=" in call
    assert call.endswith(f" {jobscript}")
    assert (slurm.folder / ".snakemake/slurm_logs").is_dir()  # sbatch does not make this folder
    environment = (slurm.folder / "environment").read_text().splitlines()
    assert {"SLURM_CONF=/conf", "SBATCH_ACCOUNT=mine"} <= {
        *environment
    }  # needed to find the cluster; chosen by the user
    assert "SLURM_MEM_PER_CPU=100" not in environment


@pytest.mark.parametrize(
    ("why", "passes"),
    [
        ("Batch job submission failed: Unable to contact slurm controller (connect failure)", True),
        ("Slurm temporarily unable to accept job, sleeping and retrying", True),
        ("Batch job submission failed: Socket timed out on send/recv operation", True),
        ("Batch job submission failed: Zero Bytes were transmitted or received", True),
        ("Batch job submission failed: Unexpected message received", True),
        ("invalid account or account/partition combination specified", False),
    ],
)
def test_temporary_errors_are_retried_and_permanent_errors_fail(
    slurm: Slurm, jobscript: Path, why: str, passes: bool
) -> None:
    taken = '[ "$(grep -c sbatch "$OUT/calls")" -gt 2 ] && { echo 42; exit; }'
    slurm.command("sbatch", f"{taken}\necho 'sbatch: error: {why}' >&2\nexit 1")
    done = slurm.run("submit.sh", str(jobscript))
    assert (done.returncode, done.stdout) == ((0, "42\n") if passes else (1, ""))
    assert why in done.stderr


@pytest.mark.parametrize(
    ("printed", "id"),
    [
        ("echo 42", "42"),
        ("echo 42; exit 1", "42"),
        ("echo '42;north'", "42@north"),  # of sbatch --clusters
        ("echo 'Submitted batch job 42'", "42"),
        ("printf '\\033[1m42\\033[0m\\r\\n'", "42"),
    ],
)
def test_the_job_id_is_read_despite_banners_around_sbatch(slurm: Slurm, jobscript: Path, printed: str, id: str) -> None:
    slurm.command("sbatch", f"echo 'Welcome to 2026'; echo 7 jobs >&2; {printed}")
    slurm.wrap("sbatch", "echo '*** error: temporarily no GPUs ***'", "echo; echo 'Good luck.'")
    done = slurm.run("submit.sh", str(jobscript))
    assert (done.returncode, done.stdout) == (0, f"{id}\n")
    assert len(slurm.called("sbatch")) == 1


TAKEN = "echo 'Your job was taken.'"
LOST = "echo 'sbatch: error: Socket timed out on send/recv operation' >&2; exit 1"
#: the comment of the last submission
COMMENT = """sed -n 's/^sbatch.*--comment=\\([^ ]*\\) .*/\\1/p' "$OUT/calls" | tail -n 1"""


@pytest.mark.parametrize(
    ("sbatch", "squeue"),
    [
        (LOST, "echo '41 (null)'; echo 42 slurm_open.mine/1; echo 43 $({})"),
        (LOST, '[ "$(grep -c ^squeue "$OUT/calls")" -gt 3 ] && echo 43 $({})'),  # squeue fails at first
        (TAKEN, '[ "$(grep -c ^squeue "$OUT/calls")" -lt 3 ] || echo 43 $({})'),  # squeue lists the job later
    ],
)
def test_a_job_without_a_printed_id_is_found_and_submitted_once(
    slurm: Slurm, jobscript: Path, sbatch: str, squeue: str
) -> None:
    slurm.command("sbatch", sbatch)
    slurm.squeue(squeue.format(COMMENT))
    done = slurm.run("submit.sh", str(jobscript))
    assert (done.returncode, done.stdout) == (0, "43\n")
    assert len(slurm.called("sbatch")) == 1


def test_after_a_job_with_unknown_id_no_job_is_submitted(slurm: Slurm, jobscript: Path) -> None:
    slurm.command("sbatch", TAKEN)
    for _ in range(2):
        done = slurm.run("submit.sh", str(jobscript))
        assert (done.returncode, done.stdout) == (1, "")
        assert "Your job was taken." in done.stderr.splitlines()[-1]
        jobscript.write_text(JOBSCRIPT)
    assert len(slurm.called("sbatch")) == 1


# --- sidecar.sh ---


class Sidecar:
    """A running sidecar.sh; ``end`` stops it."""

    def __init__(self, slurm: Slurm) -> None:
        self.process = subprocess.Popen(
            [str(SCRIPTS / "sidecar.sh")],
            cwd=slurm.folder,
            env=slurm.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        slurm.open = slurm.folder / self.process.stdout.readline().strip()
        self.comment = f"{slurm.open.name}/1"

    def end(self) -> tuple[int, str]:
        """Stop the sidecar with SIGTERM and return its exit status and stderr."""
        self.process.terminate()
        stderr = self.process.communicate(timeout=60)[1]
        return self.process.returncode, stderr


def test_a_submission_in_progress_at_the_end_is_cancelled_too(slurm: Slurm) -> None:
    # the submission ends after the sidecar has seen it running
    slurm.command("sleep", '[ ! -e "$OUT/end" ] || [ -e "$(cat "$OUT/open")" ] || sh "$OUT/end" 2>/dev/null || true')
    sidecar = Sidecar(slurm)
    slurm.squeue('cat "$OUT/jobs" 2>/dev/null || true')
    slurm.command("scancel", 'rm "$OUT/jobs"')
    command = [sys.executable, "-c", "import signal; signal.pause()", f"--comment={sidecar.comment}"]
    with subprocess.Popen(command) as sbatch:
        (slurm.folder / "open").write_text(str(slurm.open))
        (slurm.folder / "end").write_text(
            f"rm $0; kill {sbatch.pid}; echo '7 {sidecar.comment}' >'{slurm.folder}/jobs'"
        )
        assert sidecar.end() == (0, "")
        sbatch.kill()
    assert slurm.called("scancel") == ["--quiet 7"]


def test_the_sidecar_reports_that_slurm_does_not_answer(slurm: Slurm) -> None:
    sidecar = Sidecar(slurm)
    slurm.command("squeue", AWAY)
    status, complaints = sidecar.end()
    assert status == 1
    assert complaints.splitlines()[-1].endswith("run 'handgrad recover' when squeue works again")


def test_no_job_is_submitted_if_squeue_does_not_work(slurm: Slurm, jobscript: Path) -> None:
    slurm.command("squeue", "echo 'squeue: unrecognized option --all' >&2; exit 1")
    sidecar = Sidecar(slurm)
    done = slurm.run("submit.sh", str(jobscript))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "squeue: unrecognized option --all" in done.stderr
    assert not slurm.called("sbatch")
    assert sidecar.end() == (0, "")


def test_the_sidecar_cancels_jobs_on_every_cluster(slurm: Slurm, jobscript: Path) -> None:
    sidecar = Sidecar(slurm)
    slurm.command(
        "squeue",
        f"""[ ! -e "$OUT/cancelled" ] || exit 0
        case " $* " in
        *" --clusters=north "*) echo 'handgrad: 7@north {sidecar.comment}' ;;
        *" --clusters="*) ;;
        *) echo 'handgrad: 8 {sidecar.comment}' ;;
        esac""",
    )
    slurm.command("scancel", 'case "$*" in *north*) touch "$OUT/cancelled" ;; esac')
    slurm.run("submit.sh", "--clusters=south,north", str(jobscript))
    assert sidecar.end() == (0, "")
    assert slurm.called("scancel") == ["--quiet 8", "--quiet --clusters=north 7"]
