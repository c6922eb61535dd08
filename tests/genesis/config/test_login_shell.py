"""The real login shell."""

import time

import pytest

from genesis.config import login_shell
from genesis.config.login_shell import run_login_shell


def script(tmp_path, body):
    file = tmp_path / "shell"
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o700)
    return str(file)


def test_a_real_shell_prints_its_environment():
    printed = run_login_shell(
        "/bin/sh", {"HOME": "/", "PATH": "/usr/bin:/bin", "A": "b\nc"}, 20, time.monotonic
    )
    assert b"A=b\nc\0" in printed


def test_a_shell_that_never_ends_is_stopped_with_its_children(tmp_path):
    shell = script(tmp_path, "sleep 600 & sleep 600")
    with pytest.raises(TimeoutError, match=r"took longer than 0\.05 s"):
        run_login_shell(shell, {"PATH": "/usr/bin:/bin"}, 0.05, time.monotonic)


def test_a_shell_that_closes_its_output_and_stays_is_stopped(tmp_path):
    shell = script(tmp_path, "exec >&-; exec sleep 600")
    with pytest.raises(TimeoutError):
        run_login_shell(shell, {"PATH": "/usr/bin:/bin"}, 0.2, time.monotonic)


def test_too_much_output_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(login_shell, "LARGEST_BYTES", 1000)
    with pytest.raises(OSError, match="more than 1000 bytes"):
        run_login_shell(script(tmp_path, "yes"), {"PATH": "/usr/bin:/bin"}, 20, time.monotonic)


def test_a_failing_shell_is_an_error(tmp_path):
    with pytest.raises(OSError, match="ended with code 3"):
        run_login_shell(script(tmp_path, "exit 3"), {}, 20, time.monotonic)
    with pytest.raises(FileNotFoundError):
        run_login_shell(str(tmp_path / "none"), {}, 20, time.monotonic)
