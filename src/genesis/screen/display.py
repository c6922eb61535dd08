"""What the screen remembers between turns: whether thinking is shown, and what can be opened."""

import dataclasses
from typing import Literal

ThinkingMode = Literal["folded", "shown", "hidden"]


@dataclasses.dataclass
class Display:
    """`thinking` is how it appears; the last thinking and the last tool's output can be printed in full."""

    thinking: ThinkingMode = "folded"
    last_thinking: str = ""
    last_tool: tuple[str, str] | None = None

    def toggle_thinking(self) -> ThinkingMode:
        """Fold or unfold; gives what it is now."""
        self.thinking = "folded" if self.thinking == "shown" else "shown"
        return self.thinking
