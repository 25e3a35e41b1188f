# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""workflow.py WORKFLOW SOURCE BUILD FOLDER [FIXED]

Runs what a CI workflow says, job after job, in FOLDER, with the program of the
tutorial as the project. Artifacts need no moving, all jobs are in one folder.
Installing is made up: apt-get and sudo say what they were asked for.
"""
import os
import re
import shutil
import subprocess
import sys

import yaml

path, source, build, folder = sys.argv[1:5]
shutil.rmtree(folder, ignore_errors=True)
os.makedirs(folder + "/bin")
shutil.copy(source + "/docs/tutorial/settings.c", folder)
with open(folder + "/Makefile", "w", encoding="utf-8") as file:
    file.write("settings: settings.c\n\t$(CC) $(CFLAGS) %s $< -lpmem -o $@\n"
               % ("-DFIXED" if "FIXED" in sys.argv else ""))
for name, text in (("sudo", 'exec "$@"'), ("apt-get", 'echo "apt-get: $*"')):
    with open(f"{folder}/bin/{name}", "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\n" + text + "\n")
    os.chmod(f"{folder}/bin/{name}", 0o755)
package = folder + "/made-up.deb"
open(package, "w", encoding="utf-8").close()
environment = {**os.environ, "FENCEPOST_DEB": "file://" + package,
               "PATH": f"{folder}/bin:{build}/tools:{os.environ['PATH']}"}


def run(commands, variables):
    done = subprocess.run(["bash", "-e", "-o", "pipefail", "-c", commands],
                          cwd=folder, env={**environment, **variables})
    return done.returncode


def github(workflow):
    variables = workflow["env"]
    jobs = workflow["jobs"]
    for name, job in jobs.items():
        needs = job.get("needs")
        assert needs is None or needs in jobs, needs
        for shard in job.get("strategy", {}).get("matrix", {}).get("shard", [0]):
            for step in job["steps"]:
                if "run" not in step:
                    continue
                commands = step["run"].replace("${{ matrix.shard }}", str(shard))
                commands = re.sub(r"\$\{\{ vars\.(\w+) \}\}", r"$\1", commands)
                assert "${{" not in commands, commands
                yield name, run(commands, variables)


def gitlab(workflow):
    for stage in workflow["stages"]:
        job = workflow[stage]
        total = job.get("parallel", 1)
        for index in range(1, total + 1):
            variables = {**workflow["variables"], "CI_NODE_INDEX": str(index),
                         "CI_NODE_TOTAL": str(total)}
            commands = workflow["default"]["before_script"] + job["script"]
            yield stage, run("\n".join(commands), variables)


with open(path, encoding="utf-8") as file:
    content = yaml.safe_load(file)
for job, code in (github if "jobs" in content else gitlab)(content):
    print(f"{job}: {code}", flush=True)
    if code != 0:
        break
