"""Repair rules: what is mended in a client's request before it goes upstream, in the client's own dialect.

rule.py               Rule, Facts, and the walk over the rules that concern a call
table.py              all rules, in the order in which they are applied
tool_turns.py         calls without a result, results without a call, ids that come twice
tool_results.py       NUL bytes that no vendor takes; `$ref` that Gemini follows
tool_ids.py           ids in the alphabet of the vendor
cache_marks.py        cache breakpoints where a client set none
members.py            members that no upstream knows, and those that it needs
provider_order.py     which of its providers a router should ask first
thoughts.py           thoughts that come back from the client
identities.py         the user's name as a hash of its own for each upstream

Each rule has a name, a sentence, a test and a switch (`[rules]` in the settings); `kilo-gateway explain --request` shows which
would be applied. A rule looks at bytes first: a request that needs no mending is not parsed.
"""
