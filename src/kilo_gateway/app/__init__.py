"""The composition root: builds each room once, hands it what it needs, owns every background task.

gateway.py   the running gateway: start, background work, reload, drain
fleet.py     upstreams as they are now: opened, discovered, kept over a reload
world.py     fleet and settings -> the World that calls see
reload.py    what settings put in force besides the World, and what waits for a restart
accounts.py  keys: the rights file, the store behind it, changes by the command line
home.py      the files in the state directory
server.py    the listening socket and the server on it
rendition.py what a request would become for each deployment, without sending it
offline.py   the same parts without a server, for `check`, `models` and `explain`

Late imports live here and in the command line only: what is not needed to answer the first call is loaded behind it.
"""

from kilo_gateway.app.offline import ProbeResult, explain, offline_catalog, probe
from kilo_gateway.app.rendition import Rendition, renditions

__all__ = ["ProbeResult", "Rendition", "explain", "offline_catalog", "probe", "renditions"]
