# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""
The benchmarks, one generator each. Each answers one question (bench/README.md),
and yields rows as it gets them.
"""

import os
import re
import shutil

import explore_cases
import report_cases
import rust_cases
from measure import (BENCH, FLAGS, MAPS_SOURCES, PROGRAMS, BenchError, Row,
                     interleave, number, ratio, zstd_source)

# case: map, operation, operation that prepares the pool, rounds.
MAPS = {
    "bst-ins": ("bst", "INS", None, 1),
    "bst-chk": ("bst", "CHK", "INS", 5),
    "bst-rem": ("bst", "REM", "INS", 1),
    "bst-rand": ("bst", "RAND", "INS", 1),
    "kv-put": ("kv", "PUT", None, 2),
    "kv-get": ("kv", "GET", "INS", 10),
    "btree-ins": ("btree", "INS", None, 1),
    "btree-chk": ("btree", "CHK", "INS", 5),
    "btree-rem": ("btree", "REM", "INS", 1),
    "btree-rand": ("btree", "RAND", "INS", 1),
}


class MapCase:
    """One operation on one map: its pool as it was before, and its command."""

    def __init__(self, bench, case, count):
        self.bench = bench
        self.count = count
        self.map, self.op, prepare, self.rounds = MAPS[case]
        self.before = bench.path(f"{case}.before")
        self.pool = bench.path(f"{case}.pool")
        native = bench.maps(False)
        bench.call([native, self.map, "INIT", str(count), self.before])
        if prepare:
            bench.call([native, self.map, prepare, str(count), self.before])

    def close(self):
        self.bench.remove(self.before, self.pool)

    def command(self, instrumented):
        """Puts the pool in place and returns the command."""
        self.bench.remove(self.pool)
        shutil.copyfile(self.before, self.pool)
        return [self.bench.maps(instrumented), self.map, self.op,
                str(self.count), self.pool, "--rounds", str(self.rounds)]


def maps(bench, wanted):
    """Time of check and of record over native."""
    count = 20000 if bench.quick else 100000
    trace = bench.path("maps.fpt")
    for name in filter(wanted, MAPS):
        case = MapCase(bench, name, count)

        def native():
            return bench.call(case.command(False))

        def check():
            return bench.call(bench.check(case.command(True)))

        def record():
            bench.remove(trace)
            return bench.call(bench.record(case.command(True), trace))

        times = interleave(3 if bench.quick else 7, {
            "native": native, "check": check, "record": record})
        bench.remove(trace)
        case.close()
        seconds = {k: [run.seconds for run in runs] for k, runs in times.items()}
        cpu = {k: [run.cpu_seconds for run in runs] for k, runs in times.items()}
        for mode, bar in (("check", "<= 2.5"), ("record", "<= 4")):
            yield ratio("maps", name, f"{mode}_over_native", seconds[mode],
                        seconds["native"], bar)
            yield ratio("maps", name, f"{mode}_cpu_over_native", cpu[mode],
                        cpu["native"])


def persist(bench, wanted):
    """Random 8-byte store and pmem_persist."""
    if not wanted("random-64m"):
        return
    count = "500000" if bench.quick else "2000000"
    pool = bench.path("persist.pool")

    def native():
        return number(bench.call([bench.program("persist", False), count, pool]))

    def check():
        return number(bench.call(bench.check(
            [bench.program("persist", True), count, pool])))

    times = interleave(3 if bench.quick else 7,
                       {"native": native, "check": check})
    bench.remove(pool)
    yield ratio("persist", "random-64m", "check_over_native", times["check"],
                times["native"], "<= 1.6")
    yield Row("persist", "random-64m", "ns_per_persist", min(times["check"]),
              min(times["check"]), max(times["check"]), "< 100")
    yield Row("persist", "random-64m", "native_ns_per_persist",
              min(times["native"]), min(times["native"]), max(times["native"]))


def races(bench, wanted):
    """Two threads on one table in PM, under the race rules."""
    if not wanted("two-threads"):
        return
    count = "50000" if bench.quick else "200000"
    pool = bench.path("races.pool")

    def run(command):
        bench.remove(pool)
        return number(bench.call(command))

    def native():
        return run([bench.program("shared", False), count, pool])

    def check():
        return run(bench.check([bench.program("shared", True), count, pool]))

    def check_races():
        command = bench.check([bench.program("shared", True), count, pool])
        return run([*command[:2], "--races", *command[2:]])

    times = interleave(3 if bench.quick else 7, {
        "native": native, "check": check, "races": check_races})
    bench.remove(pool)
    yield ratio("races", "two-threads", "races_over_native", times["races"],
                times["native"], "<= 10")
    yield ratio("races", "two-threads", "check_over_native", times["check"],
                times["native"])


def volatile(bench, wanted):
    """Programs that have nothing to do with PM."""
    source = zstd_source()
    programs = {"sort": ("sort", [os.path.join(PROGRAMS, "sort.c")], [],
                         "1000000" if bench.quick else "5000000")}
    if source is None:
        print("volatile/compress: no sources of zstd on this machine "
              "(set ZSTD_SOURCE to its lib folder); left out")
    else:
        files = [os.path.join(folder, name)
                 for part in ("common", "compress", "decompress")
                 for folder in [os.path.join(source, part)]
                 for name in sorted(os.listdir(folder)) if name.endswith(".c")]
        programs["compress"] = (
            "compress", [os.path.join(BENCH, "bench_compress.c"), *files],
            ["-I" + source, "-DZSTD_DISABLE_ASM", "-w"],
            "16" if bench.quick else "64")
    for case in filter(wanted, programs):
        name, files, flags, argument = programs[case]

        def native():
            return number(bench.call(
                [bench.program(name, False, files, flags), argument]))

        def check():
            return number(bench.call(bench.check(
                [bench.program(name, True, files, flags), argument]),
                codes=(0, 2)))

        times = interleave(3 if bench.quick else 7,
                           {"native": native, "check": check})
        yield ratio("volatile", case, "check_over_native", times["check"],
                    times["native"], "<= 1.15")


def outstanding(bench, wanted):
    """Time per event at many outstanding lines over that at few."""
    few, many = 100, 100000
    events = "300000" if bench.quick else "1000000"
    cases = {
        "100000-vs-100": ("outstanding", "still", True, "<= 1.5"),
        "moving-100000-vs-100": ("outstanding", "moving", True, ""),
        "transaction-100000-vs-100": ("bigtx", "log", False, ""),
        "rebuild-100000-vs-100": ("bigtx", "rebuild", False, ""),
    }
    for case in filter(wanted, cases):
        program, mode, takes_events, bar = cases[case]

        def run(lines, instrumented):
            pool = bench.path("outstanding.pool")
            bench.remove(pool)
            command = [bench.program(program, instrumented), mode, str(lines)]
            command += [events, pool] if takes_events else [pool]
            return number(bench.call(
                bench.check(command) if instrumented else command))

        times = interleave(3 if bench.quick else 7, {
            "many": lambda: run(many, True), "few": lambda: run(few, True),
            "native-many": lambda: run(many, False),
            "native-few": lambda: run(few, False)})
        yield ratio("outstanding", case, "time_per_event_ratio", times["many"],
                    times["few"], bar)
        yield ratio("outstanding", case, "native_time_per_event_ratio",
                    times["native-many"], times["native-few"])
        yield ratio("outstanding", case, "check_over_native", times["many"],
                    times["native-many"])
        bench.remove("outstanding.pool")


def compile_time(bench, wanted):
    """What the pass adds to the time of the compiler."""
    if not wanted("maps"):
        return
    # The largest test program, in one translation unit as it were.
    files = [os.path.join(PROGRAMS, name) for name in MAPS_SOURCES]
    output = bench.path("compile.o")

    def run(compiler):
        return sum(bench.call([compiler, *FLAGS, "-c", name, "-o", output])
                   .seconds for name in files)

    times = interleave(5 if bench.quick else 15, {
        "plain": lambda: run(bench.compiler(False)),
        "pass": lambda: run(bench.compiler(True))})
    yield ratio("compile", "maps", "pass_over_plain", times["pass"],
                times["plain"], "<= 1.3")


def event_sizes(bench, path):
    """Bytes per store of a trace, of stores and all flushes and fences, without the
    image of the pool before the run: as written, and packed."""
    text = bench.call([bench.fencepost, "show", "--summary", path]).output
    match = re.search(r"bytes of events, ([0-9.]+) per store, ([0-9.]+) packed",
                      text)
    if match is None:
        raise BenchError("`fencepost show --summary` says nothing of events")
    return float(match.group(1)), float(match.group(2))


def trace(bench, wanted):
    """Bytes of the trace per store."""
    count = 10000
    output = bench.path("trace.fpt")
    for name in filter(wanted, MAPS):
        if MAPS[name][1] in ("CHK", "GET"):
            continue  # These store nothing.
        case = MapCase(bench, name, count)
        bench.remove(output)
        bench.call(bench.record(case.command(True), output))
        raw, packed = event_sizes(bench, output)
        yield Row("trace", name, "bytes_per_store", raw, bar="<= 24")
        yield Row("trace", name, "packed_bytes_per_store", packed, bar="<= 8")
        bench.remove("trace.fpt")
        case.close()


def touched_bytes(path):
    """The bytes of a sparse file that somebody wrote to."""
    return os.stat(path).st_blocks * 512


def memory(bench, wanted):
    """What check needs beyond native, per byte of PM touched."""
    allowance = 16 << 20
    count = 20000 if bench.quick else 100000
    for name in filter(wanted, MAPS):
        case = MapCase(bench, name, count)
        peaks = {}
        for instrumented in (False, True):
            command = case.command(instrumented)
            # A copy with holes, so that its blocks show what was touched.
            bench.call(["cp", "--sparse=always", case.before, case.pool])
            sample = bench.call(bench.check(command) if instrumented
                                else command)
            peaks[instrumented] = sample.peak_kib * 1024
        extra = peaks[True] - peaks[False] - allowance
        yield Row("memory", name, "extra_over_touched_pm",
                  extra / touched_bytes(case.pool), bar="<= 2")
        case.close()


# In the order in which they run: name, function.
BENCHMARKS = {
    "maps": maps,
    "persist": persist,
    "races": races,
    "volatile": volatile,
    "outstanding": outstanding,
    "compile": compile_time,
    "trace": trace,
    "memory": memory,
    "explore": explore_cases.explore,
    "rust": rust_cases.rust,
    "report": report_cases.report,
}
