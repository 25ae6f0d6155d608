#!/usr/bin/env bash
# Submit a job for Snakemake (profile.yaml) and print its id: submit.sh [options of sbatch...] JOBSCRIPT
set -euo pipefail
. "${0%/*}/queue.sh"
jobscript=${!#}
open=${SNAKEMAKE_CLUSTER_SIDECAR_VARS:?"not set; use profiles/slurm/profile.yaml, whose sidecar.sh sets it"}

# The Snakemake inside a job uses all visible cores, and these may be the whole node. It also stops a group at the first
# failure. It must use only the requested cores, and continue with the other runs of the group.
sed -i 's/ --cores [^ ]* / --cores "$SLURM_CPUS_PER_TASK" --keep-going /' "$jobscript"
grep -q -e '--cores "$SLURM_CPUS_PER_TASK" --keep-going' "$jobscript" || {
    echo "$0: $jobscript: '--cores' not found; install the Snakemake version of requirements.txt" >&2
    exit 1
}
# At a time limit, a preemption or an scancel, every process of the job receives SIGTERM. If the shell ended then, the job
# would end before training has saved its checkpoint.
sed -i '2i trap : TERM' "$jobscript"

# If Snakemake itself runs in a job, the submitted jobs must not inherit the variables of that job, except the location of
# the clusters. sbatch must also not wait for the end of the job or make an array of it.
for name in $(compgen -e SLURM_) SBATCH_WAIT SBATCH_ARRAY_INX; do
    [[ $name = SLURM_CONF || $name = SLURM_CLUSTERS ]] || unset "$name"
done

# The comment identifies the jobs of this Snakemake for sidecar.sh. It also finds a job if sbatch printed no id.
comment=${open##*/}/$(date +%s%N)

require_open() {
    [ -e "$open" ] || { echo "$0: the job is not submitted, because Snakemake is ending" >&2; exit 1; }
    [ ! -s "$open" ] || { cat "$open" >&2; exit 1; }
}

# remember_clusters NAMES: record names of clusters, separated by commas.
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

# SLURM must not requeue a job, because Snakemake submits a failed job again and two copies must not run at the same time.
mkdir -p .snakemake/slurm_logs
submit() {
    sbatch --parsable --no-requeue --output=.snakemake/slurm_logs/%j.log "${@:1:$#-1}" --comment="$comment" "$jobscript"
}

# Print the job id, ID or ID@CLUSTER, from the output of sbatch. A wrapper may print more lines or ignore --parsable.
read_id() {
    without_colours <"$answer" |
        sed -nE -e 's/^([0-9]+)(;(.+))?$/\1@\3/p' -e 's/^Submitted batch job ([0-9]+)( on cluster ([^ ]+))?$/\1@\3/p' |
        sed -n '$s/@$//;$p'
}

submitted() { jobs_with all "$comment" | tail -n 1; }

# Set id to the id of a job that SLURM has accepted, if sbatch did not print the id.
find_id() {
    local seconds
    for seconds in 0 10 20 30; do # a wrapper of squeue may repeat an old answer
        sleep "$seconds"
        require_open
        ! id=$(submitted) || [ -z "$id" ] || return 0
    done
    echo "$0: sbatch printed no job id ($(tail -n 1 "$answer")), and squeue lists no job with the comment $comment," \
        "so no further job is submitted and no job runs twice; make 'sbatch --parsable' print the id" | tee "$open" >&2
    exit 1
}

# After a temporary error, wait and try again; otherwise the error would count as a failed attempt of the job. Temporary
# errors are an unavailable controller, a lost answer, and a limit on the number of jobs in the queue.
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
    # SLURM may still have accepted the job, so ask squeue before submitting it again
    until sleep 20 && require_open && id=$(submitted); do :; done
    [ -z "$id" ] || break
done
[[ $id != *@* ]] || remember_clusters "${id#*@}"
echo "$id"
