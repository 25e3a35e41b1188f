# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How lit runs the tests of this folder.

    lit build/dev/tests/ir                   a folder
    lit -v build/dev/tests/ir/store.ll       one file
    lit -D llvm=19 build/dev/tests/ir        with another LLVM than the default

The build tree's tests/ holds only lit's configuration; paths below it name files of
the source tree. A test is a file in one of the folders of SUITES with the right
suffix and with RUN lines; it works in a directory of its own, %t.dir-like paths
start with %t.
"""

import ctypes
import fcntl
import os
import shutil
import struct
import subprocess

import lit.formats
import lit.util

config.name = "fencepost"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".ll", ".c", ".cpp", ".rs", ".test", ".litmus"]
# Not tests: what tests are made of, and what other runners run.
config.excludes = ["Inputs", "unit", "fuzz", "programs", "CMakeLists.txt",
                   "lit.cfg.py", "summary.py"]

source = config.fencepost_source_dir
build = config.fencepost_build_dir
config.test_source_root = os.path.join(source, "tests")

llvm = lit_config.params.get("llvm", config.fencepost_llvm_versions[0])
if llvm not in config.fencepost_llvm_versions:
    lit_config.fatal("-D llvm=%s: the build has %s only" %
                     (llvm, ", ".join(config.fencepost_llvm_versions)))
config.test_exec_root = os.path.join(build, "tests", "out-" + llvm)
llvm_bin = "/usr/lib/llvm-%s/bin" % llvm
plugin = os.path.join(build, "pass", "FencepostPass-%s.so" % llvm)
tools = os.path.join(build, "tools")

config.available_features.add("llvm-" + llvm)
for other in config.fencepost_llvm_versions:
    if other != llvm and os.access("/usr/bin/clang-" + other, os.X_OK):
        config.available_features.add("clang-" + other)
# What the machine can do. Tests that need it say REQUIRES: hw-NAME.
with open("/proc/cpuinfo") as cpuinfo:
    flags = next((line.split(":")[1].split() for line in cpuinfo
                  if line.startswith("flags")), [])
for flag in ("clwb", "clflushopt", "movdiri", "movdir64b", "avx", "avx2",
             "avx512f", "avx512vl", "avx512bw"):
    if flag in flags:
        config.available_features.add("hw-" + flag)
for program in ("git", "jsonschema", "patch", "gdb", "valgrind", "xmllint", "jq", "sqlite3",
                "bash", "zsh", "fish", "cpack", "mmdebstrap",
                "slurmctld", "slurmd", "munged",
                "clang-format-14", "clang-tidy-22"):
    if shutil.which(program):
        config.available_features.add(program)
# Rust: a cargo, and a rustc whose LLVM there is a pass for. The tests take that pass
# whatever -D llvm says, so they run once.
if llvm != config.fencepost_llvm_versions[0]:
    config.excludes.append("rust")
if shutil.which("cargo") and shutil.which("rustc"):
    about = subprocess.run(["rustc", "-vV"], stdout=subprocess.PIPE, text=True,
                           stderr=subprocess.DEVNULL).stdout
    if any("LLVM version: %s." % version in about
           for version in config.fencepost_llvm_versions):
        config.available_features.add("rust")
# libpmemobj++, a library of headers, which not every distribution has.
if os.path.exists("/usr/include/libpmemobj++/transaction.hpp"):
    config.available_features.add("libpmemobj-cpp-dev")
if os.geteuid() == 0:
    config.available_features.add("root")
if shutil.which("pmempool"):
    config.available_features.add("pmdk-tools")
# Published schemas of report formats, see tools/setup.
schemas = os.path.join(source, "build", "schemas")
if os.path.exists(os.path.join(schemas, "junit-10.xsd")):
    config.available_features.add("schemas")
# A browser, and a Python that can drive it.
for browser_python in (config.python, "/usr/bin/python3"):
    if shutil.which("chromium") and shutil.which("chromedriver") and \
            subprocess.run([browser_python, "-c", "import html5lib, selenium"],
                           stderr=subprocess.DEVNULL).returncode == 0:
        config.available_features.add("browser")
        config.substitutions.append(("%browser-python", browser_python))
        break
# A Python that reads YAML.
for yaml_python in (config.python, "/usr/bin/python3"):
    if subprocess.run([yaml_python, "-c", "import yaml"],
                      stderr=subprocess.DEVNULL).returncode == 0:
        config.available_features.add("yaml")
        config.substitutions.append(("%yaml-python", yaml_python))
        break
# Mounting a small file system takes more than being root: try it.
if shutil.which("unshare") and subprocess.run(
        ["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
    config.available_features.add("mount")
# Somebody without privileges who may have a user namespace, and reach the build.
nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
if os.geteuid() == 0 and shutil.which("setpriv") and subprocess.run(
        nobody + ["unshare", "-Um", os.path.join(tools, "fencepost"), "--help"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
    config.available_features.add("nobody")
    config.substitutions.append(("%nobody", " ".join(["env", "TMPDIR=/tmp"] + nobody)))

# Runs share a process from Linux 6.7 on, where nothing forbids it.
def kernel_rewinds():
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.syscall(ctypes.c_long(323), ctypes.c_long(os.O_CLOEXEC | 1))
    api = struct.pack("QQQ", 0xaa, 1 << 15, 0)  # UFFD_FEATURE_WP_ASYNC
    try:
        fcntl.ioctl(fd, 0xc018aa3f, api)
    except (OSError, ValueError):
        return False
    return True


config.substitutions.append(("%rewind", "SHARED" if kernel_rewinds() else "FORKED"))

if os.access(os.path.join(llvm_bin, "ld.lld"), os.X_OK):
    config.available_features.add("lld")

# Longest name first: a substitution also matches at the start of a longer one.
config.substitutions += [
    ("%fencepost-clang\\+\\+", os.path.join(tools, "fencepost-clang++")),
    ("%fencepost-clang", os.path.join(tools, "fencepost-clang")),
    ("%fencepost-cc.in", os.path.join(source, "tools", "fencepost-cc.in")),
    ("%fencepost", os.path.join(tools, "fencepost")),
    ("%clang\\+\\+", os.path.join(llvm_bin, "clang++")),
    ("%clang", os.path.join(llvm_bin, "clang")),
    ("%opt", "%s/opt -load-pass-plugin=%s" % (llvm_bin, plugin)),
    ("%plugin", plugin),
    ("%llvm-bin", llvm_bin),
    ("%llvm", llvm),
    ("%schemas", schemas),
    ("%source", source),
    ("%build", build),
    ("%python", config.python),
]

# The tools of the newest LLVM: FileCheck and not read the same in all of them.
path = [tools, "/usr/lib/llvm-%s/bin" % config.fencepost_llvm_versions[0]]
config.environment["PATH"] = os.pathsep.join(
    path + [config.environment.get("PATH", "")])
# The wrappers take the clang of this run; nothing of the caller's leaks in.
config.environment["FENCEPOST_CLANG"] = os.path.join(llvm_bin, "clang")
config.environment["PMEM_IS_PMEM_FORCE"] = "1"
config.environment["LC_ALL"] = "C"
for name in ("TMPDIR", "XDG_RUNTIME_DIR", "HOME", "CARGO_HOME", "RUSTUP_HOME",
             "RUSTUP_TOOLCHAIN"):
    if name in os.environ:
        config.environment[name] = os.environ[name]
