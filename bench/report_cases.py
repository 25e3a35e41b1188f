# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The benchmark of reports: many findings, each with its picture and sources."""

import os
import re
import shutil
import subprocess
import sys

from measure import FLAGS, ROOT, BenchError, Row

INPUTS = os.path.join(ROOT, "tests", "tools", "Inputs")
FORMATS = ("text", "json", "sarif", "junit", "html")


def database(bench):
    """An exploration of the demo, which finds its bug."""
    program = bench.path("queue")
    pool = bench.path("queue.pool")
    bench.call([bench.wrapper, *FLAGS, "-O1",
                os.path.join(ROOT, "docs", "demo", "queue.c"), "-lpmemobj",
                "-o", program])
    bench.call([program, "create", pool])
    path = bench.path("queue.fpdb")
    bench.call([bench.fencepost, "crash", "--db", path, "--recover",
                f"{program} check {pool}", "--", program, "push", pool, "hello"],
               codes=(1,))
    return path


def multiplied(bench, path, count):
    """The same with so many findings."""
    many = bench.path(f"many-{count}.fpdb")
    shutil.copyfile(path, many)
    bench.call([sys.executable, os.path.join(INPUTS, "multiply-findings.py"),
                many, str(count)])
    return many


def write(bench, path, kind):
    """The file, and the least processor time of three."""
    out = f"{path}.{kind}"
    samples = [bench.call([bench.fencepost, "report", "--format", kind, "-o", out,
                           path], codes=(1,)) for _ in range(3)]
    return out, min(sample.cpu_seconds for sample in samples)


def opened(page):
    """Seconds until a browser has loaded the page and its script has run."""
    times = []
    for _ in range(3):
        run = subprocess.run(
            ["/usr/bin/python3", os.path.join(INPUTS, "browser.py"), page,
             "opened"], capture_output=True, text=True, check=False)
        found = re.search(r"opened in (\d+) ms", run.stdout)
        if not found:
            raise BenchError("no browser to be driven: chromium, chromium-driver,"
                             " python3-selenium, python3-html5lib\n" + run.stderr)
        times.append(int(found.group(1)) / 1000)
    return min(times)


def report(bench, wanted):
    """Time of 5,000 findings in each format; size and opening of HTML."""
    path = database(bench)
    many = multiplied(bench, path, 5000)
    for kind in FORMATS:
        if wanted(f"{kind}-5000"):
            out, seconds = write(bench, many, kind)
            yield Row("report", f"{kind}-5000", "cpu_seconds", seconds,
                      bar="< 2")
            if kind == "html":
                yield Row("report", "html-5000", "open_seconds", opened(out),
                          bar="< 2")
    if wanted("html-100"):
        out, _ = write(bench, multiplied(bench, path, 100), "html")
        yield Row("report", "html-100", "mib", os.path.getsize(out) / 2 ** 20,
                  bar="< 3")
