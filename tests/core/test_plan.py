"""A plan is a value: the same facts make the same plan."""

import pytest

from kilo_gateway.core.deployment import Deployment
from kilo_gateway.core.plan import Plan, Rejection

HERE = Deployment("a", "m", "m", "openai_chat")


def test_plans_of_the_same_facts_are_equal():
    rejected = (Rejection("b/m", "operation", "does not serve chat"),)
    assert Plan("m", (HERE,), "ordered", rejected) == Plan("m", (HERE,), "ordered", rejected)


def test_a_plan_cannot_be_changed():
    plan = Plan("m", (HERE,), "ordered")
    with pytest.raises(AttributeError):
        plan.candidates = ()
