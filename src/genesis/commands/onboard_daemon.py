"""`genesis onboard --install-daemon`: the service is installed, and has to answer within its time."""

import os
import shutil
import time
from collections.abc import Callable

from genesis.auth.profiles import Profiles
from genesis.config.load import load
from genesis.config.paths import Paths
from genesis.core.fault import GenesisError

WAIT_S = 45.0
LOOK_EVERY_S = 0.5


def install_daemon(paths: Paths, *, waits: bool) -> list[str]:
    """Install and start it; sentences about it. Raises GenesisError if it does not answer in time."""
    # Late: most runs of onboarding install nothing.
    from genesis.commands.gateway import health_of
    from genesis.daemon import service
    from genesis.daemon.access import access_of

    loaded = load(paths, os.environ).require()
    access = access_of(loaded, allow_unconfigured=False)
    told = service.install(loaded, Profiles(paths.auth_profiles).load(), os.environ)
    if waits and shutil.which("systemctl") is not None:
        wait_for(lambda: health_of(access) is not None, access.url.replace("http://", "ws://", 1))
    return told


def wait_for(
    answers: Callable[[], bool],
    url: str,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Until the daemon answers. Raises GenesisError after 45 seconds."""
    ends = clock() + WAIT_S
    while not answers():
        if clock() >= ends:
            raise GenesisError(
                f"Gateway did not become reachable at {url}\n"
                "The settings and the key are stored. See `genesis gateway logs`, or add --skip-health."
            )
        sleep(LOOK_EVERY_S)
