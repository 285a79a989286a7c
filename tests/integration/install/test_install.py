"""What `meson install` puts into a folder, used as a stranger would use it: the program, the library
shared and static, from C and from C++.

    test_install.py BUILD PREFIX BINDIR LIBEXECDIR LIBDIR COMPILER... -- [unittest arguments]

Programs that need a model find it in $SCOUT_TEST_MODELS; without it those tests are skipped.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
HERE = ROOT / "tests/integration/install"
EXAMPLE = ROOT / "examples/transcribe.c"
SPEECH = pathlib.Path(
    "/usr/share/pocketsphinx/test/data/librivox/sense_and_sensibility_01_austen_64kb-0870.wav"
)
SAID = "and mr john dashwood had then leisure to consider how much there might be prudently in his power"
MODELS = os.environ.get("SCOUT_TEST_MODELS", "")

BUILD, PREFIX, BINDIR, LIBEXECDIR, LIBDIR = sys.argv[1:6]
COMPILER = sys.argv[6 : sys.argv.index("--")]
STRICT = ["-Wall", "-Wextra", "-Werror"]


def run(*command, env=None):
    """The standard output of a program that succeeds and complains of nothing."""
    done = subprocess.run(list(map(str, command)), env=env, capture_output=True, text=True, timeout=120)
    if done.returncode or done.stderr:
        raise AssertionError(f"{command} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def setUpModule():
    global TOP, USED, LIBRARIES
    TOP = pathlib.Path(tempfile.mkdtemp(prefix="scout-install-"))
    unittest.addModuleCleanup(shutil.rmtree, TOP)
    run("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", TOP / "root")
    USED = TOP / "root" / PREFIX.lstrip("/")
    LIBRARIES = USED / LIBDIR
    (TOP / "home").mkdir()


def environment(**more):
    """Of a user without a past, who has the models of the tests."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(TOP / "home"),
        "LANG": "C.UTF-8",
        "SCOUT_MODELS_DIR": MODELS or str(TOP / "home/models"),
        **more,
    }


def pkg_config(*arguments):
    return run(
        "pkg-config",
        *arguments,
        "scout",
        env={
            **os.environ,
            "PKG_CONFIG_PATH": str(LIBRARIES / "pkgconfig"),
            "PKG_CONFIG_SYSROOT_DIR": str(TOP / "root"),
        },
    ).split()


def compile(name, *arguments):
    run(*arguments, "-o", TOP / name)
    return TOP / name


def has_static(library):
    return os.path.isabs(run(*COMPILER, f"-print-file-name=lib{library}.a").strip())


def names(*nm):
    """Global names that a library defines."""
    return {line.split()[-1] for line in run("nm", *nm).splitlines() if len(line.split()) == 3}


def needs_model(test):
    there = os.path.exists(os.path.join(MODELS, "base/model.scout")) and SPEECH.exists()
    return unittest.skipUnless(there, "no models in SCOUT_TEST_MODELS, or no recording")(test)


needs_static = unittest.skipUnless(
    all(has_static(library) for library in ("c", "sodium", "z", "jansson", "pcre2-8", "soxr", "sndfile")),
    "not every library is here as a static one",
)


class Installed(unittest.TestCase):
    def assert_said(self, output):
        self.assertIn(SAID, re.sub(r"[^a-z ]", "", re.sub(r"\s+", " ", output.lower())))

    def decoder(self):
        return str(USED / LIBEXECDIR / "scout/scout-decode")

    def test_the_files(self):
        version = pkg_config("--modversion")[0]
        expected = {
            f"{BINDIR}/scout",
            f"{LIBEXECDIR}/scout/scout-decode",
            f"{LIBEXECDIR}/scout/scout-capture-portaudio.so",
            f"{LIBEXECDIR}/scout/scout-capture-pulse.so",
            f"{LIBEXECDIR}/scout/scout-decode-ffmpeg.so",
            f"{LIBEXECDIR}/scout/scout-platform-dbus.so",
            f"{LIBEXECDIR}/scout/scout-platform-x11.so",
            f"{LIBEXECDIR}/scout/scout-resample.so",
            f"{LIBDIR}/libscout.a",
            f"{LIBDIR}/libscout.so",
            f"{LIBDIR}/libscout.so.0",
            f"{LIBDIR}/libscout.so.{version}",
            f"{LIBDIR}/pkgconfig/scout.pc",
            "share/man/man1/scout.1",
            "share/bash-completion/completions/scout.bash",
            "share/fish/vendor_completions.d/scout.fish",
            "share/zsh/site-functions/_scout",
        }
        expected |= {f"include/scout/{header.name}" for header in (ROOT / "include/scout").iterdir()}
        found = {str(path.relative_to(USED)) for path in USED.rglob("*") if not path.is_dir()}
        self.assertEqual(found, expected)

    def test_nothing_points_back_to_the_build(self):
        for path in USED.rglob("*"):
            if path.is_file():
                self.assertNotIn(os.fsencode(BUILD), path.read_bytes(), path)

    def test_only_public_names_are_defined(self):
        public = set()
        for header in (ROOT / "include/scout").iterdir():
            public |= set(re.findall(r"\b(scout_[a-z_0-9]+)\(", header.read_text()))
        shared = names("-D", "--defined-only", LIBRARIES / "libscout.so")
        self.assertLessEqual(shared, public)
        self.assertIn("scout_engine_new", shared)
        static = names("-g", "--defined-only", LIBRARIES / "libscout.a")
        self.assertEqual(static, shared)

    def test_the_decoder_is_found_in_the_prefix(self):
        place = os.fsencode(f"{PREFIX}/{LIBEXECDIR}/scout/")
        for library in ("libscout.so", "libscout.a"):
            self.assertIn(place, (LIBRARIES / library).read_bytes())

    @unittest.skipUnless(PREFIX in ("/usr", "/usr/local"), "a prefix of somebody's own")
    def test_the_library_is_installed_where_it_is_found(self):
        folders = run("pkg-config", "--variable=pc_path", "pkg-config").strip().split(":")
        self.assertIn(f"{PREFIX}/{LIBDIR}/pkgconfig", folders)

    def test_versions_agree(self):
        version = pkg_config("--modversion")[0]
        self.assertEqual(run(USED / BINDIR / "scout", "--version").split()[:2], ["scout", version])

    @needs_model
    def test_the_program_transcribes(self):
        self.assert_said(run(USED / BINDIR / "scout", "transcribe", "--quiet", SPEECH, env=environment()))

    @needs_model
    def test_the_example_with_the_shared_library(self):
        program = compile(
            "shared", *COMPILER, *STRICT, EXAMPLE, *pkg_config("--cflags", "--libs")
        )
        output = run(
            program,
            SPEECH,
            env=environment(SCOUT_DECODE=self.decoder(), LD_LIBRARY_PATH=str(LIBRARIES)),
        )
        self.assert_said(output)

    @needs_static
    @needs_model
    def test_the_example_with_the_static_library(self):
        program = compile(
            "static", *COMPILER, *STRICT, "-static", EXAMPLE, *pkg_config("--static", "--cflags", "--libs")
        )
        self.assert_said(run(program, SPEECH, env=environment(SCOUT_DECODE=self.decoder())))

    @unittest.skipUnless(shutil.which("c++"), "no C++ compiler")
    def test_a_program_in_cpp(self):
        source = TOP / "all.cpp"
        headers = sorted(header.name for header in (USED / "include/scout").iterdir())
        source.write_text(
            "".join(f"#include <scout/{header}>\n" for header in headers)
            + "#include <iostream>\n"
            + "int main() { ScoutEngineOptions options; scout_engine_options_init(&options);\n"
            + "std::cout << scout_version() << scout_status_text(SCOUT_ERROR_CANCELLED); }\n"
        )
        program = compile(
            "cpp", "c++", "-std=c++17", *STRICT, source, *pkg_config("--cflags", "--libs")
        )
        output = run(program, env=environment(LD_LIBRARY_PATH=str(LIBRARIES)))
        self.assertIn(pkg_config("--modversion")[0], output)

    def test_names_of_the_program_are_its_own(self):
        program = compile(
            "names", *COMPILER, *STRICT, HERE / "names.c", *pkg_config("--cflags", "--libs")
        )
        run(program, env=environment(LD_LIBRARY_PATH=str(LIBRARIES)))

    @needs_static
    def test_names_of_the_program_are_its_own_in_a_static_one(self):
        # The linker warns of dlopen in a static program: modules then need the glibc it was linked with.
        program = compile(
            "static_names", *COMPILER, *STRICT, "-static", "-Wl,--no-warnings", HERE / "names.c",
            *pkg_config("--static", "--cflags", "--libs"),
        )
        run(program, env=environment())


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[sys.argv.index("--") + 1 :]])
