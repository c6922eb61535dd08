"""Which models exist, where, and at what price. Pure: no network, no files but the shipped ones.

Listed     one model as its upstream lists it; Source: one upstream of them; Override: the operator's word (source.py)
Facts      shipped facts of well-known models, read when first asked for                                   (facts.py)
PriceTable dated prices as plain values, with dump and load for a cache file                         (price_table.py)
make_table the price table from genai-prices; slow to import, so import it late                            (prices.py)
Catalog    names -> deployments by one look-up; Model: what clients see of one                            (catalog.py)
build      sources, aliases, facts, prices and overrides -> Catalog                                         (build.py)
Snapshot   the immutable world that one call sees; make_snapshot works out the order of kilo/auto        (snapshot.py)
render     the answers of /models, /models/{id} and /providers                                            (listing.py)
"""
