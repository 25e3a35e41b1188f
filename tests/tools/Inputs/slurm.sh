#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: slurm.sh BUILD COMMAND...
#
# Runs a command with the Fencepost of BUILD in the PATH and a Slurm cluster of one
# node, this one, that is made for it and gone afterwards. SLURM_CONF says where it
# is; `slurm-node kill` in the PATH kills the node with all that runs on it,
# `slurm-node start` brings it back.
set -eu
build=$1
shift
folder=$(mktemp -d) # short: a socket is in it
mkdir -p "$folder/state" "$folder/spool" "$folder/bin"
port=$((20000 + $$ % 20000))
name=$(hostname -s)
dd if=/dev/urandom of="$folder/key" bs=64 count=1 status=none
chmod 600 "$folder/key"
cat >"$folder/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$name(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
AuthType=auth/munge
AuthInfo=socket=$folder/munge
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SlurmdTimeout=5
KillWait=1
BatchStartTimeout=2
SchedulerType=sched/builtin
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
NodeName=$name NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF=$folder/slurm.conf

cat >"$folder/bin/slurm-node" <<'NODE'
#!/usr/bin/env bash
set -eu
folder=$(dirname "$SLURM_CONF")
family() { # PID: it and all below it
  echo "$1"
  for child in $(pgrep -P "$1"); do family "$child"; done
}
case $1 in
  start)
    slurmd
    until sinfo --noheader --states=idle,alloc,mixed -o %T | grep -q .; do
      sleep 0.2
    done
    ;;
  kill)
    victims=$(cat "$folder/slurmd.pid")
    for step in $(pgrep -x slurmstepd); do
      tr '\0' '\n' <"/proc/$step/environ" | grep -qx "SLURM_CONF=$SLURM_CONF" &&
        victims+=" $(family "$step")"
    done
    kill -9 $victims 2>/dev/null || true # some may have ended meanwhile
    ;;
esac
NODE
chmod +x "$folder/bin/slurm-node"
export PATH=$folder/bin:$build/tools:$PATH

stop() {
  slurm-node kill 2>/dev/null || true
  for daemon in slurmctld munged; do
    pid=$(cat "$folder/$daemon.pid") || continue
    kill "$pid" 2>/dev/null || true
    # It writes its state before it goes. (A zombie has no memory map.)
    while [ -n "$(cat "/proc/$pid/maps" 2>/dev/null)" ]; do sleep 0.1; done
  done
  rm -rf "$folder"
}
trap stop EXIT
munged --force --key-file="$folder/key" --socket="$folder/munge" \
  --pid-file="$folder/munged.pid" --log-file="$folder/munged.log" \
  --seed-file="$folder/munged.seed"
slurmctld -c
slurm-node start
"$@"
