# The commands people type. Meson does the building; see CONTRIBUTING.md for what lies behind each.
BUILD ?= build

.PHONY: all demo test test-long lint install clean

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet

$(BUILD)/build.ninja:
	@tools/setup build
	@meson setup $(BUILD) >$(BUILD)-setup.log 2>&1 || { cat $(BUILD)-setup.log; rm -f $(BUILD)-setup.log; exit 1; }
	@mv $(BUILD)-setup.log $(BUILD)/setup.log

# Sets up what it needs, fetches the models and transcribes a real recording.
demo:
	@tools/setup build demo
	@$(MAKE) --no-print-directory all
	@tools/demo $(BUILD)

# Every test, at most 15 minutes. test-long runs the full counts of the fault and fuzz runs, and then libFuzzer for a
# minute on each parser.
test:
	@tools/setup build demo test
	@$(MAKE) --no-print-directory all
	@tools/test $(BUILD)

test-long:
	@tools/setup build demo test
	@$(MAKE) --no-print-directory all
	@tools/test $(BUILD) --long; tested=$$?; tools/fuzz $(BUILD)-fuzz 60 && exit $$tested

# clang-format, clang-tidy, the include rules.
lint:
	@tools/setup build test
	@$(MAKE) --no-print-directory all
	@tools/lint $(BUILD)

install: all
	@meson install -C $(BUILD)

clean:
	@rm -rf $(BUILD)
