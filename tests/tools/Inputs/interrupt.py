# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""interrupt.py INT|TERM COMMAND...: runs the command, sends it the signal when it
prints `ready`, and wants exit code 2. The command leads a process group of its own,
so that only it gets the signal."""
import os
import signal
import subprocess
import sys

process = subprocess.Popen(sys.argv[2:], stdout=subprocess.PIPE, text=True,
                           start_new_session=True)
for line in process.stdout:
    sys.stdout.write(line)
    if line == "ready\n":
        os.kill(process.pid, getattr(signal, "SIG" + sys.argv[1]))
sys.stdout.flush()
sys.exit(process.wait() != 2)
