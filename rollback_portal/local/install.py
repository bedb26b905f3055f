"""Makes `.venv` and installs exactly what a requirements file pins, unless that is done; for the Makefile.

    python3.11 rollback_portal/local/install.py requirements-local.txt

It runs before anything is installed, so it uses only the standard library.
"""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
NEEDED = (3, 11)
ALSO_HOLDS = {"requirements-local.txt": "requirements-dev.txt"}  # the second includes the first


def main(requirements: str) -> None:
    if sys.version_info[:2] != NEEDED:
        have, need = ".".join(map(str, sys.version_info[:2])), ".".join(map(str, NEEDED))
        sys.exit(
            f"The portal needs Python {need}; this is {have}. Name the right one: make PYTHON=…/python{need}"
        )
    with (ROOT / ".venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of two `make` at once the second waits
        if not is_installed(requirements):
            install(requirements)


def is_installed(requirements: str) -> bool:
    names = [requirements, *filter(None, [ALSO_HOLDS.get(requirements)])]
    return PYTHON.exists() and any(stamp(name) == digest(name) for name in names)


def install(requirements: str) -> None:
    began = time.monotonic()
    say(f"  Installing what {requirements} pins into .venv, this once …")
    if not PYTHON.exists() or version_of(PYTHON) != version_of(Path(sys.executable)):
        make_venv()
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    # All dependencies are pinned, so nothing is resolved; wheels only, so no compiler is needed.
    run([*pip, "--no-deps", "--only-binary", ":all:", "-r", requirements], f"Installing {requirements}")
    stamp_file(requirements).write_text(digest(requirements))
    say(f"  Installed in {time.monotonic() - began:.0f} s.")


def make_venv() -> None:
    try:
        import ensurepip  # noqa: F401  (Debian ships Python without it)
    except ImportError:
        sys.exit("This Python cannot make a virtual environment. On Debian: apt-get install python3-venv")
    run([sys.executable, "-m", "venv", "--clear", str(VENV)], "Making .venv")


def run(command: list[str], what: str) -> None:
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    if done.returncode:
        sys.exit(f"{done.stdout}{done.stderr}\n{what} failed; the reason is above. Nothing was started.")


def version_of(python: Path) -> str:
    answer = subprocess.run([str(python), "-VV"], capture_output=True, text=True, check=False)
    return answer.stdout


def digest(requirements: str) -> str:
    """A hash of the file and of those that it includes."""
    text = (ROOT / requirements).read_text()
    included = [line[3:].strip() for line in text.splitlines() if line.startswith("-r ")]
    return hashlib.sha256("".join([text, *map(digest, included)]).encode()).hexdigest()


def stamp_file(requirements: str) -> Path:
    return VENV / f"installed-{requirements}"


def stamp(requirements: str) -> str:
    return stamp_file(requirements).read_text() if stamp_file(requirements).exists() else ""


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
