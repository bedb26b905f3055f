"""Which pg_dump is used for which server."""

from __future__ import annotations

from pathlib import Path

import pytest

from dbtools.postgres.programs import ProgramNotFound, find, locate


def install(folder: Path, version: str, restore: str = "") -> Path:
    """Install programs that report this version."""
    folder.mkdir(parents=True)
    for name, reported in (("pg_dump", version), ("pg_restore", restore or version)):
        program = folder / name
        program.write_text(f'#!/bin/sh\necho "{name} (PostgreSQL) {reported} (Debian {reported}-1)"\n')
        program.chmod(0o755)
    return folder


@pytest.fixture
def packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for installed programs, with Debian's layout."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(locate, "PACKAGED", tmp_path)
    monkeypatch.setattr(locate, "_embedded", lambda: None)
    return tmp_path


def test_the_closest_version_that_is_not_older_is_used(packaged: Path) -> None:
    for version in ("15.14", "17.6", "16.9", "16.10", "18.1"):
        install(packaged / version / "bin", version)
    taken = {major: find(major, requires_tls=True).version for major in (13, 15, 16, 17, 18)}
    assert taken == {13: "15.14", 15: "15.14", 16: "16.10", 17: "17.6", 18: "18.1"}
    with pytest.raises(
        ProgramNotFound, match=r"PostgreSQL 19 and needs a pg_dump of 19 or newer; here is only 15\.14"
    ):
        find(19, requires_tls=False)


def test_a_newer_pg_dump_says_where_its_backup_loads(packaged: Path) -> None:
    install(packaged / "17" / "bin", "17.6")
    assert "only promised to load into 17" in find(15, requires_tls=False).message
    assert "promised" not in find(17, requires_tls=False).message


def test_pg_dump_and_pg_restore_must_have_the_same_version(packaged: Path) -> None:
    install(packaged / "17" / "bin", "17.6", restore="16.10")
    with pytest.raises(ProgramNotFound, match="here is none"):
        find(15, requires_tls=False)


def test_a_configured_folder_is_the_only_one_searched(packaged: Path) -> None:
    install(packaged / "18" / "bin", "18.1")
    named = install(packaged / "own", "16.10")
    assert find(16, requires_tls=True, folder=str(named)).version == "16.10"
    with pytest.raises(ProgramNotFound, match=r"The configured pg_dump is 16\.10, older than the server"):
        find(17, requires_tls=True, folder=str(named))
    with pytest.raises(ProgramNotFound, match="has no working pg_dump"):
        find(17, requires_tls=True, folder=str(packaged / "nowhere"))


def test_client_programs_with_a_known_vulnerability_are_noted(packaged: Path) -> None:
    install(packaged / "16" / "bin", "16.9")
    assert "CVE-2025-8714" in find(16, requires_tls=False).message
    install(packaged / "17" / "bin", "17.6")
    assert "CVE" not in find(17, requires_tls=False).message


def test_debians_pg_wrapper_is_not_used(packaged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(packaged / "on-path", "18.1")
    (packaged / "on-path" / "pg_dump").rename(packaged / "on-path" / "pg_wrapper")
    (packaged / "on-path" / "pg_dump").symlink_to("pg_wrapper")
    monkeypatch.setenv("PATH", str(packaged / "on-path"))
    with pytest.raises(ProgramNotFound, match="here is none"):
        find(15, requires_tls=False)


def test_the_embedded_programs_are_not_used_for_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(locate, "PACKAGED", tmp_path)
    assert not find(18, requires_tls=False).tls
    with pytest.raises(ProgramNotFound, match=r"asks for TLS, and the embedded pg_dump .* cannot encrypt"):
        find(18, requires_tls=True)


def without_tls(folder: Path) -> None:
    """Make its pg_dump one that was built without TLS, and says so as libpq does."""
    version = (folder / "pg_dump").read_text().splitlines()[1]
    says = 'echo "sslmode value require invalid when SSL support is not compiled in" >&2; exit 1'
    (folder / "pg_dump").write_text(f'#!/bin/sh\n[ "$1" = --version ] || {{ {says}; }}\n{version}\n')


def test_programs_without_tls_are_passed_over_where_the_address_asks_for_it(packaged: Path) -> None:
    without_tls(install(packaged / "16" / "bin", "16.10"))
    install(packaged / "17" / "bin", "17.6")
    assert find(16, requires_tls=True).version == "17.6"
    chosen = find(16, requires_tls=False)
    assert (chosen.version, chosen.tls) == ("16.10", False)
    assert "It cannot encrypt" in chosen.message


def test_a_configured_folder_without_tls_is_refused_where_the_address_asks_for_it(packaged: Path) -> None:
    named = install(packaged / "own", "16.10")
    without_tls(named)
    assert find(16, requires_tls=False, folder=str(named)).version == "16.10"
    with pytest.raises(ProgramNotFound, match=r"pg_dump 16\.10 in .* was built without it"):
        find(16, requires_tls=True, folder=str(named))


def test_only_programs_without_tls_are_named_as_such(packaged: Path) -> None:
    without_tls(install(packaged / "16" / "bin", "16.10"))
    with pytest.raises(ProgramNotFound, match=r"only 16\.10, which .* or which cannot encrypt"):
        find(16, requires_tls=True)
