"""A change of the file is seen once."""

import os
from pathlib import Path

from kilo_gateway.config.watch import Watch


def test_a_file_that_stays_is_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("a = 1")
    watch = Watch(path)
    assert not watch.changed()
    assert not watch.changed()


def test_new_content_is_seen_once(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("a = 1")
    watch = Watch(path)
    path.write_text("a = 22")
    assert watch.changed()
    assert not watch.changed()


def test_same_size_at_another_time_is_a_change(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("a = 1")
    watch = Watch(path)
    os.utime(path, ns=(1, 1))
    assert watch.changed()


def test_a_file_renamed_into_place_is_a_change(tmp_path: Path) -> None:
    path, other = tmp_path / "c.toml", tmp_path / "d.toml"
    for each in (path, other):
        each.write_text("a = 1")
        os.utime(each, ns=(1, 1))
    watch = Watch(path)
    other.replace(path)
    assert watch.changed()


def test_appearing_and_vanishing_are_changes(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    watch = Watch(path)
    assert not watch.changed()
    path.write_text("a = 1")
    assert watch.changed()
    path.unlink()
    assert watch.changed()
    assert not watch.changed()
