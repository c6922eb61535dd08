"""Models and providers, by grant. Rendered once per snapshot and set of rights."""

from collections import OrderedDict
from collections.abc import Mapping

from kilo_gateway.catalog.gemini_listing import render_gemini
from kilo_gateway.catalog.listing import render, render_one, render_providers
from kilo_gateway.catalog.snapshot import Snapshot
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.grant import Grant
from kilo_gateway.edge.probes import JSON, Shown
from kilo_gateway.edge.request import HeaderMap, credential
from kilo_gateway.edge.service import Service
from kilo_gateway.upstreams.profiles import profiles

_PAGES_KEPT = 64
_PREFERRED_SHOWN = 20


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


def providers(service: Service) -> Shown:
    """The upstreams that serve the models."""
    return Shown(200, JSON, render_providers(service.world.snapshot.catalog, _titles(service)))


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
