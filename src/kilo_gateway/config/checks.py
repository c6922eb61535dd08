"""What no single type can tell: vendors, URLs, dialects of this release, aliases that go in circles, credentials."""

import re
import stat
from collections import deque
from collections.abc import Iterator, Mapping, Set
from pathlib import Path as FilePath

import msgspec

from kilo_gateway.config.compile import is_at_home
from kilo_gateway.config.problem import Finding, Path
from kilo_gateway.config.schema import Settings, UpstreamSettings
from kilo_gateway.config.secrets import SecretError, is_literal, resolve
from kilo_gateway.config.words import closest
from kilo_gateway.upstreams.profiles import Profile, key_variable, profiles, url_of
from kilo_gateway.upstreams.signing import aws_keys
from kilo_gateway.upstreams.target import parse_target

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# The client writes these itself; a second one would break the framing or the routing of the request.
_OWN_HEADERS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"}
)


class Surroundings(msgspec.Struct, frozen=True):
    """What settings refer to: the environment, the directory of relative paths, the file itself (None: none)."""

    environ: Mapping[str, str]
    base: FilePath
    file: FilePath | None = None


def vendor_of(upstream: UpstreamSettings) -> Profile | None:
    """The vendor's row that holds for an upstream: the named one, the one of its name, "custom"; None if unknown."""
    rows = profiles()
    if upstream.vendor:
        return rows.get(upstream.vendor)
    return rows.get(upstream.name, rows["custom"])


def check(
    settings: Settings, surroundings: Surroundings, *, dropped: Set[Path] = frozenset()
) -> list[Finding]:
    """All findings. `dropped` are paths of list items that the settings lack, so that places stay right."""
    places = _places(len(settings.upstreams), dropped)
    findings = list(_same_names(settings, places))
    for upstream, place in zip(settings.upstreams, places, strict=True):
        findings += _upstream(upstream, place, surroundings)
    findings += _aliases(settings)
    findings += _unresolved(
        settings.state.database, ("state", "database"), surroundings, is_header=False
    )
    findings += _exposed(settings, places, surroundings)
    return findings


def _places(count: int, dropped: Set[Path]) -> list[Path]:
    """Where the kept upstreams stand in the file."""
    every: list[Path] = [("upstreams", number) for number in range(count + len(dropped))]
    return [place for place in every if place not in dropped][:count]


def _same_names(settings: Settings, places: list[Path]) -> Iterator[Finding]:
    seen: set[str] = set()
    for upstream, place in zip(settings.upstreams, places, strict=True):
        if upstream.name in seen:
            yield Finding((*place, "name"), f'another upstream is called "{upstream.name}"')
        seen.add(upstream.name)


def _upstream(
    upstream: UpstreamSettings, place: Path, surroundings: Surroundings
) -> Iterator[Finding]:
    profile = vendor_of(upstream)
    if profile is None:
        names = [name for name, row in profiles().items() if "built_in" not in row.quirks]
        near = closest(upstream.vendor, names)
        yield Finding((*place, "vendor"), f'there is no vendor "{upstream.vendor}"', near)
    elif "built_in" in profile.quirks:
        key = "vendor" if upstream.vendor else "name"
        yield Finding((*place, key), f'"{profile.name}" is built in: choose another name')
    elif upstream.enabled:
        yield from _models(upstream, profile, place)
        yield from _key(upstream, profile, place, surroundings)
    if upstream.enabled:
        yield from _url(upstream, profile, place, surroundings)
        yield from _headers(upstream, place, surroundings)


def _models(upstream: UpstreamSettings, profile: Profile, place: Path) -> Iterator[Finding]:
    # A vendor without a URL of its own and without a list has nothing that could be known beforehand.
    is_everywhere = not profile.base_url or "{" in profile.base_url
    if upstream.models is None and "no_models_list" in profile.quirks and is_everywhere:
        message = f"vendor {profile.name} has no list of models to ask for: name them here"
        yield Finding((*place, "models"), message)


def _key(
    upstream: UpstreamSettings, profile: Profile, place: Path, surroundings: Surroundings
) -> Iterator[Finding]:
    path = (*place, "api_key")
    if upstream.api_key:
        yield from _unresolved(upstream.api_key, path, surroundings)
    elif profile.auth != "none" and profile.env:
        names = " or ".join(profile.env)
        # A vendor's key goes to the vendor alone, so another address needs one of its own.
        if profile.auth == "aws" and aws_keys(surroundings.environ, "") is not None:
            return
        if not is_at_home(upstream.base_url, profile):
            message = f"no api_key, and {names} is not sent to a base_url of your own"
        elif key_variable(profile, surroundings.environ) is None:
            message = f"no api_key, and {names} is not set"
        else:
            return
        yield Finding(path, f"{message}: calls go out without a credential", severity="warning")


def _url(
    upstream: UpstreamSettings,
    profile: Profile | None,
    place: Path,
    surroundings: Surroundings,
) -> Iterator[Finding]:
    url = upstream.base_url or (url_of(profile, surroundings.environ) if profile else "")
    if not url:
        if profile is not None and "built_in" not in profile.quirks:
            hint = f"; {profile.note}" if profile.note else ""
            yield Finding((*place, "base_url"), f"base_url is missing{hint}")
        return
    try:
        parse_target(upstream.name, url)
    except ValueError as error:
        yield Finding((*place, "base_url"), str(error))
        return
    ca_file = str(surroundings.base / FilePath(upstream.ca_file)) if upstream.ca_file else None
    if ca_file is not None and not FilePath(ca_file).is_file():
        yield Finding((*place, "ca_file"), f"there is no file {ca_file}")
        return
    if upstream.proxy:
        yield from _proxy(upstream.proxy, url, (*place, "proxy"), surroundings)


def _proxy(reference: str, url: str, path: Path, surroundings: Surroundings) -> Iterator[Finding]:
    unresolved = list(_unresolved(reference, path, surroundings, is_header=False))
    yield from unresolved
    if unresolved:
        return
    environ, base = surroundings.environ, surroundings.base
    proxy = resolve(reference, environ=environ, base=base, is_header=False)
    try:
        parse_target("proxy", url, proxy=proxy.reveal())
    except ValueError as error:
        yield Finding(path, str(error))


def _headers(
    upstream: UpstreamSettings, place: Path, surroundings: Surroundings
) -> Iterator[Finding]:
    for name, value in upstream.headers.items():
        path = (*place, "headers", name)
        if not _HEADER_NAME.fullmatch(name):
            yield Finding(path, "this is not the name of an HTTP header")
        elif name.lower() in _OWN_HEADERS:
            yield Finding(path, "the gateway sets this header itself")
        yield from _unresolved(value, path, surroundings)


def _unresolved(
    reference: str, path: Path, surroundings: Surroundings, *, is_header: bool = True
) -> Iterator[Finding]:
    environ, base = surroundings.environ, surroundings.base
    try:
        resolve(reference, environ=environ, base=base, is_header=is_header)
    except SecretError as error:
        yield Finding(path, str(error), error.suggestion)


def _aliases(settings: Settings) -> Iterator[Finding]:
    """Aliases from which a way leads back to themselves."""
    targets = {
        name: (target,) if isinstance(target, str) else target
        for name, target in settings.aliases.items()
    }
    for name in targets:
        circle = _circle(name, targets)
        if circle:
            yield Finding(
                ("aliases", name), "the alias leads back to itself: " + " > ".join(circle)
            )


def _circle(start: str, targets: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The shortest way from an alias back to itself, [] if there is none."""
    ways = deque([[start]])
    seen: set[str] = set()
    while ways:
        way = ways.popleft()
        for target in targets.get(way[-1], ()):
            if target == start:
                return [*way, start]
            if target not in seen:
                seen.add(target)
                ways.append([*way, target])
    return []


def _exposed(
    settings: Settings, places: list[Path], surroundings: Surroundings
) -> Iterator[Finding]:
    """Credentials written into a file that everybody on the machine may read."""
    if surroundings.file is None:
        return
    try:
        mode = surroundings.file.stat().st_mode
    except OSError:  # already reported by whoever reads it
        return
    if not mode & stat.S_IROTH:
        return
    for upstream, place in zip(settings.upstreams, places, strict=True):
        if is_literal(upstream.api_key):
            message = 'a key in a file that everybody may read: use "env:NAME", or chmod 600'
            yield Finding((*place, "api_key"), message, severity="warning")
