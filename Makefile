# The commands people type. Meson does the building; see CONTRIBUTING.md for what lies behind each.
BUILD ?= build

# The caches lie under HOME, which not every machine that runs checks sets.
HOME ?= $(shell getent passwd $$(id -u) | cut -d: -f6)
export HOME

SHELL := bash
.SHELLFLAGS := -o pipefail -c

.PHONY: all demo test test-long lint install clean

# On a terminal ninja shows how far it is, in a log only what went wrong.
ninja = if [ -t 1 ]; then ninja -C $(BUILD) $(1); else ninja -C $(BUILD) --quiet $(1) | sed -u '/no work to do/d'; fi

all:
	@tools/setup $(BUILD) build
	@$(call ninja)

# Sets up what it needs, fetches the models and transcribes a real recording.
demo:
	@tools/setup $(BUILD) build demo
	@$(call ninja,scout scout-decode scout-decode-ffmpeg.so)
	@tools/demo $(BUILD)

# Every test, at most 15 minutes. test-long lets libFuzzer look for a minute at each parser and runs the full
# counts of the fault and fuzz runs.
test:
	@tools/setup $(BUILD) build demo test
	@$(call ninja)
	@tools/test $(BUILD)

test-long:
	@tools/setup $(BUILD) build demo test
	@$(call ninja)
	@tools/fuzz $(BUILD)-fuzz 60; fuzzed=$$?; tools/test $(BUILD) --long && exit $$fuzzed

# clang-format, clang-tidy, the include rules.
lint:
	@tools/setup $(BUILD) build test
	@$(call ninja)
	@tools/lint $(BUILD)

# Below /usr/local, or meson's prefix; DESTDIR=... puts it elsewhere, for packages.
install: all
	@meson install -C $(BUILD) --no-rebuild --quiet
	@if [ "$$(id -u)" = 0 ] && [ -z "$$DESTDIR" ]; then ldconfig; fi

clean:
	@rm -rf $(BUILD)
