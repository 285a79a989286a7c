"""What runs on every x86-64: nothing but the tiers is compiled with their flags, and no instruction
of AVX is in anything else. check_objects.py BUILD
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys

BUILD = pathlib.Path(sys.argv[1])
SKIPPED = 77  # for Meson
# The tiers, and what tests/kernels compiles again as one.
TIERS = re.compile(r"src/kernels/x86/|libkernels_(?!ref\.a)|kernels_ref_fused|kernels_avxvnni_evex")
FLAG = re.compile(r"^-m(?!64$|tune=)")
AVX = re.compile(r"\t\{?(evex|vex)|%[yz]mm|\tv[a-z]\w+ .*%xmm|%k[1-7]\b")


def flagged(commands):
    """Sources outside the tiers that have flags of an instruction set."""
    for command in commands:
        if not TIERS.search(command["file"]) and not TIERS.search(command["output"]):
            flags = [word for word in command["command"].split() if FLAG.match(word)]
            if flags:
                yield f"{command['file']} is compiled with {' '.join(flags)}"


def with_avx(archives):
    """Functions outside the tiers that have such instructions."""
    for archive in archives:
        listing = subprocess.run(
            ["objdump", "-d", "--no-show-raw-insn", archive], capture_output=True, text=True, check=True
        ).stdout
        function = ""
        for line in listing.splitlines():
            if line.endswith(">:"):
                function = line
            elif AVX.search(line):
                yield f"{archive.relative_to(BUILD)}: {function} {line.strip()}"
                break


def main():
    if shutil.which("objdump") is None:
        print("objdump is not installed (binutils)")
        return SKIPPED
    commands = json.loads((BUILD / "compile_commands.json").read_text())
    if all("-march=" in command["command"] for command in commands):
        print("this build is for one processor")
        return SKIPPED
    # libscout.a is all of them in one.
    archives = sorted(path for path in (BUILD / "src").rglob("*.a") if path.name != "libscout.a")
    tiers = [path for path in archives if TIERS.search(path.name)]
    plain = [path for path in archives if path not in tiers]
    bad = [*flagged(commands), *with_avx(plain)]
    if tiers and not list(with_avx(tiers)):
        bad.append("no tier has instructions of AVX: this check sees nothing")
    print("\n".join(bad) or f"{len(commands)} sources and {len(plain)} libraries are for every x86-64")
    return 1 if bad else 0


sys.exit(main())
