"""Lines that somebody types where nothing is drawn."""

import asyncio
from typing import TextIO


async def typed_line(source: TextIO) -> str:
    """A line of the terminal; nothing when it has ended or gone away. No thread waits for it: an interrupted program would
    wait for the thread."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(source.fileno(), ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(source.fileno())
    try:
        return source.readline()
    except OSError:  # EIO of a terminal that is no more
        return ""
