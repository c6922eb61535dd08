"""Rights of a key: globs over model ids."""

import pytest

from kilo_gateway.core.grant import Grant

KEY = {"key_id": "k1", "owner": "ann"}


def test_no_globs_means_every_model():
    assert Grant(**KEY).may_use("anything/at-all")


@pytest.mark.parametrize(
    ("model", "is_open"),
    [
        ("openai/gpt-5", True),
        ("openai/", True),
        ("openai", False),
        ("azure/openai/gpt-5", False),
        ("local/smol", True),
        ("local/smollest", False),
        ("OPENAI/gpt-5", False),  # ids are listed in lower case; the planner asks so
    ],
)
def test_globs_open_what_they_match_and_nothing_else(model, is_open):
    assert Grant(**KEY, models=("openai/*", "local/smol")).may_use(model) is is_open
