"""The answers of /models-by-provider and /models/{id}/endpoints: who serves which model, at what price (gateway.md 12.6, 12.7)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from kilo_gateway.catalog.catalog import Catalog, Model
from kilo_gateway.catalog.listing import UNKNOWN_CONTEXT, data_policy, open_to, pricing
from kilo_gateway.core.deployment import Deployment
from kilo_gateway.core.grant import Grant

Titles = Mapping[str, str]


def render_by_provider(
    catalog: Catalog, grant: Grant | None, titles: Titles, *, made_at: float
) -> bytes:
    """The upstreams, each with its models that the grant opens (None: all). `titles` are names for people by upstream."""
    providers: dict[str, dict[str, Any]] = {}
    models = open_to(grant, catalog)
    for model in models:
        for one in model.deployments:
            provider = providers.setdefault(one.upstream, _provider(one, model, titles))
            provider["models"].append(_model(one, model, titles))
    return msgspec.json.encode(
        {
            "providers": list(providers.values()),
            "total_providers": len(providers),
            "total_models": len(models),
            "generated_at": _moment(made_at),
        }
    )


def _provider(one: Deployment, model: Model, titles: Titles) -> dict[str, Any]:
    return {
        "name": one.upstream,
        "displayName": titles.get(one.upstream, one.upstream),
        "slug": one.upstream,
        "dataPolicy": data_policy(one, is_own=model.is_self_hosted),
        "models": [],
    }


def _model(one: Deployment, model: Model, titles: Titles) -> dict[str, Any]:
    return {
        "slug": model.id,
        "name": model.name,
        "author": model.id.partition("/")[0] if "/" in model.id else one.upstream,
        "description": model.description,
        "context_length": one.limits.context or UNKNOWN_CONTEXT,
        "input_modalities": model.input_modalities,
        "output_modalities": model.output_modalities,
        "group": model.tokenizer or "Other",
        "updated_at": _moment(model.created) if model.created else None,
        "endpoint": {
            "provider_display_name": titles.get(one.upstream, one.upstream),
            "is_free": one.price is not None and one.price.is_free,
            "pricing": pricing(one.price),
        },
    }


def render_endpoints(
    catalog: Catalog, name: str, grant: Grant | None, titles: Titles
) -> bytes | None:
    """The deployments of one model; None if there is no such model, or the grant does not open it."""
    model = catalog.model(name)
    if model is None or (grant is not None and not grant.may_use(model.id.lower())):
        return None
    data = {
        "id": model.id,
        "name": model.name,
        "created": model.created,
        "description": model.description,
        "architecture": {
            "modality": f"{'+'.join(model.input_modalities)}->{'+'.join(model.output_modalities)}",
            "input_modalities": model.input_modalities,
            "output_modalities": model.output_modalities,
            "tokenizer": model.tokenizer or "Other",
            "instruct_type": None,
        },
        "endpoints": [_endpoint(one, model, titles) for one in model.deployments],
    }
    return msgspec.json.encode({"data": data})


def _endpoint(one: Deployment, model: Model, titles: Titles) -> dict[str, Any]:
    title = titles.get(one.upstream, one.upstream)
    return {
        "name": f"{title} | {model.id}",
        "model_name": model.name,
        "provider_name": title,
        "tag": one.upstream,
        "context_length": one.limits.context or UNKNOWN_CONTEXT,
        "max_completion_tokens": one.limits.output,
        "pricing": pricing(one.price),
        "quantization": one.site.quantization or None,
        "supported_parameters": sorted(one.parameters) or model.parameters,
    }


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
