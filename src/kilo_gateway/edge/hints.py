"""Attribution and routing hints in the headers of a request (gateway.md 3)."""

import re

from kilo_gateway.core.call import Hints
from kilo_gateway.edge.request import HeaderMap

_VALUE_CHARACTERS = 500
_PROJECT_CHARACTERS = 256
_DEFAULT_FEATURE = "direct-gateway"
_OWN_CLIENT = b"Kilo-Code/"

FEATURES = frozenset(
    """vscode-extension jetbrains-extension jetbrains-plugin autocomplete parallel-agent managed-indexing cli desktop
    daemon cloud-agent cloud-agent-web code-review code-review-memory auto-triage autofix app-builder agent-manager
    security-agent security-remediation slack discord github linear bot webhook scheduled kiloclaw openclaw
    direct-gateway quick-chat embeddings kiloclaw-embedding openclaw-embedding gastown mobile-voice-input
    tool-summary-translation genesis""".split()  # noqa: SIM905 - a table is read, not a list of quotes
)

_NAMES = frozenset(
    {
        b"x-kilocode-feature",
        b"x-kilocode-taskid",
        b"x-kilo-session",
        b"x-kilo-request",
        b"x-kilocode-mode",
        b"x-kilocode-projectid",
        b"x-kilocode-version",
        b"x-kilocode-editorname",
        b"x-kilocode-machineid",
    }
)
_REPOSITORY = re.compile(r"(?:https?://[^\s?#/]+/[^\s?#]*|git@[^\s:]+:[^\s]+)")
_VERSION = re.compile(r"(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?(?:-[0-9A-Za-z.-]+)?(?=\s|$)")


def read_hints(headers: HeaderMap) -> Hints:
    """All hints of a request; each value is cut to 500 characters and trimmed, an empty one is absent."""
    agent = headers.get(b"user-agent", b"")
    if _NAMES.isdisjoint(headers) and not agent.startswith(_OWN_CLIENT):
        return _STRANGER
    return Hints(
        feature=_feature(_value(headers, b"x-kilocode-feature"), agent),
        session=_value(headers, b"x-kilocode-taskid") or _value(headers, b"x-kilo-session"),
        message=_value(headers, b"x-kilo-request"),
        mode=_value(headers, b"x-kilocode-mode"),
        project=project_name(headers.get(b"x-kilocode-projectid")),
        client_version=client_version(_value(headers, b"x-kilocode-version"), agent),
        editor=_value(headers, b"x-kilocode-editorname"),
        machine=_value(headers, b"x-kilocode-machineid"),
    )


_STRANGER = Hints(feature=_DEFAULT_FEATURE)


def _value(headers: HeaderMap, name: bytes) -> str | None:
    raw = headers.get(name)
    if raw is None:
        return None
    return raw.decode("latin-1")[:_VALUE_CHARACTERS].strip() or None


def _feature(value: str | None, agent: bytes) -> str | None:
    if value is not None:
        name = value.lower()
        return name if name in FEATURES else None
    return None if agent.startswith(_OWN_CLIENT) else _DEFAULT_FEATURE


def project_name(raw: bytes | None) -> str | None:
    """A project id: 256 characters at most; of a repository's address only the last segment, without `.git`."""
    if not raw:
        return None
    text = raw.decode("latin-1")[:_PROJECT_CHARACTERS]
    if not _REPOSITORY.fullmatch(text):
        return text
    name = re.split(r"[/:]", text.rstrip("/"))[-1]
    return re.sub(r"\.git$", "", name, flags=re.IGNORECASE) or text


def client_version(header: str | None, agent: bytes) -> float | None:
    """A client's version as major + minor/1000 + patch/1,000,000: 4.65.3 is 4.065003. None if it is none."""
    text = header
    if text is None and agent.startswith(_OWN_CLIENT):
        text = agent[len(_OWN_CLIENT) :].decode("latin-1")
    match = _VERSION.match(text) if text else None
    if match is None:
        return None
    major, minor, patch = (int(part or 0) for part in match.groups())
    return round(major + minor / 1000 + patch / 1_000_000, 6)
