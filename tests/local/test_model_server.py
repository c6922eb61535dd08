"""The child process of the built-in model, without the model."""

import os
import subprocess
import sys

import msgspec
import pytest

from kilo_gateway.local.model_server import ModelSettings, thread_count

COMMAND = [sys.executable, "-P", "-m", "kilo_gateway.local.model_server"]
SETTINGS = ModelSettings(
    model_path="/no/such/file.gguf",
    model_id="m",
    port=0,
    api_key="secret",
    threads=1,
    context=256,
    slots=1,
    parent_pid=os.getpid(),
)


def run(settings: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(COMMAND, input=settings, capture_output=True, timeout=30, check=False)


@pytest.mark.parametrize(
    ("threads", "cores", "count"), [(0, 2, 1), (0, 64, 8), (0, 1, 1), (3, 64, 3), (16, 2, 16)]
)
def test_threads_are_as_told_or_leave_one_core_free(threads: int, cores: int, count: int) -> None:
    assert thread_count(threads, cores) == count


def test_unreadable_settings_end_it() -> None:
    assert run(b"{}\n").returncode == 1


def test_it_ends_at_once_if_its_parent_is_gone_already() -> None:
    orphan = msgspec.structs.replace(SETTINGS, parent_pid=1)
    done = run(msgspec.json.encode(orphan) + b"\n")
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")


@pytest.mark.real_model
def test_weights_that_cannot_be_loaded_end_it_without_a_word_of_the_key() -> None:
    pytest.importorskip("xllamacpp", reason="the local extra is not installed")
    done = run(msgspec.json.encode(SETTINGS) + b"\n")
    assert done.returncode == 1
    assert b"ready" not in done.stdout
    assert b"secret" not in done.stdout + done.stderr
