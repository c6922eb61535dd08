"""`.env` files: `NAME=value` lines, and which names an untrusted folder may not set (genesis.md 14)."""

import re
from collections.abc import Mapping
from pathlib import Path

_LARGEST_BYTES = 1024 * 1024
_ENTRY = re.compile(
    r"^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*"
    r"""(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|`([^`]*)`|([^\n]*))""",
    re.MULTILINE | re.DOTALL,
)
# What steers programs, networks or Genesis itself is not for a folder that somebody else may have written.
_UNTRUSTED = re.compile(
    r"^(?:GENESIS_.*|ANTHROPIC_.*|OPENAI_.*|.*_BASE_URL|.*_API_HOST|(?:HTTPS?|ALL|NO|FTP)_PROXY|NODE_.*|NPM_.*"
    r"|PYTHON.*|RUBY.*|PERL.*|JAVA_TOOL_OPTIONS|LD_.*|DYLD_.*|BASH_ENV|ENV|ZDOTDIR|SHELLOPTS|PS4|PROMPT_COMMAND|IFS"
    r"|.*PATH|HOME|SHELL|TMPDIR|XDG_.*|SSL_CERT_.*|SSLKEYLOGFILE|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|GIT_.*|EDITOR|VISUAL"
    r"|PAGER|BROWSER)$",
    re.IGNORECASE,
)
_DANGEROUS = re.compile(
    r"^(?:HOME|SHELL|.*PATH|BASH_ENV|ENV|ZDOTDIR|NODE_OPTIONS|PYTHON(?:STARTUP|HOME|INSPECT|BREAKPOINT)|LD_.*|DYLD_.*|PS4"
    r"|SHELLOPTS|PROMPT_COMMAND|IFS)$",
    re.IGNORECASE,
)
_PORTABLE = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")


def read_dotenv(path: Path) -> dict[str, str]:
    """The variables of a file; {} if there is none or it cannot be read. A pipe is no file: it would never end."""
    if not path.is_file():
        return {}
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST_BYTES).decode("utf-8", "replace")
    except OSError:
        return {}
    return parse_dotenv(text)


def parse_dotenv(text: str) -> dict[str, str]:
    """The variables of a text. A value in quotes may have several lines; outside of quotes ` #` begins a comment."""
    found: dict[str, str] = {}
    for match in _ENTRY.finditer(text.replace("\r\n", "\n")):
        name, double, single, back, bare = match.groups()
        if double is not None:
            value = double.replace("\\n", "\n").replace("\\r", "\r").replace('\\"', '"')
        else:
            value = next((quoted for quoted in (single, back) if quoted is not None), None)
        found[name] = value if value is not None else bare.partition(" #")[0].strip()
    return found


def trusted_by_folder(variables: Mapping[str, str]) -> dict[str, str]:
    """What a `.env` of the working folder may set."""
    return {name: value for name, value in variables.items() if not _UNTRUSTED.match(name)}


def for_service(variables: Mapping[str, str]) -> dict[str, str]:
    """What of a file may join a service's environment: safe names with a value."""
    return {name: value for name, value in variables.items() if safe_name(name) and value.strip()}


def safe_name(name: str) -> bool:
    """May the settings' `env` block, or a service's environment, set this name?"""
    return _PORTABLE.match(name) is not None and _DANGEROUS.match(name) is None
