"""TLS contexts: one for all upstreams that trust the system's store, one more per CA file."""

import ssl


class TlsContexts:
    """Builds each client context on first use (it costs 20 ms) and keeps it."""

    __slots__ = ("_contexts",)

    def __init__(self) -> None:
        self._contexts: dict[str | None, ssl.SSLContext] = {}

    def context(self, ca_file: str | None) -> ssl.SSLContext:
        """The context that trusts the system's store and, if given, the certificates of `ca_file` (PEM).

        Raises OSError (ssl.SSLError among them) if the file cannot be read or holds no certificate.
        """
        context = self._contexts.get(ca_file)
        if context is None:
            context = ssl.create_default_context()
            context.set_alpn_protocols(["http/1.1"])
            if ca_file is not None:
                context.load_verify_locations(cafile=ca_file)
            self._contexts[ca_file] = context
        return context
