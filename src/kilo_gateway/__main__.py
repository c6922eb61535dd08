"""`python -m kilo_gateway` is the same program as `kilo-gateway`."""

from kilo_gateway.cli.main import main

if __name__ == "__main__":
    main()
