# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Building programs, running them, and turning times into ratios.

A ratio compares two commands that ran in turns, A B A B ..., so that both saw the
same machine. The value reported is the least time of the one over the least time
of the other: interference only ever adds time. The spread is that of the ratios
of neighbouring runs.
"""

import dataclasses
import glob
import os
import re
import shutil
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAMS = os.path.join(ROOT, "tests", "programs")
BENCH = os.path.join(ROOT, "bench")
CLANG = "clang-22"
FLAGS = ["-std=gnu11", "-g", "-O2", "-D_GNU_SOURCE", "-I" + ROOT]
LIBRARIES = ["-lpmemobj", "-lpmem"]
MAPS_SOURCES = ["maps.c", "maps_bst.c", "maps_btree.c", "maps_kv.c"]
# A command that takes longer than this, in seconds, is stuck.
TIMEOUT = 300


class BenchError(Exception):
    """A benchmark that cannot be run; the text says why."""


@dataclasses.dataclass
class Sample:
    """One run of one command."""

    seconds: float
    cpu_seconds: float  # of the command and of what it waited for
    output: str
    peak_kib: int
    exit_code: int


@dataclasses.dataclass
class Row:
    """One line of the result; low and high are the spread, bar the limit."""

    benchmark: str
    case: str
    metric: str
    value: float
    low: float = None
    high: float = None
    bar: str = ""


class Bench:
    """Where things are: compilers, programs built, scratch space."""

    def __init__(self, build, quick):
        self.quick = quick
        self.build = build
        self.fencepost = os.path.join(build, "tools", "fencepost")
        self.wrapper = os.path.join(build, "tools", "fencepost-clang")
        base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.scratch = tempfile.mkdtemp(prefix="fencepost-bench-", dir=base)
        self.built = {}
        self.env = dict(os.environ, PMEM_IS_PMEM_FORCE="1")
        self.env.pop("FENCEPOST_OPTIONS", None)

    def close(self):
        shutil.rmtree(self.scratch, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.scratch, name)

    def remove(self, *names):
        for name in names:
            if os.path.exists(self.path(name)):
                os.unlink(self.path(name))

    def compiler(self, instrumented):
        if not instrumented:
            return CLANG
        if not os.path.exists(self.wrapper):
            raise BenchError(
                f"no compiler wrapper at {self.wrapper}: build first "
                "(cmake --preset dev && cmake --build build/dev)")
        return self.wrapper

    def program(self, name, instrumented, sources=None, flags=(),
                libraries=LIBRARIES):
        """The path of a program of tests/programs, built when first asked for."""
        key = (name, instrumented)
        if key not in self.built:
            output = self.path(name + ("-fencepost" if instrumented else "-native"))
            files = sources or [os.path.join(PROGRAMS, name + ".c")]
            self.call([self.compiler(instrumented), *FLAGS, *flags, *files,
                       "-o", output, *libraries])
            self.built[key] = output
        return self.built[key]

    def maps(self, instrumented):
        files = [os.path.join(PROGRAMS, source) for source in MAPS_SOURCES]
        return self.program("maps", instrumented, files)

    def call(self, command, codes=(0,)):
        """Runs a command to its end. Raises BenchError on another exit code."""
        with tempfile.TemporaryFile(dir=self.scratch) as out:
            start = time.perf_counter()
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT, env=self.env)
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - start
            process.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            output = out.read().decode(errors="replace")
        if process.returncode not in codes:
            raise BenchError("exit code {} of: {}\n{}".format(
                process.returncode, " ".join(command), output[-1500:]))
        return Sample(seconds, usage.ru_utime + usage.ru_stime, output, usage.ru_maxrss, process.returncode)

    def check(self, command):
        """The command under `fencepost check`; findings are not asked for."""
        self.need_tool()
        return [self.fencepost, "check", "--fail-on", "error", "--", *command]

    def record(self, command, trace):
        self.need_tool()
        return [self.fencepost, "record", "-o", trace, "--", *command]

    def need_tool(self):
        if not os.path.exists(self.fencepost):
            raise BenchError(f"no {self.fencepost}: build first")


def number(sample, name="ns_per_event"):
    """A figure that a program printed about itself."""
    found = re.search(r"^" + name + r" ([0-9.]+)$", sample.output, re.M)
    if found is None:
        raise BenchError(f"no line '{name}' in:\n{sample.output[-500:]}")
    return float(found.group(1))


def interleave(repetitions, runs):
    """
    Calls each of the functions in runs in turn, repetitions times over. Returns a
    list of what it returned for each.
    """
    results = {name: [] for name in runs}
    for _ in range(repetitions):
        for name, run in runs.items():
            results[name].append(run())
    return results


def ratio(benchmark, case, metric, over, under, bar=""):
    """A row: least of over divided by least of under, with the spread."""
    pairs = [a / b for a, b in zip(over, under)]
    return Row(benchmark, case, metric, min(over) / min(under), min(pairs),
               max(pairs), bar)


def zstd_source():
    """The library sources of zstd if this machine has them, or None."""
    places = [os.environ.get("ZSTD_SOURCE", "")]
    places += sorted(glob.glob(os.path.expanduser(
        "~/.cargo/registry/src/*/zstd-sys-*/zstd/lib")))
    for place in places:
        if place and os.path.exists(os.path.join(place, "zstd.h")):
            return place
    return None
