"""The `genesis` command. The agent itself arrives with its own release; today it only tells so."""

import argparse
import sys

from genesis import __version__


def main() -> int:
    """Answer `--version` and `--help`; anything else says that there is no agent yet (exit code 2)."""
    parser = argparse.ArgumentParser(
        prog="genesis", description="Terminal agent for LLM gateways (not released yet)."
    )
    parser.add_argument("--version", action="version", version=f"genesis {__version__}")
    parser.parse_args()
    sys.stderr.write(
        "genesis: this release holds the gateway only; the agent comes with a later one.\n"
        "Any OpenAI-compatible client works today: see `kilo-gateway up`.\n"
    )
    return 2


if __name__ == "__main__":
    raise SystemExit(main())
