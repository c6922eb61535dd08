"""The table of URLs, all of them. One handler set under every prefix; a trailing slash is fine."""

from typing import Literal, NamedTuple

from kilo_gateway.core.deployment import Operation

PREFIXES = (
    "/v1",
    "/api/v1",
    "/api/gateway",
    "/api/gateway/v1",
    "/api/openrouter",
    "/api/openrouter/v1",
)

Page = Literal["models", "providers", "front", "live", "ready", "metrics"]


class Route(NamedTuple):
    """One row: the method it takes, what it runs (`operation`) or shows (`page`), and one sentence for the docs."""

    method: Literal["POST", "GET"]
    operation: Operation | None
    page: Page | None
    purpose: str


# Below every prefix.
API: dict[str, Route] = {
    "/chat/completions": Route("POST", "chat", None, "Chat Completions, whole or streamed."),
    "/completions": Route(
        "POST", "completions", None, "Completions of a prompt, whole or streamed."
    ),
    "/embeddings": Route("POST", "embeddings", None, "Embeddings of texts."),
    "/models": Route(
        "GET", None, "models", "Models that the key may use; `/models/{id}` is one of them."
    ),
    "/providers": Route("GET", None, "providers", "Upstreams that serve these models."),
}

# Below none.
OWN: dict[str, Route] = {
    "/": Route("GET", None, "front", "What this server is."),
    "/health/live": Route("GET", None, "live", "200 while the process runs."),
    "/health/ready": Route(
        "GET", None, "ready", "200 while calls are served, else 503 with the reason."
    ),
    "/metrics": Route("GET", None, "metrics", "Prometheus metrics."),
}

# Paths of the wire contract that this release does not serve yet.
LATER = (
    "/responses",
    "/messages",
    "/messages/count_tokens",
    "/rerank",
    "/moderations",
    "/audio/transcriptions",
    "/audio/speech",
    "/images/generations",
    "/models-by-provider",
    "/embedding-models",
)
_LATER_ROOTS = ("/v1beta/", "/api/fim/")

ROUTES: dict[str, Route] = OWN | {
    prefix + path: route for prefix in PREFIXES for path, route in API.items()
}
_LATER = frozenset(prefix + path for prefix in PREFIXES for path in LATER)
_ONE_MODEL = tuple(f"{prefix}/models/" for prefix in PREFIXES)


def find(path: str) -> tuple[Route, str] | None:
    """The row of a path, and the model id if the path names one; None if there is no such path."""
    route = ROUTES.get(path)
    if route is not None:
        return route, ""
    if len(path) > 1 and path.endswith("/"):
        return find(path.rstrip("/") or "/")
    for head in _ONE_MODEL:
        if path.startswith(head):
            return API["/models"], path[len(head) :]
    return None


def is_later(path: str) -> bool:
    """Whether a path belongs to the wire contract but is not served yet."""
    return path.rstrip("/") in _LATER or path.startswith(_LATER_ROOTS)


def is_api(path: str) -> bool:
    """Whether a path lies below one of the prefixes."""
    return path.startswith(tuple(f"{prefix}/" for prefix in PREFIXES))
