#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: slurm-node-dies.sh SOURCE
#
# In a folder with the program ./slow and a cluster of slurm.sh: the node dies in the
# middle of an exploration of four parts and comes back; the tasks that died run
# again, one part is submitted once more by hand, and the merged findings are those
# of one process.
set -eu
recover='./slow check slow.pool'
findings() { # DATABASE: without the names of databases in replay commands
  fencepost report "$1" --format json >"$1.json" || [ $? -eq 1 ]
  jq -S '.findings |= map(del(.crash.replay)) | .findings, .coverage' "$1.json"
}
done_points() {
  for part in slow.fpt.*-of-4.fpdb; do
    [ -e "$part" ] && sqlite3 "$part" 'select count(*) from points' 2>/dev/null || echo 0
  done | awk '{ sum += $1 } END { print sum + 0 }'
}

fencepost record -o slow.fpt --pool slow.pool -- ./slow run slow.pool >record.log
fencepost explore slow.fpt --recover "$recover" --db one.fpdb -j 1 >one.log || [ $? -eq 1 ]

cp "$1/docs/slurm/explore.sbatch" .
job=$(sbatch --parsable --array=1-4 explore.sbatch 4 slow.fpt "$recover")
until [ "$(done_points)" -ge 4 ]; do sleep 0.1; done
slurm-node kill
before=$(done_points)
slurm-node start
until [ -z "$(squeue --noheader --job "$job" 2>/dev/null)" ]; do
  # Slurm waits for minutes before it runs again what has died: not here.
  scontrol update JobId="$job" StartTime=now 2>/dev/null || true
  sleep 0.5
done
sbatch --wait --array=2 explore.sbatch 4 slow.fpt "$recover" >again.log
all=$(sqlite3 one.fpdb 'select count(*) from points')
echo "the node died with some points done: $((before >= 4 && before < all))"
fencepost merge slow.fpt.*-of-4.fpdb -o merged.fpdb
diff <(findings one.fpdb) <(findings merged.fpdb) && echo "same findings"
