"""Private files."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from genesis.config.files import back_up, locked, make_private_dir, write_private


def mode(path):
    return path.stat().st_mode & 0o777


def test_a_file_and_its_new_folders_are_private(tmp_path):
    file = tmp_path / "a" / "b" / "f.json"
    write_private(file, "x")
    assert (mode(file), mode(file.parent), mode(file.parent.parent)) == (0o600, 0o700, 0o700)


def test_a_file_that_others_could_read_becomes_private(tmp_path):
    file = tmp_path / "f"
    file.write_text("old")
    file.chmod(0o644)
    write_private(file, "new")
    assert (file.read_text(), mode(file)) == ("new", 0o600)


def test_a_folder_that_is_there_keeps_its_mode(tmp_path):
    tmp_path.chmod(0o755)
    make_private_dir(tmp_path)
    assert mode(tmp_path) == 0o755


def test_a_link_stays_a_link(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    link.symlink_to(real)
    write_private(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_a_failure_leaves_the_old_file_and_no_draft(tmp_path, monkeypatch):
    file = tmp_path / "f"
    write_private(file, "old")
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk")))
    with pytest.raises(OSError, match="disk"):
        write_private(file, "new")
    assert [path.name for path in tmp_path.iterdir()] == ["f"]
    assert file.read_text() == "old"


def test_five_backups_are_kept(tmp_path):
    file = tmp_path / "f"
    for number in range(8):
        back_up(file)
        write_private(file, str(number))
    kept = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert kept == {
        "f": "7",
        "f.bak": "6",
        "f.bak.1": "5",
        "f.bak.2": "4",
        "f.bak.3": "3",
        "f.bak.4": "2",
    }
    assert mode(tmp_path / "f.bak.4") == 0o600


def test_a_backup_is_the_same_bytes(tmp_path):
    file = tmp_path / "f"
    file.write_bytes(b"\xff\r\n")
    back_up(file)
    assert (tmp_path / "f.bak").read_bytes() == b"\xff\r\n"


def test_two_writers_lose_no_change(tmp_path):
    file = tmp_path / "f"
    write_private(file, "0")

    def add_one():
        for _ in range(20):
            with locked(file):
                write_private(file, str(int(file.read_text()) + 1))

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(add_one), pool.submit(add_one)]:
            done.result(30)
    assert file.read_text() == "40"
