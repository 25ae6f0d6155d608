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

# No requeueing by SLURM: Snakemake submits again what failed, and two of a job must not work at the same time.
mkdir -p .snakemake/slurm_logs
submit() {
    sbatch --parsable --no-requeue --output=.snakemake/slurm_logs/%j.log "$@"
}

# What passes is waited for; it would count as a failed attempt of the job: a controller that is away, and a limit of how
# many jobs may be in the queue.
said=$(mktemp)
trap 'rm -f "$said"' EXIT
until id=$(submit "$@" 2>"$said"); do
    cat "$said" >&2
    grep -qE 'Unable to contact|temporarily|Max(Submit)?Jobs?(Submit)?' "$said" || exit 1
    echo "$0: waiting to submit it" >&2
    sleep 20
done
cat "$said" >&2
echo "${id%%;*}" # a cluster of several says its own name too
