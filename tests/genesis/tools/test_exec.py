"""exec: output, limits, and that nothing is left behind."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from genesis.tools.exec import Output, run_command
from genesis.tools.workspace import ToolError
from tests.genesis.tools.desk import context, prepared, run, text


async def executed(root: Path, command: str) -> tuple[str, bool]:
    result = await run(root, "exec", msgspec.json.encode({"command": command}).decode())
    return text(result), result.is_error


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("echo hi; echo err >&2", ("hi\nerr", False)),
        ("true", ("(no output)", False)),
        ("echo x; exit 3", ("x\n(exit code 3)", True)),
        ("kill -9 $$", ("(no output)\n(signal 9)", True)),
        ("cat", ("(no output)", False)),
        ("printf '\\033[31mred\\033[0m\\a'", ("red␇", False)),
    ],
)
async def test_output(tmp_path: Path, command: str, expected: tuple[str, bool]) -> None:
    assert await executed(tmp_path, command) == expected


async def test_it_runs_in_the_workspace_with_the_given_environment(tmp_path: Path) -> None:
    assert (await executed(tmp_path, "pwd"))[0] == str(tmp_path)
    assert "KILOCODE_API_KEY" not in (await executed(tmp_path, "env"))[0]


async def test_it_is_stopped_at_its_limit_with_what_it_said(tmp_path: Path) -> None:
    result = await run_command("echo begun; sleep 1000", context(tmp_path), 0.3)
    assert result.is_error
    assert text(result) == "begun\n(stopped: it ran longer than 0.3 s)"


async def test_what_it_leaves_running_ends_with_it(tmp_path: Path) -> None:
    await ended((await executed(tmp_path, "sleep 1000 >/dev/null 2>&1 & echo $!"))[0])


async def ended(pid: str) -> None:
    """Until the process is dead: it was killed, but the kernel takes it away in its own time."""
    async with asyncio.timeout(30):
        while runs(pid):
            await asyncio.sleep(0.01)


def runs(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_cancelling_ends_the_whole_group(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    command = "trap '' TERM; sleep 1000 & echo $! > ready; wait; sleep 1000"
    task = asyncio.ensure_future(run_command(command, context(tmp_path), 60))
    while not (ready.exists() and ready.read_text().strip()):
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await ended(ready.read_text().strip())


@pytest.mark.parametrize("command", ["", " ", "a\0b"])
def test_no_command(tmp_path: Path, command: str) -> None:
    with pytest.raises(ToolError):
        prepared(tmp_path, "exec", msgspec.json.encode({"command": command}).decode())


def test_the_detail_is_the_exact_command(tmp_path: Path) -> None:
    assert prepared(tmp_path, "exec", '{"command":"a\\nb"}').detail == "a\nb"


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_long_output_keeps_its_ends(size: int) -> None:
    output = Output(head=10, tail=10)
    whole = bytes(range(65, 91)) * 4
    for start in range(0, len(whole), size):
        output.add(whole[start : start + size])
    assert output.text() == "ABCDEFGHIJ\n… (84 bytes left out)\nQRSTUVWXYZ"


def test_a_short_output_is_whole() -> None:
    output = Output(head=3, tail=10)
    output.add("aé".encode() + b"bcd")
    assert output.text() == "aébcd"
