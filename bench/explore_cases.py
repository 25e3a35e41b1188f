# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The benchmarks of the explorer: how fast, how many runs, how they grow."""

import json
import os

from measure import BenchError, Row, number


def fork_rate(bench):
    """Processes per second that this machine forks, at best of a few tries."""
    program = os.path.join(bench.build, "bench", "bench_fork")
    if not os.path.exists(program):
        raise BenchError(f"no {program}: build first")
    return 1e9 / min(number(bench.call([program, "2000", "8", "10"]))
                     for _ in range(3))


def explore(bench, wanted):
    raise BenchError("`fencepost explore` is not there yet")
    yield  # makes this a generator
