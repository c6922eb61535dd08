"""Commands that are asked about whatever the policy says, and commands that are refused: read from their text.

A text cannot be read so well that nothing slips through; a person who reads the exact command is the real guard. What
is here keeps "always" and allow-lists from covering what nobody meant by them. `reach.py` follows the command's paths.
"""

import fnmatch
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from genesis.session.reach import unbraced

LONGEST = 20_000
_START = r"(?:^|[;&|(\n`{]|\$\(|\b(?:then|do|else|sudo|doas|env|xargs|nohup|exec|time)\s)\s*"
_SHELLS = r"(?:ba|z|da|k|fi)?sh|python[\d.]*|perl|ruby|node"
_CODES = r"python[\d.]*|perl|ruby|node|deno|bun|php|lua"
# Code as an argument or a here-document, and what in it looks beyond the workspace or hides what it does.
_CODE = re.compile(
    rf"(?:^|[\s;&|(/])(?:{_CODES}|osascript)\s+(?:-\S+\s+(?:\w+\s+)?)*?(?:-\w*[cerpE]|--eval|--print|-?\s*<<)(.*)",
    re.DOTALL,
)
_LOOKS_AROUND = re.compile(
    r"expanduser|\.home\b|homedir|\bHOME\b|environ|getenv|process\.env|\bENV\b|getpwuid|getpwnam|/home\b|/root\b|/Users\b|/proc\b"
    r"|[\"']~|~/|\.\.(?:/|[\"'])|os\.walk|rglob|glob\(|scandir|listdir|readdir|Dir\b"
)
_HIDES = re.compile(
    r"\bchr\s*\(|\\x[0-9a-fA-F]{2}|\\u00|fromhex|base64|b64|\batob\b|Buffer\.from|unhexlify|rot_?13|\bpack\b|\bexec\s*\(|\beval\b"
    r"|\bcompile\s*\(|__import__|importlib|getattr|subprocess|child_process|os\.system|popen|\bsystem\b"
)
_DANGERS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), why)
    for pattern, why in (
        (_START + r"(?:[^\s;&|()`]*/)?(?:mkfs\S*|wipefs|fdisk|sfdisk|parted|blkdiscard)\b", "formats a disk"),
        (r"\bdd\b[^;&|\n]*\bof=/dev/(?!null\b|stdout\b)", "writes to a device"),
        (r">\s*/dev/(?:sd|hd|vd|xvd|nvme|mmcblk|disk|mem)", "writes to a device"),
        (r"(?:\w+|:)\s*\(\)\s*\{[^}]*\|[^}]*&[^}]*\}", "starts itself without end (a fork bomb)"),
        (
            rf"\b(?:curl|wget|fetch)\b[^;\n]*\|\s*(?:sudo\s+)?(?:[^\s;&|()`]*/)?(?:{_SHELLS})\b",
            "runs what it downloads",
        ),
        (
            rf"(?:{_SHELLS}|eval|source|\.)\s[^;\n]*(?:<\(|\$\(|`)\s*(?:curl|wget)\b",
            "runs what it downloads",
        ),
        (_START + r"eval\b", "runs a text that cannot be read here"),
        (r"\|\s*(?:[^\s;&|()`]*/)?(?:ba|z|da|k|fi)?sh\b", "runs a text that cannot be read here"),
        (rf"\|\s*(?:[^\s;&|()`]*/)?(?:{_CODES})\s*(?:-\s*)?(?:$|[;&|)\n])", "runs a text that cannot be read here"),
        (rf"(?:^|[\s;&|(])(?:{_SHELLS}|source|\.)\s+(?:-\S+\s+)*(?:<\(|<<<)", "runs a text that cannot be read here"),
        (r"\bxargs\b[^;&|\n]*\s(?:[^\s;&|()`]*/)?(?:ba|z|da|k|fi)?sh\b", "runs a text that cannot be read here"),
        (_START + r"[\"']?(?:\$\(|`|\$\{\w*[^\w}])", "runs a command whose name is computed"),
        (r"/proc/[^\s/]+/(?:environ|mem|maps|root|cwd|fd)\b", "looks into other programs"),
        (_START + r"(?:[^\s;&|()`]*/)?(?:gdb|lldb|gcore|strace|ltrace)\b", "looks into other programs"),
        (_START + r"(?:[^\s;&|()`]*/)?ps\s+(?!-)\w*e", "shows the environment of other programs"),
        (_START + r"(?:[^\s;&|()`]*/)?(?:genesis|python[\d.]*\s+-m\s*genesis)\b(?![./])", "runs Genesis itself, which opens its own state"),
        (r"\bgit\b[^;&|\n]*\bpush\b[^;&|\n]*(?:\s--force|\s-\w*f\w*\b|\s--mirror|\s--delete|\s\+\S)", "overwrites a remote branch"),
        (r"\bgit\b[^;&|\n]*\breset\b[^;&|\n]*\s--hard", "discards changes"),
        (r"\bgit\b[^;&|\n]*\bclean\b[^;&|\n]*\s-\w*f", "deletes files that git does not know"),
        (r"\bgit\b[^;&|\n]*\b(?:checkout|restore)\b[^;&|\n]*\s\.(?:\s|$)", "discards changes"),
        (r"\bgit\b[^;&|\n]*\b(?:filter-branch|filter-repo)\b", "rewrites the history"),
        (_START + r"(?:[^\s;&|()`]*/)?(?:sudo|doas|su|pkexec)\b", "runs with the rights of another user"),
        (_START + r"(?:[^\s;&|()`]*/)?(?:shutdown|reboot|poweroff|halt)\b", "stops the machine"),
        (_START + r"(?:[^\s;&|()`]*/)?shred\b", "destroys files"),
        (r"\bfind\b[^;&|\n]*\s-delete\b", "deletes what it finds"),
        (r"\bfind\b[^\n]*-exec\w*\s+(?:[^\s;&|()`]*/)?(?:rm|shred|sh|bash)\b", "runs a command on what it finds"),
        (r"\bxargs\b[^;&|\n]*\s(?:[^\s;&|()`]*/)?(?:rm|shred)\b", "deletes what it is given"),
        (r"\bkill(?:all|)\s[^;&|\n]*(?:\s|^)-1(?:\s|$)", "ends every process"),
        (r"\bcrontab\b\s+(?!-l\b)", "changes scheduled commands"),
        (r">\s*~?/?(?:[^\s;&|()`]*/)?\.(?:bashrc|zshrc|profile|bash_profile|zprofile)\b", "changes a shell's start"),
        (r"\.ssh\b", "touches SSH keys"),
        (r"\b(?:npm|yarn|pnpm|cargo|gem|twine|uv)\s+(?:upload|publish)\b", "publishes a package"),
    )
)  # fmt: skip
_DELETES = re.compile(
    _START + r"(?:[^\s;&|()`]*/)?(rm|rmdir|unlink|chmod|chown|chgrp|mv)\b([^;&|\n)]*)", re.MULTILINE
)
_SEPARATORS = re.compile(r"[;&|<>`\n\r]|\$\(|\$\{")


def danger_of(command: str, workspace: Path, home: Path) -> str | None:
    """Why the command is asked about in any case; None if nothing speaks against it."""
    if len(command) > LONGEST:
        return "is too long to be read here"
    text = command.replace("\\\n", " ")
    for pattern, why in _DANGERS:
        if pattern.search(text):
            return why
    code = _CODE.search(text)
    if code is not None and _LOOKS_AROUND.search(code[1]):
        return "runs code that looks beyond the workspace"
    if code is not None and _HIDES.search(code[1]):
        return "runs code that hides what it does"
    reaches = (_reach(match[1], match[2], workspace, home) for match in _DELETES.finditer(text))
    return next((why for why in reaches if why is not None), None)


def is_compound(command: str) -> bool:
    """Whether it is more than one plain command: then the start of its text says little."""
    return _SEPARATORS.search(command) is not None


def names_private_state(
    command: str, state_dir: Path, open_inside: Path | None, home: Path
) -> bool:
    """Whether the command's text names the folder of Genesis' state, or a pattern that reaches it."""
    plain = re.sub(r"[\"'\\]", "", command)
    for spelled in _spellings(open_inside, home) if open_inside else ():
        # What lies in the default workspace is the agent's own to use.
        plain = re.sub(re.escape(spelled) + r"(?=/|\s|$)(?!/\.\.)", " ", plain)
    if re.search(r"auth-profiles|auth-state\.json|GENESIS_\w*(?:DIR|PATH|HOME|TOKEN)", plain):
        return True
    if any(spelled in plain for spelled in _spellings(state_dir, home)):
        return True
    # A hidden name says enough, wherever a `cd` has gone before.
    if state_dir.name.startswith(".") and re.search(
        rf"(?:^|[\s/=:]){re.escape(state_dir.name)}(?:/|\s|$)", plain
    ):
        return True
    words = [word for text in re.split(r"[\s=:;|&<>()]+", plain) for word in unbraced(text)]
    return any(_reaches(word, state_dir, home) for word in words)


def _reach(name: str, rest: str, workspace: Path, home: Path) -> str | None:
    """Why a command that deletes or moves goes too far."""
    words = list(_words(rest))
    flags = "".join(word for word in words if word.startswith("-"))
    targets = [word for word in words if not word.startswith("-")]
    is_deep = bool(re.search(r"-\w*[rR]|--recursive", " ".join(words)))
    if name in {"chmod", "chown", "chgrp"}:
        targets = targets[1:]
        if not is_deep:
            return None
    for target in targets:
        if _is_outside(target, workspace, home):
            return f"{'changes' if name.startswith('ch') else 'deletes or moves'} files outside of the workspace"
        if name == "rm" and is_deep and target.rstrip("/") in {"", ".", "*", "./*", "..", ".*"}:
            return "deletes the whole workspace"
    if name == "rm" and "--no-preserve-root" in flags:
        return "deletes the whole file system"
    return None


def _is_outside(target: str, workspace: Path, home: Path) -> bool:
    if re.match(r"\$(?!\{?HOME\b|\{?PWD\b)", target):
        return True  # nobody knows what it will be
    path = _expanded(target, home)
    # Compared without links: the workspace may be one.
    whole = Path(*_without_dots((workspace / path).parts))
    return not whole.is_relative_to(workspace)


def _without_dots(parts: tuple[str, ...]) -> list[str]:
    kept: list[str] = []
    for part in parts:
        if part == "..":
            if len(kept) > 1:
                kept.pop()
        elif part != ".":
            kept.append(part)
    return kept


def _words(text: str) -> Iterator[str]:
    try:
        yield from shlex.split(text, comments=False)
    except ValueError:  # a quote that does not end here
        yield from re.sub(r"[\"']", "", text).split()


def _expanded(text: str, home: Path) -> Path:
    text = re.sub(r"^(?:~(?=/|$)|\$\{?HOME\}?)", str(home), text)
    return Path(re.sub(r"^\$\{?PWD\}?/?", "", text))


def _spellings(path: Path, home: Path) -> list[str]:
    """The ways to write a folder."""
    ways = [str(path), str(path.resolve())]
    if path.is_relative_to(home):
        inner = path.relative_to(home)
        ways += [f"{front}/{inner}" for front in ("~", "$HOME", "${HOME}")]
    return ways


def _reaches(word: str, folder: Path, home: Path) -> bool:
    """Whether a pattern for file names, or a word that braces made, fits the folder or something in it."""
    pattern = _expanded(word, home).parts
    if not pattern or pattern[0] != "/":
        # Told from some folder that a `cd` may have chosen: only its first name can be compared.
        first = next((part for part in pattern if part not in {".", ".."}), "")
        return first.startswith(".") and _fits(folder.name, first)
    if len(pattern) < len(folder.parts):
        return False
    pairs = zip(folder.parts, pattern, strict=False)
    return all(_fits(name, part) for name, part in pairs)


def _fits(name: str, pattern: str) -> bool:
    """As a shell sees it: a hidden name is only reached by a pattern that begins with a dot."""
    if name.startswith(".") and not pattern.startswith("."):
        return False
    return fnmatch.fnmatchcase(name, pattern)
