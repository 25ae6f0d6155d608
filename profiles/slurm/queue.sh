# Functions that call SLURM and read its answers. The other scripts of this folder source this file.
# Some clusters wrap the SLURM commands, so answers may contain banners, headers and colours, or may be out of date.

# Defaults of the user could hide jobs or change the format of the output.
unset ${!SQUEUE_*} ${!SCANCEL_*}

# Temporary errors: the controller is unavailable, or its answer was lost.
away='(error|fatal).*(Unable to contact|temporarily|timed out|Zero Bytes were transmitted|Unexpected message received)'

# A timeout, so that a wrapper that hangs does not block the workflow (SLURM's own commands have a timeout of 10 s).
ask() { LC_ALL=C timeout -k 5 60 "$@"; }

without_colours() { sed -e 's/\x1b\[[0-9;]*[A-Za-z]//g' -e 's/[[:space:]]*$//'; }

# own_jobs CLUSTER STATES FORMAT: print a line "ID FORMAT" for each job of this user. The prefix "handgrad: " separates
# these lines from other output. If CLUSTER is empty, SLURM uses its default cluster; otherwise IDs are ID@CLUSTER.
# The user is given by number, because squeue before 20.02 has no --me and user names may contain any character.
own_jobs() {
    ask squeue ${1:+--clusters="$1"} --user="$UID" --all --states="$2" --noheader \
        --format="handgrad: %A${1:+@$1} $3" | without_colours | sed -n 's/^.*handgrad: //p'
}

# clusters: print the names of the clusters that jobs were submitted to, one per line (submit.sh records them). The first
# line is empty and means the default cluster.
clusters() {
    echo
    cat .snakemake/slurm_clusters 2>/dev/null || true
}

# jobs_with STATES COMMENT: print the IDs of the jobs on all clusters with a matching comment.
jobs_with() {
    local cluster
    while read -r cluster; do
        own_jobs "$cluster" "$1" %k | sed -n "s|^\([0-9][^ ]*\) $2\$|\1|p" || return
    done < <(clusters)
}

# cancel ID...: cancel jobs of one cluster. Output goes to stderr, because Snakemake reads stdout.
cancel() {
    local cluster=
    [[ $1 != *@* ]] || cluster=${1##*@}
    ask scancel --quiet ${cluster:+--clusters="$cluster"} "${@%@*}" >&2 || true # a job that has already ended is not an error
}
