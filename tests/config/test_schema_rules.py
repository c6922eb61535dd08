"""The switches are those of the rules, with their sentences and their first positions."""

import msgspec

from kilo_gateway.config.schema_rules import RuleSettings
from kilo_gateway.dialects.rules.table import RULES


def test_every_rule_has_its_switch_and_nothing_else_has() -> None:
    assert msgspec.structs.asdict(RuleSettings()) == {rule.name: rule.is_on for rule in RULES}


def test_a_switch_is_described_by_its_rules_sentence() -> None:
    shown = msgspec.json.schema(RuleSettings)["$defs"]["RuleSettings"]["properties"]
    assert {name: one["description"] for name, one in shown.items()} == {
        rule.name: rule.purpose for rule in RULES
    }
