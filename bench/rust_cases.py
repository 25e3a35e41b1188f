# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What check and record cost a Rust program: the hash map of tests/e2e/rust."""

import os
import shutil

from measure import ROOT, BenchError, interleave, ratio

CRATE = os.path.join(ROOT, "tests", "e2e", "rust", "Inputs", "durable")

# case: operation, operation that prepares the map, rounds.
CASES = {
    "map-ins": ("INS", None, 1),
    "map-chk": ("CHK", "INS", 10),
    "map-put": ("PUT", "INS", 1),
    "map-get": ("GET", "INS", 20),
    "map-rem": ("REM", "INS", 1),
    "map-rand": ("RAND", "INS", 1),
}


def built(bench, instrumented):
    """The path of the program, built for release when first asked for."""
    key = ("rust", instrumented)
    if key not in bench.built:
        cargo = os.path.join(bench.build, "tools", "fencepost-cargo")
        if not shutil.which("cargo"):
            raise BenchError("cargo is not installed")
        target = bench.path("rust")
        bench.call(["env", "CARGO_TARGET_DIR=" + target,
                    cargo if instrumented else "cargo", "build", "--release",
                    "--locked", "--offline", "--manifest-path",
                    os.path.join(CRATE, "Cargo.toml")])
        folder = "fencepost/x86_64-unknown-linux-gnu" if instrumented else "."
        bench.built[key] = os.path.join(target, folder, "release", "durable")
    return bench.built[key]


class MapCase:
    """One operation on the map: its pool as it was before, and its command."""

    def __init__(self, bench, case, count):
        self.bench = bench
        self.count = str(count)
        self.op, prepare, rounds = CASES[case]
        self.rounds = str(rounds)
        self.before = bench.path(f"rust-{case}.before")
        self.pool = bench.path(f"rust-{case}.pool")
        native = built(bench, False)
        bench.call([native, "map", "create", self.count, self.before])
        if prepare:
            bench.call([native, "map", prepare, self.count, self.before])

    def close(self):
        self.bench.remove(self.before, self.pool)

    def command(self, instrumented):
        """Puts the pool in place and returns the command."""
        self.bench.remove(self.pool)
        shutil.copyfile(self.before, self.pool)
        return [built(self.bench, instrumented), "map", self.op, self.count,
                self.pool, self.rounds]


def rust(bench, wanted):
    """Time of check and of record over native."""
    count = 50000 if bench.quick else 200000
    trace = bench.path("rust.fpt")
    for name in filter(wanted, CASES):
        case = MapCase(bench, name, count)

        def native():
            return bench.call(case.command(False))

        def check():
            return bench.call([bench.fencepost, "check", "--pool", case.pool, "--",
                               *case.command(True)])

        def record():
            bench.remove(trace)
            return bench.call([bench.fencepost, "record", "--pool", case.pool, "-o",
                               trace, "--", *case.command(True)])

        times = interleave(3 if bench.quick else 7, {
            "native": native, "check": check, "record": record})
        bench.remove(trace)
        case.close()
        for mode, bar in (("check", "<= 3"), ("record", "<= 5")):
            for metric, bar, of in ((f"{mode}_over_native", bar, "seconds"),
                                    (f"{mode}_cpu_over_native", "", "cpu_seconds")):
                yield ratio("rust", name, metric,
                            [getattr(run, of) for run in times[mode]],
                            [getattr(run, of) for run in times["native"]], bar)
