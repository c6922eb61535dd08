"""Mending: the repair rules that are in force, kept for each deployment, and applied to one attempt's request."""

import base64
import hashlib

import msgspec

from kilo_gateway.core.call import Call
from kilo_gateway.core.deployment import Deployment
from kilo_gateway.core.grant import Grant
from kilo_gateway.dialects.rules.rule import Facts, Mended, Rule, Rules, concerning
from kilo_gateway.dialects.rules.table import DETAILS, in_force

_KEPT = 10_000
_HASHES = "hashed_users"


class Mending:
    """The rules of one configuration. `salt` makes hashes of users that nobody else can make; "" = none are made.

    `tells_details`: whether clients are told thoughts as `reasoning_details`.
    """

    __slots__ = ("_hashes", "_kept", "_rules", "_salt", "tells_details")

    def __init__(self, rules: tuple[Rule, ...] | None = None, salt: bytes = b"") -> None:
        self._rules = in_force({}) if rules is None else rules
        self._salt = salt
        self._hashes = bool(salt) and any(rule.name == _HASHES for rule in self._rules)
        self.tells_details = any(rule.name == DETAILS for rule in self._rules)
        self._kept: dict[tuple[str, str], Rules] = {}

    def rules_of(self, dialect: str, deployment: Deployment, quirks: frozenset[str]) -> Rules:
        """The rules that concern requests in a dialect that go to a deployment."""
        key = (dialect, deployment.id)
        rules = self._kept.get(key)
        if rules is None:
            facts = Facts(deployment.model.lower(), deployment.upstream_model.lower(), quirks)
            rules = concerning(self._rules, dialect, facts)
            if len(self._kept) < _KEPT:
                self._kept[key] = rules
        return rules

    def mend(self, rules: Rules, call: Call, grant: Grant, upstream: str) -> Mended:
        """The request of a call after its rules."""
        if self._hashes:
            user = self._hash(upstream, grant.owner)
            session = call.hints.session
            task = self._hash(upstream, f"{grant.owner}-{session}") if session else ""
            facts = msgspec.structs.replace(rules.facts, user_hash=user, task_hash=task)
            rules = msgspec.structs.replace(rules, facts=facts)
        return rules.mend(call.fields)

    def _hash(self, upstream: str, text: str) -> str:
        digest = hashlib.sha256(b"%b\0%b\0%b" % (self._salt, upstream.encode(), text.encode()))
        return base64.b64encode(digest.digest()).decode()


NO_MENDING = Mending(())
