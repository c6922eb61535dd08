"""Chooses deployments for a call: pure functions of values, clock and dice.

planner.py      model names -> Plan, or the Fault that says why there is none
eligibility.py  hard constraints, each rejection with its code and sentence
policies.py     the order among what is eligible
health.py       circuit breaker and averages per deployment
"""
