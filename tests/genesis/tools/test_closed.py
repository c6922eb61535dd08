"""A command cannot read the environment of Genesis. Root can: there the test runs as nobody."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

import genesis

CODE = """
import os, sys
sys.path.insert(0, {src!r})
from genesis.tools.closed import close_to_others
if {closes}:
    close_to_others()
reads = "import os; print('CANARY' in open(f'/proc/{{os.getppid()}}/environ').read())"
sys.exit(os.spawnve(os.P_WAIT, sys.executable, [sys.executable, "-c", reads], {{}}))
"""


def read_by_a_child(python: str, *, closes: bool) -> subprocess.CompletedProcess[str]:
    code = CODE.format(src=str(Path(genesis.__file__).parents[1]), closes=closes)
    user = 65534 if os.geteuid() == 0 else None
    return subprocess.run(
        [python, "-c", code],
        env={"CANARY": "1"},
        capture_output=True,
        text=True,
        user=user,
        timeout=30,
        check=False,
    )


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc/PID/environ")
def test_the_environment_is_closed_to_a_command() -> None:
    for python in (sys.executable, "/usr/bin/python3"):
        with suppress(OSError):
            if read_by_a_child(python, closes=False).stdout == "True\n":
                break
    else:
        pytest.skip("there is no Python here that nobody may run")
    closed = read_by_a_child(python, closes=True)
    assert closed.stdout == ""
    assert "PermissionError" in closed.stderr
