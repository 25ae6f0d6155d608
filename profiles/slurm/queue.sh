# What the scripts of this folder ask SLURM, and how they read the answers. They source this file.
# SLURM's commands are wrapped on some clusters: answers come with banners, headers and colours, or late.

# The user's own defaults could hide jobs or change how they are shown.
unset ${!SQUEUE_*} ${!SCANCEL_*}

# Errors that pass: the controller is away, or its answer was lost.
away='(error|fatal).*(Unable to contact|temporarily|timed out|Zero Bytes were transmitted|Unexpected message received)'

# A wrapper that hangs must not hang the workflow: SLURM's own commands give up after 10 s.
ask() { LC_ALL=C timeout -k 5 60 "$@"; }

without_colours() { sed -e 's/\x1b\[[0-9;]*[A-Za-z]//g' -e 's/[[:space:]]*$//'; }

# own_jobs CLUSTER STATES FORMAT: a line "ID FORMAT" for each job of this user. A mark separates them from other
# output. An empty CLUSTER is the one that SLURM takes by itself; with another one, IDs are ID@CLUSTER. The user is
# given by number: squeue before 20.02 has no --me, and names of a directory service may hold any character.
own_jobs() {
    ask squeue ${1:+--clusters="$1"} --user="$UID" --all --states="$2" --noheader \
        --format="handgrad: %A${1:+@$1} $3" | without_colours | sed -n 's/^.*handgrad: //p'
}

# The clusters that jobs were submitted to, by name (submit.sh adds them); first the one that SLURM takes by itself.
clusters() {
    echo
    cat .snakemake/slurm_clusters 2>/dev/null || true
}

# jobs_with STATES COMMENT: the IDs of the jobs whose comment matches, on all clusters.
jobs_with() {
    local cluster
    while read -r cluster; do
        own_jobs "$cluster" "$1" %k | sed -n "s|^\([0-9][^ ]*\) $2\$|\1|p" || return
    done < <(clusters)
}

# cancel ID...: of one cluster. What a wrapper prints is not for stdout, which Snakemake reads.
cancel() {
    local cluster=
    [[ $1 != *@* ]] || cluster=${1##*@}
    ask scancel --quiet ${cluster:+--clusters="$cluster"} "${@%@*}" >&2 || true # one that has ended is no error
}
