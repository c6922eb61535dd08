"""Where the daemon listens and who may talk to it. Pure."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from genesis.config.load import Loaded
from genesis.config.section import SecretSetting
from genesis.core.fault import GenesisError
from genesis.core.hosts import is_loopback
from genesis.core.secret import Secret

TOKEN_VARIABLE = "GENESIS_GATEWAY_TOKEN"  # noqa: S105 - the variable's name
PASSWORD_VARIABLE = "GENESIS_GATEWAY_PASSWORD"  # noqa: S105 - the variable's name


@dataclass(frozen=True)
class Access:
    """An address and the secret that clients send; None where the settings ask for none."""

    host: str
    port: int
    secret: Secret | None

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect."""
        return is_loopback(self.host)

    @property
    def url(self) -> str:
        """Where a client on this machine reaches it."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104 - compared, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def lets_in(self, headers: Mapping[str, str]) -> bool:
        """Whether a request shows the secret; compared in constant time."""
        if self.secret is None:
            return True
        scheme, _, shown = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return False
        shown = shown.strip()
        return hmac.compare_digest(shown.encode(), self.secret.reveal().encode())

    def knows_host(self, host: str) -> bool:
        """Whether a request's Host header means us: a page in a browser must not reach the daemon by a name of its own."""
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        return not self.is_loopback or is_loopback(name)


def access_of(loaded: Loaded, *, allow_unconfigured: bool = True) -> Access:
    """The settings' address and secret. Raises GenesisError where they would let strangers in."""
    gateway = loaded.settings.gateway
    if gateway.mode == "remote" and not allow_unconfigured:
        raise GenesisError(
            'The daemon does not start here: gateway.mode is "remote", so it is elsewhere (gateway.remote.url). '
            "`genesis config set gateway.mode local` brings it here; --allow-unconfigured starts it all the same."
        )
    if gateway.mode != "local" and not allow_unconfigured:
        raise GenesisError(
            'The daemon does not start before it is set up: gateway.mode is not "local". '
            "Run `genesis onboard`, or add --allow-unconfigured."
        )
    hosts = {"loopback": "127.0.0.1", "lan": "0.0.0.0", "custom": gateway.custom_bind_host or ""}  # noqa: S104 - asked for by name
    host = hosts[gateway.bind]
    if not host:
        raise GenesisError("gateway.bind is custom, and gateway.customBindHost names no address.")
    secret: Secret | None = None
    if gateway.auth.mode == "token":
        secret = secret_of(gateway.auth.token, loaded.environ, TOKEN_VARIABLE)
    elif gateway.auth.mode == "password":
        secret = secret_of(gateway.auth.password, loaded.environ, PASSWORD_VARIABLE)
    if secret is None and gateway.auth.mode == "password":
        raise GenesisError(
            "gateway.auth.mode is password, and there is no password: set gateway.auth.password, "
            f"or {PASSWORD_VARIABLE} in {loaded.paths.shown(loaded.paths.dotenv)}."
        )
    if secret is None and not is_loopback(host):
        raise GenesisError(
            f"The daemon does not listen on {host} without a token: anybody who reaches it could run commands here. "
            "Set gateway.auth.token, or gateway.bind to loopback."
        )
    return Access(host, gateway.port, secret)


def secret_of(
    setting: SecretSetting | None, environ: Mapping[str, str], variable: str
) -> Secret | None:
    """The secret that a setting gives or refers to; without a setting, the variable's."""
    if setting is not None and setting.literal is not None and setting.literal:
        return setting.literal
    name = setting.ref.id if setting is not None and setting.ref is not None else variable
    text = environ.get(name, "").strip()
    return Secret(text) if text else None
