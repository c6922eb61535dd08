"""close_to_others: what a command starts cannot read the environment and the memory of Genesis, where keys are.

A command gets an environment without keys, but on Linux it could read that of its parent in `/proc`. A process that is not
"dumpable" is closed to all but root. Elsewhere the system keeps such things closed, or there is nothing to be done.
"""

import ctypes
import sys
from functools import cache

_PR_SET_DUMPABLE = 4


@cache
def close_to_others() -> None:
    """Close this process, once; what it starts is not concerned."""
    if sys.platform == "linux":
        # A system that refuses is as open as before: then the rules for commands stand alone.
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
