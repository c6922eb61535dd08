"""The search's own process: what it finds, and what it never looks into."""

import os
import subprocess
import sys

import msgspec
import pytest

from genesis.tools.searching import LARGEST_FILE, Job, findings


@pytest.fixture
def search(tmp_path):
    def run(pattern="", glob="", start=".", *, limit=100, is_case_ignored=False, protected=()):
        kept = tuple(str(tmp_path / one) for one in protected)
        where = str(tmp_path / start)
        job = Job(str(tmp_path), where, pattern, glob, is_case_ignored, limit, kept)
        return list(findings(job))

    return run


def write(folder, **files):
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def test_lines_are_found_in_the_order_of_names(tmp_path, search):
    write(tmp_path, b_dot_txt="one\ntwo\n", a__c_dot_txt="two\r\n")
    assert search("tw.") == ["a/c.txt:1: two", "b.txt:2: two"]
    assert search("TWO") == []
    assert search("TWO", is_case_ignored=True) == ["a/c.txt:1: two", "b.txt:2: two"]


def test_without_a_pattern_names_are_found(tmp_path, search):
    write(tmp_path, a_dot_py="", b_dot_txt="", s__d_dot_py="")
    assert search(glob="*.py") == ["a.py", "s/d.py"]
    assert search(glob="s/*.py") == ["s/d.py"]
    assert search(start="b.txt") == ["b.txt"]


def test_a_limit_is_told(tmp_path, search):
    write(tmp_path, a_dot_txt="x\n" * 5)
    found = search("x", limit=2)
    assert found == [
        "a.txt:1: x",
        "a.txt:2: x",
        "(more than 2 findings; narrow the pattern, the path or the glob)",
    ]
    assert len(search("x", limit=5)) == 5


def test_private_places_ignored_files_and_links_are_left_out(tmp_path, search):
    write(tmp_path, keys__k="hit", out__o="hit", a="hit", _dot_git__c="hit", _dot_gitignore="out/")
    (tmp_path / "link").symlink_to(tmp_path / "keys" / "k")
    assert search("hit", protected=["keys"]) == ["a:1: hit"]


def test_only_text_of_regular_files_is_read(tmp_path, search):
    write(tmp_path, binary=b"hit\0", latin=b"hit \xe9\n", big=b"hit\n" + b"x" * LARGEST_FILE)
    os.mkfifo(tmp_path / "pipe")
    assert search("hit") == ["latin:1: hit \ufffd"]


def test_what_is_shown_of_a_line_is_short_and_safe(tmp_path, search):
    write(tmp_path, a="hit \x1b[31m" + "x" * 1000)
    [line] = search("hit")
    assert line.startswith("a:1: hit ␛[31m")
    assert len(line) < 320


def test_as_a_program_it_reads_a_job_and_writes_lines(tmp_path):
    write(tmp_path, a="one\n")
    job = Job(str(tmp_path), str(tmp_path), "one", "", is_case_ignored=False, limit=5)
    done = subprocess.run(
        [sys.executable, "-m", "genesis.tools.searching"],
        input=msgspec.json.encode(job),
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"a:1: one\n"
