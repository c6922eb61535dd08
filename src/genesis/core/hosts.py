"""Which hosts and URLs are of this machine, or of the network that it stands in. No name is looked up."""

from ipaddress import ip_address
from urllib.parse import urlsplit

_ANY = "0.0.0.0"  # noqa: S104 - compared, not bound
_OWN_NETWORK = (".localhost", ".local")


def is_loopback(host: str) -> bool:
    """Whether an address, or `localhost`, is of this machine alone."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def is_local_url(url: str) -> bool:
    """Whether a URL names this machine, or one that only its own network knows."""
    try:
        host = (urlsplit(url).hostname or "").lower()
    except ValueError:  # brackets that hold no address
        return False
    return is_loopback(host) or host == _ANY or host.endswith(_OWN_NETWORK)
