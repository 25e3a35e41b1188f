# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The benchmarks of the explorer: how fast, how many runs, how they grow."""

import json
import os

from measure import BenchError, Row, interleave, number

# Exit codes of an exploration that ended: with and without findings.
EXPLORED = (0, 1)


def fork_rate(bench):
    """Processes per second that this machine forks: no exploration is faster."""
    program = os.path.join(bench.build, "bench", "bench_fork")
    if not os.path.exists(program):
        raise BenchError(f"no {program}: build first")
    return 1e9 / number(bench.call([program, "3000", "8", "10"]))


class Exploration:
    """A recorded run, and the recovery to explore it with."""

    def __init__(self, bench, program, write, check, pool, record=()):
        self.bench = bench
        self.recover = " ".join([program, *check, pool])
        self.trace = bench.path("explore.fpt")
        self.db = bench.path("explore.fpdb")
        self.json = bench.path("explore.json")
        bench.remove(self.trace)
        bench.call([bench.fencepost, "record", "-o", self.trace, "--pool", pool,
                    *record, "--", program, *write, pool])

    def run(self, judge=(), jobs=1):
        """Explores all; returns seconds and the coverage of the report."""
        self.bench.remove(self.db, self.json)
        sample = self.bench.call(
            [self.bench.fencepost, "explore", self.trace, "-j",
             str(jobs), "--db", self.db, "--json", self.json, "--recover",
             self.recover, *judge],
            codes=EXPLORED)
        with open(self.json, encoding="utf-8") as report:
            coverage = json.load(report)["coverage"]
        if not coverage["complete"]:
            raise BenchError(f"not complete: {coverage}")
        return sample.seconds, coverage

    def rate(self):
        seconds, coverage = self.run()
        return coverage["runs"] / seconds


def rate_row(case, runs, forks, bar):
    """Runs per second over forks per second, each at its best."""
    pairs = [a / b for a, b in zip(runs, forks)]
    return Row("explore", case, "runs_over_fork_rate", max(runs) / max(forks),
               min(pairs), max(pairs), bar)


def explore_log(bench):
    """A log on libpmem in 8 MiB, against nothing but fork, exit and wait."""
    pool = bench.path("log.pool")
    bench.remove(pool)
    program = bench.program("applog", True, libraries=["-lpmem"])
    exploration = Exploration(
        bench, program, ["append", "200" if bench.quick else "1000"],
        ["check"], pool)
    rates = interleave(3, {"explore": exploration.rate,
                           "fork": lambda: fork_rate(bench)})
    yield rate_row("log-8m", rates["explore"], rates["fork"], ">= 0.6")
    yield Row("explore", "log-8m", "runs_per_second", max(rates["explore"]),
              min(rates["explore"]), max(rates["explore"]))


def explore_pmemobj(bench):
    """A B+tree on the stock libpmemobj, against forking the same recovery."""
    pool = bench.path("pmemobj.pool")
    native = bench.maps(False)
    bench.remove(pool)
    bench.call([native, "btree", "INS", "2", pool])
    exploration = Exploration(
        bench, bench.maps(True),
        ["btree", "INS", "1" if bench.quick else "3"], ["btree", "check"], pool)

    def fork():
        return 1e9 / number(bench.call(
            [native, "btree", "check", pool, "--forks", "200"]))

    rates = interleave(2 if bench.quick else 3,
                       {"explore": exploration.rate, "fork": fork})
    yield rate_row("pmemobj-8m", rates["explore"], rates["fork"], ">= 0.4")
    yield Row("explore", "pmemobj-8m", "runs_per_second", max(rates["explore"]),
              min(rates["explore"]), max(rates["explore"]))


def explore_sparse(bench):
    """64 lines undecided, of which recovery reads two."""
    pool = bench.path("sparse.pool")
    bench.remove(pool)
    _, coverage = Exploration(bench, bench.program("sparse", True), ["write"],
                              ["check"], pool).run()
    yield Row("explore", "sparse-64", "runs", coverage["runs"], bar="<= 4")
    yield Row("explore", "sparse-64", "images_log2", coverage["images_log2"],
              bar=">= 64")


def explore_hashmap(bench, count):
    """Insertions into a hash map, whose recovery looks at everything."""
    pool = bench.path("hashmap.pool")
    bench.remove(pool)
    case = f"hashmap-{count}"
    seconds, coverage = Exploration(
        bench, bench.program("hashmap", True), ["insert", str(count)],
        ["check"], pool).run()
    yield Row("explore", case, "runs_per_insert", coverage["runs"] / count,
              bar="<= 4")
    yield Row("explore", case, "seconds", seconds,
              bar="< 5" if count == 64 else "")


def explore_operations(bench):
    """The same, with each insertion judged as an operation."""
    pool = bench.path("hashmap.pool")

    bench.remove(pool)
    exploration = Exploration(
        bench, bench.program("hashmap", True),
        ["insert", "256" if bench.quick else "1024"], ["check"], pool,
        ["--op", "map_insert"])
    times = interleave(5, {
        "plain": lambda: exploration.run()[0],
        "judged": lambda: exploration.run(["--observe", "stdout"])[0]})
    pairs = [a / b for a, b in zip(times["judged"], times["plain"])]
    yield Row("explore", "operations", "ops_over_plain",
              min(times["judged"]) / min(times["plain"]), min(pairs),
              max(pairs), "<= 1.3")


def explore_btree(bench):
    """Insertions into the B+tree on the stock libpmemobj, on two cores."""
    count = 20 if bench.quick else 1000
    pool = bench.path("btree.pool")
    bench.remove(pool)
    bench.call([bench.maps(False), "btree", "INIT", str(count), pool])
    seconds, coverage = Exploration(
        bench, bench.maps(True), ["btree", "INS", str(count)],
        ["btree", "check"], pool).run(jobs=2)
    case = f"btree-{count}"
    yield Row("explore", case, "runs_per_insert", coverage["runs"] / count)
    yield Row("explore", case, "seconds", seconds,
              bar="" if bench.quick else "< 600")


def explore(bench, wanted):
    """The explorer: on one core, where nothing else is said."""
    bench.need_tool()
    cases = {"log-8m": explore_log, "pmemobj-8m": explore_pmemobj,
             "sparse-64": explore_sparse, "btree": explore_btree, "operations": explore_operations}
    for name in filter(wanted, cases):
        yield from cases[name](bench)
    for count in (16, 64, 1024):
        if wanted(f"hashmap-{count}"):
            yield from explore_hashmap(bench, count)
