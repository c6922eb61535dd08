"""`.env` files: `NAME=value` lines, and which names an untrusted folder may not set (genesis.md 14)."""

import re
from collections.abc import Mapping
from pathlib import Path

_LARGEST_BYTES = 1024 * 1024
_LINE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$")
# What steers programs, networks or Genesis itself is not for a folder that somebody else may have written.
_UNTRUSTED = re.compile(
    r"^(?:GENESIS_.*|ANTHROPIC_.*|OPENAI_.*|.*_BASE_URL|.*_API_HOST|(?:HTTPS?|ALL|NO|FTP)_PROXY|NODE_.*|NPM_.*"
    r"|PYTHON.*|LD_.*|DYLD_.*|BASH_ENV|ENV|ZDOTDIR|SHELLOPTS|PS4|PROMPT_COMMAND|IFS|PATH|HOME|SHELL|TMPDIR|XDG_.*"
    r"|SSL_CERT_.*|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|GIT_.*|EDITOR|VISUAL|PAGER)$",
    re.IGNORECASE,
)
_DANGEROUS = re.compile(
    r"^(?:HOME|SHELL|PATH|.*PATH|BASH_ENV|ENV|ZDOTDIR|NODE_OPTIONS|LD_.*|DYLD_.*|PS4|SHELLOPTS|IFS)$",
    re.IGNORECASE,
)
_PORTABLE = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")


def read_dotenv(path: Path) -> dict[str, str]:
    """The variables of a file; {} if there is none or it cannot be read."""
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST_BYTES).decode("utf-8", "replace")
    except OSError:
        return {}
    return parse_dotenv(text)


def parse_dotenv(text: str) -> dict[str, str]:
    """The variables of a text. Quotes around a value are taken off; ` #` begins a comment outside of them."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is not None and not line.lstrip().startswith("#"):
            found[match[1]] = _value(match[2])
    return found


def trusted_by_folder(variables: Mapping[str, str]) -> dict[str, str]:
    """What a `.env` of the working folder may set."""
    return {name: value for name, value in variables.items() if not _UNTRUSTED.match(name)}


def safe_name(name: str) -> bool:
    """May the settings' `env` block, or a service's environment, set this name?"""
    return _PORTABLE.match(name) is not None and _DANGEROUS.match(name) is None


def _value(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'`":
        body = text[1:-1]
        return body.replace("\\n", "\n") if text[0] == '"' else body
    return text.partition(" #")[0].rstrip()
