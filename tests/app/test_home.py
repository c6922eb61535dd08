"""The files in the state directory."""

from pathlib import Path

import msgspec
import pytest

from kilo_gateway.app.home import CachedList, Home, read_lists, write_whole
from kilo_gateway.catalog.source import Listed


def test_every_file_lies_in_the_home(tmp_path: Path) -> None:
    home = Home(tmp_path)
    paths = {home.rights, home.spool, home.database, home.prices, home.models}
    assert len(paths) == 5
    assert all(path.parent == tmp_path for path in paths)


def test_lists_come_back_as_they_were_written(tmp_path: Path) -> None:
    lists = {"a": CachedList("http://a", (Listed(id="m", context=100),))}
    write_whole(tmp_path / "models.cache", msgspec.msgpack.encode(lists))
    assert read_lists(tmp_path / "models.cache") == lists


@pytest.mark.parametrize("content", [b"", b"\x00\xff", b"{}", msgspec.msgpack.encode({"a": 1})])
def test_a_file_of_another_version_counts_as_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "models.cache"
    assert read_lists(path) == {}
    path.write_bytes(content)
    assert read_lists(path) == {}


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.cache"
    write_whole(path, b"old" * 1000)
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert [file.name for file in tmp_path.iterdir()] == ["x.cache"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x.cache"
    write_whole(path, b"old")
    (tmp_path / "x.new").mkdir()
    with pytest.raises(OSError, match=r"x\.new"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
