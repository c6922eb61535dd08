"""The child process of the built-in model: llama.cpp's HTTP server with SmolLM2 in it, on loopback.

Run as `python -m kilo_gateway.local.model_server` with its settings as one line of JSON on stdin (no secret is ever
in the arguments). It prints `ready PORT` when it serves and ends when stdin ends or the parent dies.
"""

import ctypes
import importlib
import os
import signal
import sys
from typing import Any

import msgspec

from kilo_gateway.local.port import LOOPBACK

MAX_SETTINGS_BYTES = 65_536
# More threads than this make so small a model slower.
MAX_THREADS = 8
# Tokens of a reply whose request names no limit; without it a confused small model fills its context.
DEFAULT_REPLY_TOKENS = 1_024
PROMPT_CACHE_MIB = 256
# What the model's makers recommend; llama.cpp's own default (0.8) makes so small a model ramble.
TEMPERATURE = 0.2
TOP_P = 0.9
# Errors only: llama.cpp repeats messages of users in its warnings.
LOG_ERRORS = 1

_PR_SET_PDEATHSIG = 1


class ModelSettings(msgspec.Struct, frozen=True):
    """What the child is told. `context` is in tokens for each of the `slots`; `threads` 0: see thread_count."""

    model_path: str
    model_id: str
    port: int
    api_key: str
    threads: int
    context: int
    slots: int
    parent_pid: int


def thread_count(threads: int, cores: int) -> int:
    """How many threads to use: as told, else one for each core but one, within reason.

    They wait for one another after each layer: where one of them shares its core with somebody else, all stand still.
    Measured on two busy cores: 2 threads 2-9 tokens/s, 1 thread 30-60; on two idle ones 100 against 65.
    """
    return threads or max(1, min(cores - 1, MAX_THREADS))


def _available_cores() -> int:
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _die_with_parent(parent_pid: int) -> None:
    """Be killed when the parent dies (Linux); end at once if it died before that was arranged."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:
        os._exit(1)


def _start_server(settings: ModelSettings) -> Any:
    """llama.cpp's server in threads of its own; RuntimeError if it cannot load the model or have the port."""
    # Looked up late: only this process needs it, and loading it takes a while.
    xllamacpp = importlib.import_module("xllamacpp")
    threads = thread_count(settings.threads, _available_cores())
    told = xllamacpp.CommonParams()
    told.model.path = settings.model_path
    told.model_alias = {settings.model_id}
    told.hostnames = [LOOPBACK]
    told.port = settings.port
    told.api_keys = [settings.api_key]
    told.n_parallel = settings.slots
    told.n_ctx = settings.context * settings.slots
    told.n_predict = DEFAULT_REPLY_TOKENS
    told.cpuparams.n_threads = threads
    told.cpuparams_batch.n_threads = threads
    told.sampling.temp = TEMPERATURE
    told.sampling.top_p = TOP_P
    told.cache_prompt = True
    told.cache_ram_mib = PROMPT_CACHE_MIB
    told.verbosity = LOG_ERRORS
    told.ui = False
    told.endpoint_slots = False
    told.cors_origins = ""
    told.offline = True
    return xllamacpp.Server(told)


def main() -> None:
    """Serve until stdin ends."""
    line = sys.stdin.buffer.readline(MAX_SETTINGS_BYTES)
    settings = msgspec.json.decode(line, type=ModelSettings)
    _die_with_parent(settings.parent_pid)
    _server = _start_server(settings)
    sys.stdout.write(f"ready {settings.port}\n")
    sys.stdout.flush()
    while sys.stdin.buffer.read(MAX_SETTINGS_BYTES):
        pass
    # Its threads know no better end.
    os._exit(0)


if __name__ == "__main__":
    main()
