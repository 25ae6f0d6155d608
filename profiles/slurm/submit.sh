#!/usr/bin/env bash
# How Snakemake submits a job (profile.yaml): submit.sh [options of sbatch...] JOBSCRIPT. Prints the job's id.
set -euo pipefail
. "${0%/*}/queue.sh"
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

# What a job around Snakemake itself was given is not meant for the jobs that it submits, apart from where the clusters
# are; and sbatch must not wait for the job's end, nor make an array of it.
for name in $(compgen -e SLURM_) SBATCH_WAIT SBATCH_ARRAY_INX; do
    [[ $name = SLURM_CONF || $name = SLURM_CLUSTERS ]] || unset "$name"
done

# By its comment sidecar.sh knows the jobs of this Snakemake, and a job is found whose id was not told.
comment=${open##*/}/$(date +%s%N)

require_open() {
    [ -e "$open" ] || { echo "$0: not submitted, since Snakemake ends" >&2; exit 1; }
    [ ! -s "$open" ] || { cat "$open" >&2; exit 1; }
}

# The names of clusters, separated by commas, that jobs may be on.
remember_clusters() {
    local name
    for name in ${1//,/ }; do
        grep -qsxF -e "$name" .snakemake/slurm_clusters || echo "$name" >>.snakemake/slurm_clusters
    done
}
remember_clusters "${SBATCH_CLUSTERS-}"
for option in "$@"; do
    [[ $option != --clusters=* ]] || remember_clusters "${option#*=}"
done

# No requeueing by SLURM: Snakemake submits again what failed, and two of a job must not work at the same time.
mkdir -p .snakemake/slurm_logs
submit() {
    sbatch --parsable --no-requeue --output=.snakemake/slurm_logs/%j.log "${@:1:$#-1}" --comment="$comment" "$jobscript"
}

# The id in what sbatch has printed, ID or ID@CLUSTER: a wrapper may print more lines, or may not know --parsable.
read_id() {
    without_colours <"$answer" |
        sed -nE -e 's/^([0-9]+)(;(.+))?$/\1@\3/p' -e 's/^Submitted batch job ([0-9]+)( on cluster ([^ ]+))?$/\1@\3/p' |
        sed -n '$s/@$//;$p'
}

submitted() { jobs_with all "$comment" | tail -n 1; }

# The id of a job that SLURM has taken and whose id sbatch did not print.
find_id() {
    local seconds
    for seconds in 0 10 20 30; do # squeue may be a wrapper that repeats an earlier answer
        sleep "$seconds"
        require_open
        ! id=$(submitted) || [ -z "$id" ] || return 0
    done
    echo "$0: sbatch has printed no job id ($(tail -n 1 "$answer")), and squeue lists no job with the comment $comment:" \
        "nothing more is submitted, so that no job runs twice; make 'sbatch --parsable' print the id" | tee "$open" >&2
    exit 1
}

# What passes is waited for; it would count as a failed attempt of the job: a controller that is away, or whose answer was
# lost, and a limit of how many jobs may be in the queue.
passes="$away|(error|fatal).*Max(Submit)?Jobs?(Submit)?"
answer=$(mktemp) said=$(mktemp)
trap 'rm -f "$answer" "$said"' EXIT
require_open
while :; do
    status=0
    submit "$@" >"$answer" 2>"$said" || status=$?
    cat "$said" >&2
    id=$(read_id)
    [ -z "$id" ] || break
    cat "$answer" >&2
    [ "$status" != 0 ] || { find_id; break; }
    grep -qE "$passes" "$answer" "$said" || exit 1
    echo "$0: waiting to submit it" >&2
    # SLURM may have taken the job all the same: it is asked before the job is submitted again
    until sleep 20 && require_open && id=$(submitted); do :; done
    [ -z "$id" ] || break
done
[[ $id != *@* ]] || remember_clusters "${id#*@}"
echo "$id"
