"""The daemon's file and lock: who is the daemon, and where it listens."""

import os
import subprocess
import sys

import pytest

from genesis.config.paths import Paths
from genesis.core.fault import GenesisError
from genesis.core.secret import Secret
from genesis.daemon import process

HOLDS = """
import sys
from genesis.config.paths import Paths
from genesis.daemon import process
with process.claimed(Paths.of({"HOME": sys.argv[1]})) as claim:
    claim.publish(process.Running(1234567, "127.0.0.1", 5))
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def paths(tmp_path):
    return Paths.of({"HOME": str(tmp_path)})


def test_without_a_daemon_there_is_none(paths):
    assert process.running(paths) is None
    assert process.stop(paths) is False


def test_the_one_who_holds_the_file_is_the_daemon_once_it_listens(paths):
    with process.claimed(paths) as claim:
        assert process.running(paths) is None
        claim.publish(process.Running(7, "127.0.0.1", 18789, "own"))
        found = process.running(paths)
        assert found == process.Running(7, "127.0.0.1", 18789, "own")
        assert found.access(Secret("settings")).secret == Secret("own")
        assert process.file_of(paths).stat().st_mode & 0o777 == 0o600
    assert process.running(paths) is None


def test_there_is_one_daemon(paths, monkeypatch):
    monkeypatch.setattr(process, "_CLAIM_S", 0)
    with process.claimed(paths) as claim:
        claim.publish(process.Running(7, "127.0.0.1", 1))
        with pytest.raises(GenesisError, match="runs already \\(pid 7\\)"), process.claimed(paths):
            pass


def test_a_daemon_that_was_killed_is_none_whatever_its_file_says(paths, tmp_path):
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout.readline() == "held\n"
        assert process.running(paths) == process.Running(1234567, "127.0.0.1", 5)
        child.kill()
    assert b"1234567" in process.file_of(paths).read_bytes()
    assert process.running(paths) is None
    assert process.stop(paths) is False
    with process.claimed(paths):
        assert process.running(paths) is None


def test_a_file_that_is_not_ours_is_no_daemon(paths):
    paths.state_dir.mkdir()
    process.file_of(paths).write_text(f'{{"pid": {os.getpid()}, "host": "127.0.0.1", "port": 1}}')
    assert process.running(paths) is None
    assert process.stop(paths) is False


def test_a_daemon_that_ends_at_once_says_why(paths):
    with pytest.raises(GenesisError, match=r'gateway\.mode is not "local"'):
        process.start(paths, [])
    assert process.log_file(paths).stat().st_mode & 0o777 == 0o600


def test_an_old_log_is_put_aside(paths, monkeypatch):
    monkeypatch.setattr(process, "MOST_LOG_BYTES", 10)
    paths.logs.mkdir(parents=True)
    process.log_file(paths).write_text("x" * 100)
    with pytest.raises(GenesisError):
        process.start(paths, [])
    assert process.log_file(paths).with_name("gateway.log.1").read_text() == "x" * 100
