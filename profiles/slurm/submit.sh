#!/usr/bin/env bash
# How Snakemake submits a job (profile.yaml): submit.sh [options of sbatch...] JOBSCRIPT. Prints the job's id.
set -euo pipefail
jobscript=${!#}

# The job's own Snakemake takes all the cores that it sees, which is the whole node where SLURM does not confine jobs,
# and ends a group with its first failure. It is to use what the job has asked for, and to go on with the others.
sed -i 's/ --cores [^ ]* / --cores "$SLURM_CPUS_PER_TASK" --keep-going /' "$jobscript"
grep -q -e '--cores "$SLURM_CPUS_PER_TASK" --keep-going' "$jobscript" || {
    echo "$0: $jobscript: '--cores' is not in it; this is written for the Snakemake of requirements.txt" >&2
    exit 1
}
# At a time limit, a preemption or an scancel every process of the job gets SIGTERM. A shell that died of it would end
# the job at once, before training has saved its checkpoint.
sed -i '2i trap : TERM' "$jobscript"

# What a job around Snakemake itself was given is not meant for the jobs that it submits.
for name in $(compgen -e SLURM_); do
    [ "$name" = SLURM_CONF ] || unset "$name"
done

# A submission that SLURM's controller does not answer would count as a failed attempt of the job.
if ! scontrol ping >/dev/null 2>&1; then
    echo "$0: SLURM's controller does not answer; waiting for it" >&2
    until scontrol ping >/dev/null 2>&1; do sleep 5; done
fi

# No requeueing by SLURM: Snakemake submits again what failed, and two of a job must not work at the same time.
mkdir -p .snakemake/slurm_logs
exec sbatch --parsable --no-requeue --output=.snakemake/slurm_logs/%j.log "$@"
