"""Who is calling: keys are opaque, stored as SHA-256, looked up in memory.

secret.py   mint a key, check its form, hash it
grants.py   secret -> Grant, from a table that outlives a database outage
rights.py   the table as a file, so that a start and an outage need no database
"""
