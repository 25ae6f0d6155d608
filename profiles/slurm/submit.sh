#!/usr/bin/env bash
# How Snakemake submits a job (profile.yaml): submit.sh [options of sbatch...] JOBSCRIPT. Prints the job's id.
set -euo pipefail
jobscript=${!#}
open=${SNAKEMAKE_CLUSTER_SIDECAR_VARS:?"set by sidecar.sh, which the profile starts"}

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

# What a job around Snakemake itself was given is not meant for the jobs that it submits; nor must defaults of the user's
# hide jobs from squeue.
for name in $(compgen -e SLURM_; compgen -e SQUEUE_); do
    [ "$name" = SLURM_CONF ] || unset "$name"
done

# By its comment sidecar.sh knows the jobs of this Snakemake, and a job is found whose id was not told.
comment=${open##*/}/$(date +%s%N)

require_open() {
    [ -e "$open" ] || { echo "$0: not submitted, since Snakemake ends" >&2; exit 1; }
}

# No requeueing by SLURM: Snakemake submits again what failed, and two of a job must not work at the same time.
mkdir -p .snakemake/slurm_logs
submit() {
    sbatch --parsable --no-requeue --output=.snakemake/slurm_logs/%j.log "${@:1:$#-1}" --comment="$comment" "$jobscript"
}

submitted() {
    squeue --me --all --states=all --noheader --format='%A %k' | sed -n "s|^\([0-9]*\) $comment\$|\1|p"
}

# What passes is waited for; it would count as a failed attempt of the job: a controller that is away, or whose answer was
# lost, and a limit of how many jobs may be in the queue.
passes='Unable to contact|temporarily|Max(Submit)?Jobs?(Submit)?'
passes+='|Socket timed out|Zero Bytes were transmitted|Unexpected message received'
said=$(mktemp)
trap 'rm -f "$said"' EXIT
require_open
until id=$(submit "$@" 2>"$said"); do
    cat "$said" >&2
    grep -qE "$passes" "$said" || exit 1
    echo "$0: waiting to submit it" >&2
    # SLURM may have taken the job all the same: it is asked before the job is submitted again
    until sleep 20 && require_open && id=$(submitted); do :; done
    [ -z "$id" ] || break
done
cat "$said" >&2
echo "${id%%;*}" # a cluster of several says its own name too
