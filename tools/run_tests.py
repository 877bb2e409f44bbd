#!/usr/bin/env python3
"""Runs every test and ends with the line "N passed, N failed".

usage: run_tests.py [STEP...]    the steps' names are printed as they run; without any, all of them

Each step is a command. Where it prints TAP its tests are counted one by one; else the step counts as one test, by its
exit code. What a step printed is shown when it failed, and kept in build-test/NAME.log.
"""
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
LOGS = ROOT / "build-test"
GCC, SAN, FUZZ = "build-gcc", "build-san", "build-fuzz"
SANITIZERS = {"ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1",
              "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}
# Simulated calls: all seeds plain, some of them sanitized.
FEWER = {**SANITIZERS, "SOTTO_SEEDS": "300"}


def setup(build, compiler, *options):
    configured = "test -f %s/build.ninja || CC=%s meson setup %s %s" % (build, compiler, build, " ".join(options))
    return "(%s) && ninja -C %s --quiet" % (configured, build)


def unit_tests(build):
    # one TAP stream of all programs; meson knows their names, cmocka prints their results
    return ("for t in %s/tests/test_*; do [ -x \"$t\" ] && [ -f \"$t\" ] || continue; echo \"# ${t##*/}\"; "
            "CMOCKA_MESSAGE_OUTPUT=TAP \"$t\" || failed=1; done; exit ${failed:-0}" % build)


NPM = "cd tests && { [ -f node_modules/.made-from ] && cmp -s package-lock.json node_modules/.made-from || " \
      "{ PUPPETEER_SKIP_DOWNLOAD=1 npm ci --no-audit --no-fund --loglevel=error && " \
      "cp package-lock.json node_modules/.made-from; }; }"

TAP = True
STEPS = [
    ("layers", "python3 tools/check_layers.py"),
    ("format", "tools/check_format"),
    ("build with gcc", setup(GCC, "gcc", "-Dtests=true", "-Dbench=true")),
    ("unit, simulation and attack tests, gcc", unit_tests(GCC), TAP),
    ("counts", "tests/counts/run %s" % GCC, TAP),
    ("build with clang, ASan and UBSan", setup(SAN, "clang", "-Dtests=true", "-Db_sanitize=address,undefined",
                                               "-Db_lundef=false")),
    ("unit, simulation and attack tests, sanitized", unit_tests(SAN), TAP, FEWER),
    ("fuzz corpora and a short fuzz run", "fuzz/run ${FUZZ_SECONDS:-5}", TAP, SANITIZERS),
    ("npm packages for the page's tests", NPM),
    ("types of the page", "tests/node_modules/.bin/tsc -p web/tsconfig.json"),
    ("modules of the page", "node --test --test-reporter=tap tests/page/*.test.mjs", TAP),
    ("the server and the command", "SOTTO=$PWD/%s/sotto node --test --test-reporter=tap tests/server/*.test.mjs" % SAN,
     TAP, SANITIZERS),
    ("calls through a relay", "SOTTO=$PWD/%s/sotto tests/relay/run" % GCC, TAP),
    ("bad networks", "SOTTO=$PWD/%s/sotto SOTTO_LINK=$PWD/%s/tests/link tests/net/run" % (GCC, GCC), TAP),
    ("foreign peers", "SOTTO_PEER=$PWD/%s/tests/interop_peer tests/interop/run" % GCC, TAP),
    ("proof", "docs/proof/run", TAP),
    ("browsers", "SOTTO=$PWD/%s/sotto tests/browser/run" % GCC, TAP),
]

TAP_LINE = re.compile(r"^\s*(not ok|ok) \d+\b(.*)$", re.M)
NODE_TOTALS = re.compile(r"^# (pass|fail|skipped) (\d+)$", re.M)


def count(output, code, must_be_tap):
    """(passed, failed) of one step. A step of many tests that ran none has failed."""
    totals = dict((k, int(v)) for k, v in NODE_TOTALS.findall(output))
    if totals:
        failed = totals.get("fail", 0)
        return totals.get("pass", 0), failed if failed or code == 0 else 1
    lines = [m.group(1) for m in TAP_LINE.finditer(output) if "# SKIP" not in m.group(2)]
    if lines:
        failed = lines.count("not ok")
        return lines.count("ok"), failed if failed or code == 0 else 1
    return (1, 0) if code == 0 and not must_be_tap else (0, 1)


def run(name, command, must_be_tap=False, extra=None):
    # A state folder of the tests' own: calls keep an identity there.
    env = dict(os.environ, XDG_STATE_HOME=str(LOGS / "state"), **(extra or {}))
    start = time.monotonic()
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=ROOT, env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    (LOGS / (name.replace(" ", "-").replace(",", "") + ".log")).write_text(done.stdout)
    passed, failed = count(done.stdout, done.returncode, must_be_tap)
    print("%-40s %4d passed, %d failed  (%.0f s)" % (name, passed, failed, time.monotonic() - start), flush=True)
    if failed:
        print("---- %s: exit code %d ----" % (name, done.returncode))
        print(done.stdout[-20000:])
        print("----", flush=True)
    return passed, failed


def main(wanted):
    LOGS.mkdir(exist_ok=True)
    steps = [s for s in STEPS if not wanted or any(w in s[0] for w in wanted)]
    passed = failed = 0
    for step in steps:
        p, f = run(*step)
        passed += p
        failed += f
    print("%d passed, %d failed" % (passed, failed), flush=True)
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
