"""The vocabulary: frozen values and pure arithmetic. Imports nothing of ours, does no I/O.

Call      what one client asked, kept as received        (call.py)
Grant     what the presenting key may do                 (grant.py)
Deployment  one model at one upstream, facts only        (deployment.py)
Plan      deployments to try, in order, and why          (plan.py)
Usage     token buckets, inclusive; unknown is None      (usage.py)
Price     dated money per token, whole nanodollars       (money.py)
Fault     what went wrong, of which kind, on whose side  (fault.py)
strike    keys, accounts and addresses out of a text      (redaction.py)
"""
