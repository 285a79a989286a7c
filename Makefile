# The commands people type. Meson does the building; see CONTRIBUTING.md for what lies behind each.
BUILD ?= build

.PHONY: all demo test test-long lint install clean

# On a terminal ninja shows how far it is, in a log only what went wrong.
ninja = if [ -t 1 ]; then ninja -C $(BUILD) $(1); else ninja -C $(BUILD) --quiet $(1); fi

all:
	@tools/setup $(BUILD) build
	@$(call ninja)

# Sets up what it needs, fetches the models and transcribes a real recording.
demo:
	@tools/setup $(BUILD) build demo
	@$(call ninja,scout scout-decode)
	@tools/demo $(BUILD)

# Every test, at most 15 minutes. test-long runs the full counts of the fault and fuzz runs.
test:
	@tools/setup $(BUILD) build demo test
	@$(call ninja)
	@tools/test $(BUILD)

test-long:
	@tools/setup $(BUILD) build demo test
	@$(call ninja)
	@tools/test $(BUILD) --long

# clang-format, clang-tidy, the include rules.
lint:
	@tools/setup $(BUILD) build test
	@$(call ninja)
	@tools/lint $(BUILD)

install: all
	@meson install -C $(BUILD)

clean:
	@rm -rf $(BUILD)
