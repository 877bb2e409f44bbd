# The front door. Meson builds; this only saves the typing, and installs what Debian has packages for.
BUILD ?= build
ARGS ?=

.PHONY: run build test bench net mutants fuzz format install clean

run: build
	@exec $(BUILD)/sotto serve $(ARGS)

build:
	@tools/packages build
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) --buildtype=release >$(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log
	@ninja -C $(BUILD) --quiet

# Installs what the tests need and runs all of them; the last line is "N passed, N failed".
test:
	@tools/packages build test
	@python3 tools/run_tests.py $(ARGS)

# The measurements of docs/benchmarks.md, as ratios taken in one run.
bench: build
	@tools/packages build bench
	@bench/run $(ARGS)

# Calls over bad networks, with the figures that a machine which does nothing else must reach; some minutes.
net:
	@tools/packages build test
	@test -f build-gcc/build.ninja || CC=gcc meson setup build-gcc -Dtests=true -Dbench=true >/dev/null
	@ninja -C build-gcc --quiet
	@python3 tools/run_tests.py npm >/dev/null
	@SOTTO=build-gcc/sotto SOTTO_LINK=build-gcc/tests/link SOTTO_NET_FIGURES=1 tests/net/run

# Takes out one check after another (docs/report.md, section 4), and demands that a test fails for each; some minutes.
mutants:
	@tools/packages build test
	@python3 tools/run_tests.py npm >/dev/null
	@tests/mutants/run $(ARGS)

# Fuzzes each target for FUZZ_SECONDS, and keeps what it finds in fuzz/corpus.
fuzz:
	@tools/packages build test
	@fuzz/run $(or $(FUZZ_SECONDS),600)

format:
	@tools/check_format --fix

install: build
	@meson install -C $(BUILD) --quiet

clean:
	@rm -rf $(BUILD)
