"""Models and providers, by grant. Rendered once per snapshot and set of rights."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec

from kilo_gateway.catalog.embedding_listing import render_embeddings
from kilo_gateway.catalog.gemini_listing import render_gemini
from kilo_gateway.catalog.listing import (
    AUTO_ID,
    render,
    render_one,
    render_providers,
    render_serving,
)
from kilo_gateway.catalog.provider_listing import render_by_provider, render_endpoints
from kilo_gateway.catalog.snapshot import Snapshot
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.grant import Grant
from kilo_gateway.dialects.body import read_fields, text_of
from kilo_gateway.edge.probes import JSON, Shown
from kilo_gateway.edge.request import HeaderMap, Inbound, credential, read_body
from kilo_gateway.edge.service import Service
from kilo_gateway.router.planner import AUTO_MODELS
from kilo_gateway.upstreams.profiles import profiles

_PAGES_KEPT = 64
_PREFERRED_SHOWN = 20
_MOST_ASKED_BYTES = 64 * 1024
_OWN = b"cache-control: private, no-store\r\n"
_REVALIDATED = b"cache-control: private, max-age=0, must-revalidate\r\n"
_SHARED = b"cache-control: public, s-maxage=60, stale-while-revalidate=60\r\n"


class Pages:
    """The last rendered list of each set of rights; a few of them, since most keys share theirs."""

    def __init__(self) -> None:
        self._pages: OrderedDict[tuple[str, ...] | None, tuple[Snapshot, bytes]] = OrderedDict()

    def models(self, service: Service, grant: Grant | None) -> bytes:
        """The list that a grant may see."""
        snapshot = service.world.snapshot
        rights = None if grant is None else grant.models
        kept = self._pages.get(rights)
        if kept is not None and kept[0] is snapshot:
            return kept[1]
        page = render(
            snapshot.catalog,
            grant,
            preferred=snapshot.preferred[:_PREFERRED_SHOWN],
            now=service.clock.wall(),
            auto=snapshot.auto_models,
        )
        self._pages[rights] = (snapshot, page)
        self._pages.move_to_end(rights)
        if len(self._pages) > _PAGES_KEPT:
            self._pages.popitem(last=False)
        return page


def models(service: Service, pages: Pages, headers: HeaderMap, model_id: str) -> Shown:
    """All models, or the one that the path names. A missing or broken key never fails the list (gateway.md 13)."""
    grant = _grant(service, headers)
    if not model_id:
        return Shown(200, JSON, pages.models(service, grant))
    snapshot = service.world.snapshot
    body = render_one(
        snapshot.catalog,
        model_id,
        grant,
        preferred=snapshot.preferred[:_PREFERRED_SHOWN],
        now=service.clock.wall(),
        auto=snapshot.auto_models,
    )
    if body is None:
        near = snapshot.nearest(model_id)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise Fault(Kind.MODEL_NOT_FOUND, f"There is no model {model_id[:200]!r} here.{hint}")
    return Shown(200, JSON, body)


def gemini_models(service: Service, headers: HeaderMap, model_id: str) -> Shown:
    """All models in Gemini's form, or the one that the path names."""
    snapshot = service.world.snapshot
    grant = _grant(service, headers)
    body = render_gemini(snapshot.catalog, snapshot.auto_models, grant, model_id)
    if body is None:
        raise Fault(Kind.MODEL_NOT_FOUND, f"There is no model {model_id[:200]!r} here.")
    return Shown(200, JSON, body)


def providers(service: Service, _headers: HeaderMap, _model_id: str) -> Shown:
    """The upstreams that serve the models."""
    return Shown(200, JSON, render_providers(service.world.snapshot.catalog, _titles(service)))


def by_provider(service: Service, headers: HeaderMap, _model_id: str) -> Shown:
    """The upstreams, each with its models (gateway.md 12.7)."""
    snapshot, grant = service.world.snapshot, _grant(service, headers)
    body = render_by_provider(
        snapshot.catalog, grant, _titles(service), made_at=snapshot.made_at or service.clock.wall()
    )
    return Shown(200, JSON, body, _kept(grant, _REVALIDATED))


def endpoints(service: Service, headers: HeaderMap, model_id: str) -> Shown:
    """The deployments of one model (gateway.md 12.6)."""
    snapshot, grant = service.world.snapshot, _grant(service, headers)
    body = render_endpoints(snapshot.catalog, model_id, grant, _titles(service))
    if body is None:
        raise Fault(Kind.MODEL_NOT_FOUND, f"There is no model {model_id[:200]!r} here.")
    return Shown(200, JSON, body, _kept(grant, _SHARED))


def embedding_models(service: Service, headers: HeaderMap, _model_id: str) -> Shown:
    """The embedding models (gateway.md 12.3). Raises Fault not_found where there are none."""
    body = render_embeddings(service.world.snapshot.catalog, _grant(service, headers))
    if body is None:
        raise Fault(
            Kind.NOT_FOUND,
            "No upstream here serves an embedding model whose width is known: add one that does.",
        )
    return Shown(200, JSON, body)


def transcription_models(service: Service, headers: HeaderMap, _model_id: str) -> Shown:
    """The models that turn speech into text."""
    catalog, grant = service.world.snapshot.catalog, _grant(service, headers)
    return Shown(
        200, JSON, render_serving(catalog, grant, "transcriptions", now=service.clock.wall())
    )


def defaults(service: Service, headers: HeaderMap, _model_id: str) -> Shown:
    """Models for clients that have not chosen: `kilo/auto`, and the first that costs nothing (none: `kilo/auto`, too)."""
    snapshot, grant = service.world.snapshot, _grant(service, headers)
    free = next(
        (
            name
            for name in snapshot.auto_models
            if _is_free(snapshot, name) and (grant is None or grant.may_use(name.lower()))
        ),
        AUTO_ID,
    )
    body = msgspec.json.encode({"defaultModel": AUTO_ID, "defaultFreeModel": free})
    return Shown(200, JSON, body)


def _is_free(snapshot: Snapshot, name: str) -> bool:
    model = snapshot.catalog.model(name)
    return model is not None and model.price is not None and model.price.is_free


async def validate(service: Service, inbound: Inbound) -> Shown:
    """Whether a model is there for whoever asks (gateway.md 12.5). Raises Fault invalid_request for another body."""
    limit_bytes = min(_MOST_ASKED_BYTES, service.world.limits.max_body_bytes)
    body = await read_body(inbound.next_piece, inbound.headers, limit_bytes)
    raw = read_fields(body).get("modelId")
    name = (text_of(raw) or "").strip() if raw is not None else ""
    if not name:
        raise Fault(
            Kind.INVALID_REQUEST, "The field modelId must be the id of a model.", param="modelId"
        )
    is_there = _is_there(service.world.snapshot, name, _grant(service, inbound.headers))
    told = {"valid": True} if is_there else {"valid": False, "reason": "unavailable"}
    return Shown(200, JSON, msgspec.json.encode(told))


def _is_there(snapshot: Snapshot, name: str, grant: Grant | None) -> bool:
    found = snapshot.candidates(name)
    if name.lower() in AUTO_MODELS and not found:
        found = tuple(group[0] for group in snapshot.auto_candidates())
    return any(grant is None or grant.may_use(one.model.lower()) for one in found)


def _kept(grant: Grant | None, public: bytes) -> bytes:
    """How long a list may be kept: what a key sees is its own."""
    return public if grant is None or not grant.models else _OWN


LISTS: Mapping[str, Callable[[Service, HeaderMap, str], Shown]] = MappingProxyType(
    {
        "providers": providers,
        "by_provider": by_provider,
        "endpoints": endpoints,
        "embedding_models": embedding_models,
        "transcription_models": transcription_models,
        "defaults": defaults,
    }
)


def _titles(service: Service) -> Mapping[str, str]:
    rows = profiles()
    return {
        name: rows[upstream.account.profile.name].title
        for name, upstream in service.world.view.upstreams.items()
        if upstream.account.profile.name in rows
    }


def _grant(service: Service, headers: HeaderMap) -> Grant | None:
    key = credential(headers)
    if key is None:
        return None
    try:
        return service.grants.find(key)
    except Fault:
        return None
