"""Runs git with bounds on its time, output and memory, and with nothing that a repository could switch on.

The only module that runs git. A token is passed in the environment, never in an argument list or an address.
"""

from __future__ import annotations

import base64
import resource
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryFile
from threading import Event, Timer
from typing import IO

from rollback_portal import env
from rollback_portal.processes.child import end_with_parent, kill_group
from rollback_portal.text import one_line

# How git reaches a server: through which proxy, trusting whom, with which key of the SSH agent.
NEEDED = (
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy",
    "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "SSH_AUTH_SOCK", "GIT_SSH_COMMAND",
)  # fmt: skip
SETTINGS = {
    "protocol.allow": "never",  # no helper programs, such as `ext::` and `fd::`
    "protocol.https.allow": "always",
    "protocol.http.allow": "always",
    "protocol.ssh.allow": "always",
    "protocol.git.allow": "always",
    "protocol.file.allow": "always",
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
    # A large file is unpacked piece by piece instead of in memory.
    "core.bigFileThreshold": "8m",
    "core.packedGitWindowSize": "32m",
    "core.packedGitLimit": "256m",
    "pack.threads": "1",
}
MEMORY = 2 * 1024**3  # bytes of address space
LARGEST_FILE = 2 * 1024**3  # bytes
LONGEST_MESSAGE = 64 * 1024  # bytes
CHUNK = 1 << 16


class MirrorUnavailable(Exception):
    """The repository cannot be read; `str()` gives the reason, without the token."""


def run(words: list[str], *, token: str = "", seconds: int, most: int, stdin: bytes = b"") -> bytes:
    """Run git and return its standard output.

    Args:
        seconds: after which it is ended.
        most: bytes of output after which it is ended.

    Raises:
        MirrorUnavailable: with git's message, or the bound that it reached.
    """
    with TemporaryFile() as request, TemporaryFile() as errors:
        request.write(stdin)
        request.seek(0)
        try:
            child = subprocess.Popen(
                ["git", *words], env=environment(token), stdin=request, stdout=subprocess.PIPE, stderr=errors,
                start_new_session=True, preexec_fn=before_exec(),
            )  # fmt: skip
        except FileNotFoundError:
            raise MirrorUnavailable("There is no git on this machine.") from None
        output, late = _read(child, seconds, most)
        if late:
            raise MirrorUnavailable(f"git did not answer within {seconds} s.")
        if len(output) > most:
            raise MirrorUnavailable(f"git has more to say than {most // 1024**2} MB: that is too much.")
        if child.returncode:
            raise MirrorUnavailable(f"git says: {_message(errors, token)}"[:500])
        return output


def _read(child: subprocess.Popen[bytes], seconds: int, most: int) -> tuple[bytes, bool]:
    """What it wrote, up to one byte more than `most`, and whether it was ended because of the time."""
    late = Event()

    def end() -> None:
        late.set()
        kill_group(child)

    timer = Timer(seconds, end)
    timer.daemon = True
    timer.start()
    output = bytearray()
    try:
        while child.stdout is not None and len(output) <= most and (chunk := child.stdout.read1(CHUNK)):  # type: ignore[attr-defined]
            output += chunk[: most + 1 - len(output)]
        if len(output) <= most:
            child.wait()
    finally:
        timer.cancel()
        kill_group(child)
        if child.stdout is not None:
            child.stdout.close()
    return bytes(output), late.is_set()


def _message(errors: IO[bytes], token: str) -> str:
    errors.seek(0)
    message = one_line(errors.read(LONGEST_MESSAGE).decode(errors="replace"))
    return message.replace(token, "…") if token else message


def before_exec() -> Callable[[], None]:
    """What the child does before it becomes git: it ends with its parent, and limits itself."""
    die_with_parent = end_with_parent(signal.SIGKILL)

    def prepare() -> None:
        die_with_parent()
        for what, limit in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_FSIZE, LARGEST_FILE)):
            _, hard = resource.getrlimit(what)
            bound = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
            resource.setrlimit(what, (bound, bound))

    return prepare


def environment(token: str) -> dict[str, str]:
    """Git's variables: no prompt, no settings of the machine, and ours in their place."""
    settings = dict(SETTINGS)
    if token:
        basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        settings["http.extraHeader"] = f"Authorization: Basic {basic}"
    return env.for_program(*NEEDED, **_as_variables(settings))


def _as_variables(settings: Mapping[str, str]) -> dict[str, str]:
    variables = {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_COUNT": str(len(settings)),
    }
    for number, (key, value) in enumerate(settings.items()):
        variables |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return variables


def is_from_a_mirror_of_everything(path: Path) -> bool:
    """Whether a clone was made with all refs, those of foreign pull requests too."""
    try:
        return "mirror = true" in (path / "config").read_text()
    except OSError:
        return False
