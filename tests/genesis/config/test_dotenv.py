"""`.env` files: what they say and what an untrusted one may set."""

import os

import pytest

from genesis.config.dotenv import (
    for_service,
    parse_dotenv,
    read_dotenv,
    safe_name,
    trusted_by_folder,
)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("A=b", "b"),
        ("export A=b", "b"),
        ("  A = b  ", "b"),
        ("A=b # why", "b"),
        ("A=b#c", "b#c"),
        ('A="b # c"', "b # c"),
        ('A="b" # why', "b"),
        ("A='b' # why", "b"),
        ('A=`b"c`', 'b"c'),
        ('A="b\\nc"', "b\nc"),
        ('A="b\nc"', "b\nc"),
        ("A='b\\nc'", "b\\nc"),
        ('A="b \\"c\\""', 'b "c"'),
        ("A=", ""),
        ("A=''", ""),
        ("A=x=y", "x=y"),
        ("A=$B ${B}", "$B ${B}"),
        ('A="open', '"open'),
        ("A=1\r\nB=2\r\n", "1"),
        ("A=1\nA=2", "2"),
    ],
)
def test_values(line, expected):
    assert parse_dotenv(line)["A"] == expected


def test_comments_and_nonsense_set_nothing():
    assert parse_dotenv("# A=1\n\nhello\n1A=x\n-B=2\n  # C=3") == {}


def test_L6_an_untrusted_file_sets_only_harmless_names():
    names = ["GENESIS_STATE_DIR", "ANTHROPIC_BASE_URL", "HTTP_PROXY", "NODE_OPTIONS", "SAFE_KEY"]
    names += ["https_proxy", "OPENAI_API_KEY", "PATH", "PYTHONSTARTUP", "LD_PRELOAD", "MY_API_HOST"]
    names += ["KILOCODE_BASE_URL", "HOME", "XDG_CONFIG_HOME", "GIT_SSH_COMMAND", "KILOCODE_API_KEY"]
    assert list(trusted_by_folder(dict.fromkeys(names, "x"))) == ["SAFE_KEY", "KILOCODE_API_KEY"]


def test_L39_a_service_gets_safe_names_with_values():
    assert for_service({"NODE_OPTIONS": "--x", "EMPTY": "", "VALID": "ok"}) == {"VALID": "ok"}


@pytest.mark.parametrize(
    "name", ["HOME", "SHELL", "PATH", "PYTHONPATH", "BASH_ENV", "A-B", "1A", "A B", ""]
)
def test_unsafe_names(name):
    assert not safe_name(name)


def test_what_is_no_readable_file_sets_nothing(tmp_path):
    assert read_dotenv(tmp_path / "none") == {}
    assert read_dotenv(tmp_path) == {}
    os.mkfifo(tmp_path / "pipe")
    assert read_dotenv(tmp_path / "pipe") == {}
    (tmp_path / "binary").write_bytes(b"A=\xff\x00\nB=1")
    assert read_dotenv(tmp_path / "binary")["B"] == "1"
