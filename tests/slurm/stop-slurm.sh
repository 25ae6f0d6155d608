#!/usr/bin/env bash
# End the cluster that start-slurm.sh started: its jobs, and the daemons whose process ids are in its folder.
set -euo pipefail

folder=${1:?the folder of the cluster}
patience=20 # seconds; SLURM kills what outlives the KillWait of 10
export SLURM_CONF=$folder/etc/slurm.conf

# Of some process ids, those that are daemons of SLURM and not later processes with the same number.
daemons_of() {
    for pid; do
        case $(cat "/proc/$pid/comm" 2>/dev/null) in
            slurmctld | slurmd | munged) echo "$pid" ;;
        esac
    done
}

# Run a command until it fails, for as long as there is patience.
while_ok() {
    local end=$((SECONDS + patience))
    while "$@" && ((SECONDS < end)); do
        sleep 0.1
    done
}

has_jobs() {
    [ -n "$(timeout 10 squeue --noheader)" ]
}

at_work() {
    [ -n "$(daemons_of "${daemons[@]}")" ]
}

mapfile -t daemons < <(daemons_of $(cat "$folder"/run/*.pid 2>/dev/null))
if at_work; then
    timeout 10 scancel --user=root || true
    while_ok has_jobs
    kill "${daemons[@]}"
    while_ok at_work
    if at_work; then kill -KILL $(daemons_of "${daemons[@]}"); fi
fi
