"""`genesis models status --probe`: asks providers for a word, once with each key, and tells which keys work."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genesis.auth.lookup import Resolved
from genesis.commands.installation import Installation
from genesis.core.fault import GenesisError
from genesis.core.message import TextBlock, UserMessage
from genesis.core.model import Model
from genesis.core.refs import ModelRef, key
from genesis.failover.classify import classify
from genesis.failover.messages import user_message
from genesis.providers.provider import ChatRequest

WORD = "Answer with the word OK."


@dataclass(frozen=True)
class Limits:
    """How long one probe may take, how many run at a time, how long an answer may be."""

    timeout_s: float
    at_a_time: int
    max_tokens: int


@dataclass(frozen=True)
class _Probe:
    """One key of one provider; `model` None: nobody knows a model to ask."""

    provider: str
    found: Resolved
    model: ModelRef | None


def probed(home: Installation, only: str | None, limits: Limits) -> list[Mapping[str, Any]]:
    """The outcome of every probe: its status is `ok`, a reason of a failure, or `no_model`."""
    return asyncio.run(_all(home, _probes(home, only), limits))


def _probes(home: Installation, only: str | None) -> Sequence[_Probe]:
    names = {ref.provider for ref in home.choice.in_use} | set(home.manifests)
    names |= {one.provider for one in home.stored.values()}
    found = []
    for name in sorted(names):
        if only is None or name == only:
            model = _model_of(home, name)
            found += [_Probe(name, resolved, model) for resolved in home.every_key(name)]
    return found


def _model_of(home: Installation, provider: str) -> ModelRef | None:
    for ref in (*home.choice.in_use, *home.choice.listed):
        if ref.provider == provider:
            return ref
    manifest = home.manifests.get(provider)
    if manifest is not None and manifest.default_model:
        return ModelRef(provider, manifest.default_model)
    block = home.settings.models.providers.get(provider)
    return ModelRef(provider, block.models[0].id) if block and block.models else None


async def _all(
    home: Installation, probes: Sequence[_Probe], limits: Limits
) -> list[Mapping[str, Any]]:
    gate = asyncio.Semaphore(limits.at_a_time)

    async def one(probe: _Probe) -> Mapping[str, Any]:
        async with gate:
            return await _outcome(home, probe, limits)

    return await asyncio.gather(*(one(probe) for probe in probes))


async def _outcome(home: Installation, probe: _Probe, limits: Limits) -> Mapping[str, Any]:
    entry: dict[str, Any] = {
        "provider": probe.provider,
        "model": key(probe.model) if probe.model else None,
        "label": probe.found.source,
        "source": probe.found.kind,
    }
    if probe.found.profile is not None:
        entry["profileId"] = probe.found.profile
    if probe.model is None:
        return entry | {
            "status": "no_model",
            "error": "No model of this provider is known. Choose one: genesis models set.",
        }
    started = time.monotonic()
    try:
        async with asyncio.timeout(limits.timeout_s):
            await _ask(home, probe, probe.model, limits.max_tokens)
    except (GenesisError, OSError) as error:
        status = classify(error, provider=probe.provider) or "unknown"
        text = user_message(error, probe.provider, probe.model.model, secrets=(probe.found.key,))
        entry |= {"status": status, "error": text}
    else:
        entry["status"] = "ok"
    return entry | {"latencyMs": round((time.monotonic() - started) * 1000)}


async def _ask(home: Installation, probe: _Probe, ref: ModelRef, max_tokens: int) -> None:
    provider = home.registry.load(probe.provider, home.accounts.api(probe.provider))
    request = ChatRequest(
        Model(ref.model, ref.model, max_tokens=max_tokens),
        (UserMessage((TextBlock(WORD),)),),
        params={"max_tokens": max_tokens},
    )
    async for _ in provider.stream(home.accounts.endpoint(probe.provider, probe.found), request):
        pass
