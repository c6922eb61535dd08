"""A chat for tests in a real terminal: `python -m tests.genesis.screen.talking FOLDER [echo]`. It is scripted, or an echo."""

import asyncio
import os
import sys
import time
from pathlib import Path

from genesis.core.events import TextDelta
from genesis.screen.chat import Start
from genesis.screen.launch import ChatPlan, Streams, open_chat
from tests.genesis.screen.fakes import FakeConversation, answer, ask, thought, tool

TEXT = """\
## Steps

1. Read the *config*
2. Ask the **gateway**

```python
def answer(question: str) -> str:
    return f"{question}: 42"
```

| model | input |
|:------|------:|
| kilo/auto | 0.15 |

"""
WORDS = " ".join(f"w{count}" for count in range(400))


def slowly(events, seconds):
    return [part for event in events for part in (event, seconds)]


def turns():
    """What is answered to the first, second and third message."""
    return [
        [*thought("one two three"), *tool("1", "exec: ls -l", "main.py\n"), *answer(TEXT)],
        [ask("7", "rm -rf build"), *tool("7", "exec: rm -rf build"), *answer("Gone.")],
        [*slowly([TextDelta(f"{w} ") for w in WORDS.split()], 0.01), None],
    ]


class Echo(FakeConversation):
    """Says every message again, in pieces."""

    async def send(self, session_id, message, *, model=None, thinking=None):
        self.turns = [slowly(answer(f"You said: {message.content[0].text}."), 0.005)]
        async for event in super().send(session_id, message):
            yield event


def main(folder, kind=""):
    plan = ChatPlan(
        Start("1.0"), folder, folder, folder / "history", "in process", lambda: time.time_ns() / 1e9
    )
    streams = Streams(sys.stdin, sys.stdout, sys.stderr)
    conversation = Echo() if kind == "echo" else FakeConversation(*turns())
    return asyncio.run(open_chat(conversation, plan, streams, os.environ))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
