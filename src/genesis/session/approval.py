"""Whether a tool call runs, is asked about, or is refused: a pure decision from the policy and what the call would do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from genesis.session.dangers import danger_of, is_compound, names_private_state
from genesis.session.reach import reach_of
from genesis.tools.tool import Effect
from genesis.tools.workspace import Workspace

Decision = Literal["once", "always", "deny"]
Mode = Literal["ask", "allow-list", "read-only", "all"]
# Files that run by themselves, or say what runs.
_SELF_RUNNING = (".git", ".envrc", ".vscode", ".husky")


@dataclass(frozen=True)
class Policy:
    """What the settings or a flag say. `allow` has tools' names and `exec:<start of a command>`."""

    mode: Mode = "ask"
    allow: tuple[str, ...] = ()
    can_ask: bool = True


@dataclass(frozen=True)
class Wish:
    """What a call would do. `command` and the `environ` that it gets are of exec, `target` is the file that would change."""

    name: str
    effect: Effect
    command: str = ""
    target: Path | None = None
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What "always" remembers: this very command, or changing files."""
        return f"exec:{self.command}" if self.effect == "runs" else self.effect


@dataclass(frozen=True)
class Verdict:
    """`why` is the danger to name when asked, or the sentence that the model reads when refused."""

    outcome: Literal["run", "ask", "refuse"]
    why: str = ""


@dataclass
class Remembered:
    """What the person allowed for the rest of a session."""

    keys: set[str] = field(default_factory=set)


def judge(wish: Wish, policy: Policy, remembered: Remembered, place: Workspace) -> Verdict:
    """The decision for one call."""
    reach = reach_of(wish.command, place, wish.environ) if wish.effect == "runs" else None
    if reach == "inside" or _is_private(wish, place):
        return Verdict(
            "refuse",
            "This command names the private state of Genesis (its keys, sessions and settings), which tools may not "
            "read or change. Do without it.",
        )
    if wish.effect == "reads":
        return Verdict("run")
    if policy.mode == "read-only":
        return Verdict(
            "refuse",
            "Refused: the approval policy is read-only, so nothing may be changed or run. Say what you would have done.",
        )
    danger = _danger(wish, place)
    if danger is None and reach == "may":
        danger = "could reach the private state of Genesis (its keys, sessions and settings)"
    if danger is None and _is_allowed(wish, policy, remembered):
        return Verdict("run")
    if policy.can_ask:
        return Verdict("ask", danger or "")
    because = f" (it {danger})" if danger else ""
    return Verdict(
        "refuse",
        f"Refused: {wish.name} needs a person's approval here{because}, and nobody can be asked in this run. "
        "Do what you can without it, and say what is left to do.",
    )


def _is_private(wish: Wish, place: Workspace) -> bool:
    if wish.effect != "runs":
        return False  # their paths are resolved, which no spelling escapes
    inside = place.open_inside
    return any(
        names_private_state(wish.command, own, inside, place.home) for own in place.protected
    )


def _danger(wish: Wish, place: Workspace) -> str | None:
    if wish.effect == "runs":
        return danger_of(wish.command, place.root, place.home)
    if wish.target is None:
        return None
    parts = wish.target.relative_to(place.root).parts
    risky = next((part for part in parts if part in _SELF_RUNNING), None)
    return f"changes {risky}, which can run commands by itself" if risky else None


def _is_allowed(wish: Wish, policy: Policy, remembered: Remembered) -> bool:
    if policy.mode == "all" or wish.key in remembered.keys:
        return True
    if policy.mode != "allow-list":
        return False
    return any(_covers(rule, wish) for rule in policy.allow)


def _covers(rule: str, wish: Wish) -> bool:
    name, colon, start = rule.partition(":")
    if name.strip() != wish.name:
        return False
    if not colon:
        return True
    command, start = wish.command.strip(), start.strip().removesuffix("*").rstrip()
    if not start or is_compound(command):
        return False
    return command == start or command.startswith(start + " ")
