"""What operators see; never in anybody's way: no logging call and no library on the path of a call.

log.py        structured lines, JSON or console, secrets struck out
metrics.py    counters and histograms as plain numbers, with bounded cardinality
exposition.py the same in Prometheus' text form (loaded at the first scrape)
"""
