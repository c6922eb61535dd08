"""Talks to vendors: knows HTTP, credentials and vendors' habits, not conversations.

Target      where an upstream is: parsed base URL, CA file, proxy             (target.py)
Proxy       an HTTP proxy on the way to a target, and when it is taken        (proxies.py)
Dialer      opens one connection: addresses, proxy, TLS                       (dialer.py, tls.py)
Connection  one HTTP/1.1 connection: writes a request, feeds a Reply          (outbox.py      small writes of one round of the event loop, sent together
connection.py)
Reply       bytes of one connection -> status, headers, body; does no I/O     (reply.py)
Lanes       who waits for a connection, served in turn by key                 (lanes.py)
Pool        all connections of one upstream: cap, reuse, deadlines            (pool.py)
Exchange    one request and its reply, as the relay sees them: `send`, `read` (exchange.py)
Decoder     undoes the content-encoding of a reply, bounded                   (encodings.py)
Upstream    an account at a vendor: URL, credential, pool, the vendor's ways  (upstream.py)
Profile     one vendor as a row: URL, dialect, credential, quirks             (profiles.py)
Listed      the models that an upstream says it serves                        (discovery.py)
classify    a vendor's error reply -> Fault                                   (faults.py, retry_after.py)

The order of a call: `send` takes an idle connection from the pool or waits in its lane for one, or dials; the
request is written once and never sent twice; `read` gives the body as it comes; `close` gives the connection back
if the reply was complete and kept alive, else aborts it. One timer per pool watches all deadlines.
"""
