"""Which upstreams there are: those of the settings, those found, and those that we run ourselves."""

import asyncio
import random
from collections.abc import Iterator, Mapping

import msgspec

from kilo_gateway.config.compile import (
    UpstreamPlan,
    configured_plans,
    environment_plans,
    loopback_rows,
    own_plan,
)
from kilo_gateway.config.load import Loaded
from kilo_gateway.config.schema import Settings
from kilo_gateway.core.clock import Clock
from kilo_gateway.core.secret import Secret
from kilo_gateway.local.model import LocalModel, ModelOptions, find_weights
from kilo_gateway.local.simulator import EXAMPLES, Simulator
from kilo_gateway.local.supervisor import Means
from kilo_gateway.telemetry.log import Log
from kilo_gateway.upstreams.profiles import Profile, profiles

_PROBE_S = 0.3
_LOOPBACK = "127.0.0.1"
_NOWHERE = "http://127.0.0.1:9/v1"


class BuiltIn:
    """The upstreams that we run ourselves: the local model in a child process, the simulator in this one."""

    def __init__(self, clock: Clock, log: Log) -> None:
        self._clock = clock
        self._log = log
        self._model: LocalModel | None = None
        self._simulator: Simulator | None = None

    @property
    def problem(self) -> str:
        """Why the local model is not there, in a sentence for people; empty if it is, or is not wanted."""
        return self._model.reason if self._model is not None else ""

    @property
    def state(self) -> str:
        """Where the local model stands."""
        return "off" if self._model is None else str(self._model.state)

    async def start(self, settings: Settings, *, local_model: bool, simulator: bool) -> None:
        """Make what is wanted; the model itself is started by `run`."""
        if simulator:
            self._simulator = Simulator(clock=self._clock)
            await self._simulator.start()
        if local_model:
            means = Means(
                clock=self._clock,
                sleep=asyncio.sleep,
                dice=random.SystemRandom().random,
                log=lambda text: self._log.write("info", "local model", detail=text),
            )
            options = ModelOptions(settings.local_model.threads, settings.local_model.context)
            self._model = LocalModel(find_weights(), means, options)

    async def wait_ready(self, timeout_s: float) -> bool:
        """Whether the local model answers, now or within that time."""
        return self._model is not None and await self._model.wait_ready(timeout_s)

    async def run(self) -> None:
        """Keep the local model running, for ever."""
        if self._model is not None:
            await self._model.run()

    async def stop(self) -> None:
        """End both."""
        if self._model is not None:
            await self._model.stop()
        if self._simulator is not None:
            await self._simulator.stop()

    @classmethod
    def planned(cls) -> Iterator[UpstreamPlan]:
        """Upstreams for what `up` would run here, to be listed without running it."""
        plan = cls._plan("sim", _NOWHERE, Secret(""))
        yield msgspec.structs.replace(plan, models=tuple(EXAMPLES))
        if find_weights() is not None:
            plan = cls._plan("local", _NOWHERE, Secret(""))
            yield msgspec.structs.replace(plan, models=(LocalModel.model_id,), priority=1000)

    def plans(self) -> Iterator[UpstreamPlan]:
        """Upstreams for what runs."""
        if self._simulator is not None:
            plan = self._plan("sim", self._simulator.base_url, self._simulator.api_key)
            yield msgspec.structs.replace(plan, models=tuple(EXAMPLES))
        if self._model is not None and self._model.base_url is not None:
            plan = self._plan("local", self._model.base_url, self._model.api_key)
            yield msgspec.structs.replace(plan, models=(self._model.model_id,), priority=1000)

    @staticmethod
    def _plan(name: str, base_url: str, key: Secret) -> UpstreamPlan:
        return own_plan(profiles()[name], base_url, key, "built-in")


class Plans:
    """All plans together. Configured ones win over found ones of the same name."""

    def __init__(
        self, environ: Mapping[str, str], built_in: BuiltIn, *, finds_upstreams: bool
    ) -> None:
        self._environ = environ
        self._built_in = built_in
        self._finds = finds_upstreams
        self.configured: tuple[UpstreamPlan, ...] = ()
        self._on_loopback: tuple[Profile, ...] = ()

    def use(self, loaded: Loaded) -> None:
        """Take the settings. Raises ValueError for what cannot be used; then the old ones stay."""
        self.configured = configured_plans(loaded.settings, self._environ, loaded.base)

    def all(self) -> list[UpstreamPlan]:
        """Every upstream, the configured first."""
        plans = list(self.configured)
        taken = frozenset(plan.name for plan in plans) | {plan.profile.name for plan in plans}
        if self._finds:
            plans.extend(environment_plans(self._environ, taken))
            plans.extend(
                own_plan(profile, profile.base_url, Secret(""), "loopback")
                for profile in self._on_loopback
                if profile.name not in taken
            )
        plans.extend(self._built_in.plans())
        return plans

    async def probe_loopback(self) -> bool:
        """Look for model servers on their usual loopback ports; gives whether any came or left."""
        if not self._finds:
            return False
        taken = frozenset(plan.name for plan in self.configured)
        used = {plan.target.port for plan in self.configured if plan.target.host == _LOOPBACK}
        rows = [row for row in loopback_rows(taken) if row.loopback_port not in used]
        answers = await asyncio.gather(*(_listens(row.loopback_port or 0) for row in rows))
        found = tuple(
            row for row, answers_there in zip(rows, answers, strict=True) if answers_there
        )
        if found == self._on_loopback:
            return False
        self._on_loopback = found
        return True


async def _listens(port: int) -> bool:
    """Whether something listens on a loopback port; what it is, its list of models will tell."""
    try:
        async with asyncio.timeout(_PROBE_S):
            _, writer = await asyncio.open_connection(_LOOPBACK, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
