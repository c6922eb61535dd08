"""Runs one call from admission to settlement. Start reading at relay.py.

relay.py       the story: plan, attempts, first byte, settlement
run.py         the state of one call while it runs
next_step.py   pure: after a fault, the same again, the next, or give up
turns.py       which candidate is asked next, and after which wait
reply.py       the protocol to which a call's answer is written
settle.py      what an ended attempt leaves: entry, health, metrics, log line
heads.py       the headers that tell the client what happened
"""
