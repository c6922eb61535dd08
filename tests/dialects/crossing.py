"""Every recorded reply, told in each of the other dialects, and read again: what must be the same, and how many are.

python -m tests.dialects.crossing          prints the table of docs/reference/crossing.md
"""

import json
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from kilo_gateway.core.fault import Fault
from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects.answer import Answer, Delta, collect, deltas_of
from kilo_gateway.dialects.conversation import Refusal, Text, Thinking, ToolCall
from kilo_gateway.dialects.hub import Hub, Shown
from kilo_gateway.dialects.translate import hub_of
from tests.dialects import crossing_requests
from tests.dialects.recordings import FILES, Recording, recordings

DIALECTS = ("openai_chat", "openai_responses", "anthropic_messages", "gemini", "bedrock")
SHOWN = Shown(
    call_id="req_0123456789abcdef",
    model="some/model",
    created=1_760_000_000,
    request={"alt": msgspec.Raw(b'"sse"')},
)
# Words for the end of an answer that another dialect has no own word for.
SAME_STOP = {
    "stop_sequence": "stop",
    "context": "length",
    "pause": "stop",
    "refusal": "content_filter",
}


@dataclass
class Essence:
    """What a client must get of an answer, whichever dialect it speaks."""

    text: str
    thinking: str
    calls: list[tuple[str, Any]]
    stop: str | None
    usage: tuple[int | None, ...]


def essence(answer: Answer) -> Essence:
    text = "".join(part.text for part in answer.parts if isinstance(part, Text | Refusal))
    thinking = "".join(part.text for part in answer.parts if isinstance(part, Thinking))
    calls = [
        (part.name, free_text(part) if part.is_custom else arguments(part.arguments))
        for part in answer.parts
        if isinstance(part, ToolCall)
    ]
    stop = SAME_STOP.get(answer.stop or "", answer.stop) or "stop"
    return Essence(text, thinking, calls, stop, counts(answer.usage))


def free_text(call: ToolCall) -> Any:
    """What a custom tool gets; dialects without such tools have it as the one member `input`."""
    return {"input": call.arguments}


def arguments(text: str) -> Any:
    """Arguments as JSON; those that are none stay text."""
    try:
        return json.loads(text or "{}")
    except ValueError:
        return text


def counts(usage: Usage) -> tuple[int, ...]:
    """Input, output and cache reads. Some servers count what the cache gave or took beside the input, not in it."""
    read, written = usage.cache_read_tokens or 0, usage.cache_write_tokens or 0
    return (max(usage.input_tokens or 0, read + written), usage.output_tokens or 0, read)


def deltas(recording: Recording, hub: Hub) -> list[Delta] | None:
    """The deltas of a recorded reply; None if it is an error, or cut by its recorder."""
    if not recording.is_stream:
        answer = hub.read_answer(recording.reply)
        return None if answer is None else list(deltas_of(answer))
    reader = hub.reader("chat")
    try:
        found = [*reader.feed(recording.reply), *reader.finish()]
    except Fault:
        return None
    return None if collect(found).stop in {"error", None} else found


def retold_whole(answer: Answer, hub: Hub) -> Answer | None:
    return hub.read_answer(hub.write_answer(answer, SHOWN))


def retold_stream(found: list[Delta], usage: Usage, hub: Hub) -> Answer:
    writer = hub.writer(SHOWN)
    wire = b"".join(writer.write([delta]) for delta in found) + writer.finish(usage, None)
    reader = hub.reader("chat")
    return collect([*reader.feed(wire), *reader.finish()])


@dataclass
class Tally:
    """How many answers crossed from one dialect to another as they were, and which did not, and how."""

    crossed: int = 0
    wrong: dict[str, str] = field(default_factory=dict)


def cross(file: str, target: str) -> Tally:
    """All good replies of a file, whole and streamed, told to clients of a dialect."""
    source, tally = hub_of(FILES[file][0]), Tally()
    hub = hub_of(target)
    for recording in recordings(file):
        if not recording.is_good:
            continue
        found = deltas(recording, source)
        if found is None:
            continue
        answer = collect(found)
        wanted = essence(answer)
        told = {
            "whole": retold_whole(answer, hub),
            "stream": retold_stream(found, answer.usage, hub),
        }
        differing = [
            f"{how}: {difference(wanted, essence(one) if one is not None else None)}"
            for how, one in told.items()
            if one is None or essence(one) != wanted
        ]
        if differing:
            tally.wrong[recording.id] = "; ".join(differing)
        else:
            tally.crossed += 1
    return tally


def difference(wanted: Essence, got: Essence | None) -> str:
    if got is None:
        return "unreadable"
    one, other = msgspec.to_builtins(wanted), msgspec.to_builtins(got)
    return ", ".join(
        f"{name} {one[name]!r:.80} -> {other[name]!r:.80}"
        for name in one
        if one[name] != other[name]
    )


PAGE = Path(__file__).parents[2] / "docs" / "reference" / "crossing.md"
# What cannot cross as it is: (recording, target) -> why.
EXCEPTIONS = {
    ("openai.openai-responses.bd2daad7", "anthropic_messages"): "a picture that the model made is a link in Markdown",
    ("gemini.gemini-generate.1d5a0a0d", "anthropic_messages"): "a sound that the model made is a link in Markdown",
    ("openai.openai-responses.bd2daad7", "bedrock"): "a picture that the model made is a link in Markdown",
    ("gemini.gemini-generate.1d5a0a0d", "bedrock"): "a sound that the model made is a link in Markdown",
}  # fmt: skip
TITLES = {
    "openai_chat": "Chat Completions",
    "openai_responses": "Responses",
    "anthropic_messages": "Messages",
    "gemini": "Gemini",
    "bedrock": "Converse",
}


@cache
def crossings() -> dict[tuple[str, str], Tally]:
    """All files, told in all other dialects."""
    return {
        (file, target): cross(file, target)
        for file in FILES
        for target in DIALECTS
        if target != FILES[file][0]
    }


def page() -> str:
    """The table for people."""
    head = ["recorded replies of", *(TITLES[one] for one in DIALECTS)]
    rows = []
    for file in FILES:
        cells = []
        for target in DIALECTS:
            tally = crossings().get((file, target))
            total = 0 if tally is None else tally.crossed + len(tally.wrong)
            cells.append("-" if tally is None else f"{tally.crossed} of {total}")
        rows.append([f"{file} ({TITLES[FILES[file][0]]})", *cells])
    lines = [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]
    why = "".join(
        f"- `{ident}` told in {TITLES[target]}: {text}.\n"
        for (ident, target), text in EXCEPTIONS.items()
    )
    return (
        "# Crossing dialects\n\nEvery recorded reply of real vendors, whole and streamed, told to a client of another dialect, "
        "whole and streamed, and read again as that client does: so many of them have the same text, thoughts, tool calls, "
        "arguments, end and token counts. Measured by `python -m tests.dialects.crossing`; a test fails when this table is "
        f"not what is measured.\n\n{chr(10).join(lines)}\n\nThe exceptions:\n\n{why}\n{_of_requests()}"
    )


def _of_requests() -> str:
    why = "".join(
        f"- `{ident}` told in {TITLES[target]}: {text}.\n"
        for (ident, target), text in crossing_requests.EXCEPTIONS.items()
    )
    return (
        "## Requests\n\nEvery recorded request that was answered, told to a model of each other dialect that takes as much as any, "
        "and read again as that model's vendor does. Told are: those that are the same, + those that differ as the "
        "[loss matrix](../loss-matrix.md) tells (dropped and named in `x-kilo-dropped`, or something near), + those that are "
        f"refused with a 400 that names the field.\n\n{crossing_requests.table(TITLES)}\nDifferent in another way:\n\n{why}"
    )


def main() -> None:
    """Write the page; tell what does not cross."""
    PAGE.write_text(page(), encoding="utf-8")
    for (file, target), tally in crossings().items():
        for ident, how in tally.wrong.items():
            sys.stdout.write(f"{file} -> {target}: {ident} {how[:300]}\n")
    for (file, target), requests in crossing_requests.crossings().items():
        for ident, how in requests.wrong.items():
            sys.stdout.write(f"request of {file} -> {target}: {ident} {how[:300]}\n")


if __name__ == "__main__":
    main()
