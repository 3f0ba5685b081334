"""
Build the packages, look into them, and install the project in every way that
there is; each time C{twistd} has to know it. The server from the wheel then
passes the tests that start one.

Usage: python .ci/packaging.py, where C{build} and the tests' extra are installed.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent

#: What the source distribution is for: working on the project.
IN_SDIST = {
    ".ci/run",
    "LICENSE",
    "NEWS.md",
    "README.md",
    "benchmarks/__main__.py",
    "chatroom.tac",
    "chatroom/py.typed",
    "docs/embedding.md",
    "docs/operating.md",
    "docs/protocol.md",
    "docs/torture.md",
    "setup.cfg",
    "tests/__init__.py",
    "tests/test_process.py",
    "tox.ini",
    "twisted/plugins/chatroom_plugin.py",
}


def run(*command: "str | Path", place: Path = PROJECT, **environment: str) -> str:
    """Run a command, show what it writes if it fails, and return it."""
    done = subprocess.run(
        command,
        cwd=place,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        print(done.stdout)
        raise AssertionError(f"{' '.join(map(str, command))}: exit status {done.returncode}")
    return done.stdout


def build(where: Path) -> Path:
    """Make the source distribution, and from it the wheel."""
    run(sys.executable, "-m", "build", "--outdir", where, PROJECT)
    [wheel] = where.glob("*.whl")
    return wheel


def look_into_sdist(where: Path) -> None:
    """It has all that somebody needs who works on the project."""
    [sdist] = where.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    missing = IN_SDIST - names
    assert not missing, f"not in the source distribution: {sorted(missing)}"


def look_into_wheel(wheel: Path) -> None:
    """It has the package and the plugin, and nothing else."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    sources = [*PROJECT.glob("chatroom/**/*.py"), PROJECT / "chatroom/py.typed"]
    expected = {str(path.relative_to(PROJECT)) for path in sources}
    expected.add("twisted/plugins/chatroom_plugin.py")
    assert names == expected, f"in the wheel or missing: {sorted(names ^ expected)}"


def install(place: Path, *what: "str | Path") -> Path:
    """Install into an environment of its own, and see that twistd knows it."""
    venv.create(place / ".venv", with_pip=True)
    python = place / ".venv/bin/python"
    run(python, "-m", "pip", "install", *what)
    listed = run(place / ".venv/bin/twistd", "--help", place=place)
    assert "    chatroom " in listed, f"twistd --help does not list chatroom:\n{listed}"
    listed = run(place / ".venv/bin/chatroom", "--help", place=place)
    assert "chatroom torture" in listed, f"chatroom --help does not list torture:\n{listed}"
    return python


def start(place: Path, wheel: Path) -> None:
    """What the wheel installs is a server."""
    python = install(place, wheel)
    tests = "tests.test_process"
    temporary = place / "trial"
    print(
        run(
            *(sys.executable, "-m", "twisted.trial", "--temp-directory", temporary, tests),
            CHATROOM_TEST_PYTHON=str(python),
        )
    )


def main() -> int:
    """Run all checks, and count."""
    failed = 0
    with tempfile.TemporaryDirectory(prefix="packaging-") as directory:
        place = Path(directory)
        wheel = place / "none.whl"
        try:
            wheel = build(place / "dist")
        except AssertionError as error:
            failed += 1
            print(f"FAILED build: {error}")
        checks: dict[str, Callable[[], object]] = {
            "the source distribution": partial(look_into_sdist, place / "dist"),
            "the wheel": partial(look_into_wheel, wheel),
            "a server from the wheel": partial(start, place / "wheel", wheel),
            "pip install .": partial(install, place / "plain", PROJECT),
            "pip install -e .": partial(install, place / "editable", "-e", PROJECT),
        }
        for name, check in checks.items():
            try:
                check()
                print(f"ok {name}", flush=True)
            except Exception as error:
                failed += 1
                print(f"FAILED {name}: {error or repr(error)}", flush=True)
    print(f"packaging: {len(checks) + 1 - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
