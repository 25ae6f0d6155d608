#!/usr/bin/env bash
# Stop the cluster of start-slurm.sh: cancel its jobs, then end the daemons whose process ids are in its folder.
set -euo pipefail

folder=${1:?the folder of the cluster}
timeout_s=20 # seconds; SLURM kills jobs after KillWait (10 s)
export SLURM_CONF=$folder/etc/slurm.conf

# Print the process ids that belong to SLURM daemons. Another process may have the number of an ended daemon.
daemons_of() {
    for pid; do
        case $(cat "/proc/$pid/comm" 2>/dev/null) in
            slurmctld | slurmd | munged) echo "$pid" ;;
        esac
    done
}

# Repeat a command until it fails, for at most $timeout_s seconds.
while_ok() {
    local end=$((SECONDS + timeout_s))
    while "$@" && ((SECONDS < end)); do
        sleep 0.1
    done
}

has_jobs() {
    [ -n "$(timeout 10 squeue --noheader)" ]
}

daemons_run() {
    [ -n "$(daemons_of "${daemons[@]}")" ]
}

mapfile -t daemons < <(daemons_of $(cat "$folder"/run/*.pid 2>/dev/null))
if daemons_run; then
    timeout 10 scancel --user=root || true
    while_ok has_jobs
    kill "${daemons[@]}"
    while_ok daemons_run
    if daemons_run; then kill -KILL $(daemons_of "${daemons[@]}"); fi
fi
