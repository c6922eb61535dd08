"""OpenAI's models by their names, for the two dialects in which they are asked."""

import re

_O_SERIES = ("o1", "o3", "o4")
_REASONING = ("gpt-5", "gpt-6", "codex")
# Those that need not think, and do not unless they are asked to, take sampling as other models do.
_MAY_REST = re.compile(r"gpt-(?:5\.[1-9]|[6-9])")
_NEVER_REST = ("pro", "codex")


def is_reasoner(model: str) -> bool:
    """Whether a name is that of one of OpenAI's models that reason: they refuse sampling."""
    name = model.lower().rpartition("/")[2]
    if name.startswith(_REASONING):
        return "-chat" not in name
    return name.startswith(_O_SERIES)


def takes_sampling(model: str) -> bool:
    """Whether a name is that of a model that takes temperature and its like, as long as no thinking is asked for."""
    name = model.lower().rpartition("/")[2]
    may_rest = _MAY_REST.match(name) is not None and not any(one in name for one in _NEVER_REST)
    return may_rest or not is_reasoner(model)
