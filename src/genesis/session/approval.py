"""Whether a tool call runs, is asked about, or is refused: a pure decision from the policy and what the call would do."""

from typing import Literal

Decision = Literal["once", "always", "deny"]
