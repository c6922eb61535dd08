"""Nothing in the repository names a package registry's host, or a path of the machine where it was written."""

import re
import subprocess

import pytest

from tests.architecture.trees import ROOT

# Put together here, so that this file does not hold what it looks for.
HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs"),
        ("registry", "yarnpkg"),
        ("deb", "debian", "org"),
        ("archive", "ubuntu", "com"),
        ("proxy", "golang", "org"),
        ("crates", "io"),
    )
]
PATHS = [f"/{top}/" for top in ("work", "root", "tmp/w")]
FORBIDDEN = re.compile(
    "|".join([*map(re.escape, HOSTS), *(rf"(?<![\w.}}]){re.escape(path)}" for path in PATHS)])
)
PICTURES = {".png", ".ico", ".woff2", ".gz"}


def tracked_files():
    """What is tracked, and what would be with the next commit."""
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    names = done.stdout.decode().split("\0")[:-1]
    paths = [ROOT / name for name in names] or list((ROOT / "src").rglob("*.py"))
    return [path for path in paths if path.is_file() and path.suffix not in PICTURES]


def found_in(text):
    return sorted({match.group() for match in FORBIDDEN.finditer(text)})


def test_no_file_names_a_registry_or_a_path_of_this_machine():
    found = {}
    for path in tracked_files():
        words = found_in(path.read_text(errors="replace"))
        if words:
            found[path.relative_to(ROOT).as_posix()] = words
    assert found == {}


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_would_be_found(host):
    assert found_in(f"see https://{host}/simple") == [host]


@pytest.mark.parametrize("path", PATHS)
def test_a_path_would_be_found(path):
    assert found_in(f"cd {path}main") == [path]
    assert found_in(f"https://example.net{path}main") == []
