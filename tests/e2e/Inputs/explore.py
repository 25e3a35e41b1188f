# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What tests of the exploration do more than once.

explore.py equal   FENCEPOST PROGRAM DIR SEEDS [OPTION...]
                                                   lazy outcomes = all outcomes
explore.py replay  FENCEPOST DB...                 every reported state fails again
explore.py kill    FENCEPOST PROGRAM DIR TIMES [OPTION...]
                                                   kill -9, --resume: same findings
explore.py split   FENCEPOST PROGRAM DIR [OPTION...]
                                                   -j, shards, --resume: same findings

An OPTION of kill and split is one of explore, --op for record, or --plain PATH:
that program recovers. PROGRAM takes `run POOL [SEED]` and `check POOL [SEED OUTCOMES]`.
"""
import json
import os
import random
import signal
import subprocess
import sys
import time


def run(*command, codes=(0,)):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in codes:
        sys.exit("%s: exit %d\n%s%s" % (" ".join(command), done.returncode,
                                        done.stdout, done.stderr))
    return done


def record(fencepost, program, where, *arguments, options=()):
    pool, trace = where + "/test.pool", where + "/test.fpt"
    os.makedirs(where, exist_ok=True)
    for path in (pool, trace):
        if os.path.exists(path):
            os.remove(path)
    run(fencepost, "record", *options, "--pool", pool, "-o", trace, "--",
        program, "run", pool, *arguments)
    return pool, trace


def findings(fencepost, db):
    report = json.loads(run(fencepost, "report", "--format", "json", db,
                            codes=(0, 1)).stdout)
    for finding in report["findings"]:
        # The name of the database is in the command.
        command = finding.get("crash", {}).pop("replay", None)
        assert command is None or command.split()[2] == db, (command, db)
    return report


def remove(db):
    for suffix in ("", "-wal", "-shm"):
        if os.path.exists(db + suffix):
            os.remove(db + suffix)


MODES = ([], ["--lines", "torn"], ["--domain", "eadr"], ["--at", "store"])


def equal(fencepost, program, where, seeds, *options):
    images = 0
    for seed in range(1, int(seeds) + 1):
        mode = MODES[seed % len(MODES)]
        domain = mode if "--domain" in mode else []
        pool, trace = record(fencepost, program, where, str(seed),
                             options=domain)
        outcomes = {}
        for how in ("lazy", "all"):
            out, db = "%s/%s.out" % (where, how), "%s/%s.fpdb" % (where, how)
            remove(db)
            open(out, "w").close()
            run(fencepost, "explore", trace, "--db", db, "--explore", how,
                *options, *([] if domain else mode), "--recover",
                "%s check %s %d %s" % (program, pool, seed, out),
                codes=(0, 1))
            with open(out) as lines:
                outcomes[how] = [line.strip() for line in lines]
            coverage = findings(fencepost, db)["coverage"]
            assert coverage["complete"], coverage
        images += len(outcomes["all"])
        if set(outcomes["lazy"]) != set(outcomes["all"]):
            sys.exit("seed %d %s: %d outcomes of %d lazy runs, %d of all %d" %
                     (seed, mode, len(set(outcomes["lazy"])), len(outcomes["lazy"]),
                      len(set(outcomes["all"])), len(outcomes["all"])))
    print("equal for %s programs, %s images" % (seeds, images))


def replay(fencepost, *databases):
    count = 0
    for db in databases:
        for finding in findings(fencepost, db)["findings"]:
            crash = finding.get("crash")
            if not crash or finding["class"] != "recovery-failure":
                continue
            done = run(fencepost, "replay", db, crash["state"], codes=(0, 1))
            if done.returncode != 1 or crash["outcome"] not in done.stderr:
                sys.exit("%s %s: '%s' was reported, replay: exit %d, %s" %
                         (db, crash["state"], crash["outcome"],
                          done.returncode, done.stderr))
            count += 1
    print("replayed %d failures" % count)


def explore(fencepost, program, pool, trace, db, *options):
    return [fencepost, "explore", trace, "--db", db, "--recover",
            "%s check %s" % (program, pool), *options]


def prepare(fencepost, program, where, options):
    """Record; what is left of the options, as one that explores."""
    options = list(options)
    taken = {"--op": None, "--plain": program}
    for name in taken:
        if name in options:
            at = options.index(name)
            taken[name] = options[at + 1]
            del options[at:at + 2]
    how = ["--op", taken["--op"]] if taken["--op"] else []
    pool, trace = record(fencepost, program, where, options=how)

    def exploring(db, *more):
        return explore(fencepost, taken["--plain"], pool, trace, db, *options,
                       *more)
    return exploring


def kill(fencepost, program, where, times, *options):
    exploring = prepare(fencepost, program, where, options)
    whole, part = where + "/whole.fpdb", where + "/part.fpdb"
    remove(whole)
    start = time.time()
    run(*exploring(whole), codes=(0, 1))
    length = time.time() - start
    want = findings(fencepost, whole)
    seed = random.randrange(1 << 30)
    random.seed(seed)
    killed = 0
    for _ in range(int(times)):
        remove(part)
        for _ in range(2):
            child = subprocess.Popen(
                exploring(part, "--resume"), stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL)
            time.sleep(random.uniform(0, length))
            if child.poll() is None:
                child.send_signal(signal.SIGKILL)
                killed += 1
            child.wait()
        run(*exploring(part, "--resume"), codes=(0, 1))
        got = findings(fencepost, part)
        if got != want:
            sys.exit("seed %d: after being killed:\n%s\nwanted:\n%s" %
                     (seed, json.dumps(got, indent=1),
                      json.dumps(want, indent=1)))
    assert killed > 0 and len(want["findings"]) > 0
    print("killed and resumed: same findings")


def split(fencepost, program, where, *options):
    exploring = prepare(fencepost, program, where, options)
    names = ["one", "two", "1of3", "2of3", "3of3", "merged", "lacking",
             "bounded"]
    dbs = {name: "%s/%s.fpdb" % (where, name) for name in names}
    for db in dbs.values():
        remove(db)
    run(*exploring(dbs["one"]), codes=(0, 1))
    run(*exploring(dbs["two"], "-j", "2"), codes=(0, 1))
    for i in (1, 2, 3):
        run(*exploring(dbs["%dof3" % i], "--shard", "%d/3" % i),
            codes=(0, 1))
        assert not findings(fencepost, dbs["%dof3" % i])["coverage"]["complete"]
    run(fencepost, "merge", dbs["1of3"], dbs["2of3"], dbs["3of3"], "-o",
        dbs["merged"])
    run(fencepost, "merge", dbs["1of3"], dbs["2of3"], "-o", dbs["lacking"])
    assert not findings(fencepost, dbs["lacking"])["coverage"]["complete"]
    run(*exploring(dbs["bounded"], "--states", "2"), codes=(0, 1))
    bounded = findings(fencepost, dbs["bounded"])["coverage"]
    assert bounded["left_out"] == "ended by --states or --time", bounded
    run(*exploring(dbs["bounded"], "--resume"), codes=(0, 1))
    want = findings(fencepost, dbs["one"])
    assert len(want["findings"]) > 0
    assert (want["coverage"]["complete"] or
            "failed alike" in want["coverage"]["left_out"])
    assert findings(fencepost, dbs["bounded"])["coverage"] == want["coverage"]
    for name in ("two", "merged"):
        got = findings(fencepost, dbs[name])
        if got != want:
            sys.exit("%s:\n%s\nwanted:\n%s" % (name, json.dumps(got, indent=1),
                                               json.dumps(want, indent=1)))
    # Exploring anew begins from nothing.
    run(*exploring(dbs["one"]), codes=(0, 1))
    assert findings(fencepost, dbs["one"]) == want
    # A crash point that is stored twice (its worker outlived a kill) counts once.
    run("sqlite3", dbs["two"], "update points set complete=0")
    run(*exploring(dbs["two"], "--resume"), codes=(0, 1))
    assert findings(fencepost, dbs["two"]) == want
    print("split: same findings")


COMMANDS = {"equal": equal, "replay": replay, "kill": kill, "split": split}
if __name__ == "__main__":
    COMMANDS[sys.argv[1]](*sys.argv[2:])
