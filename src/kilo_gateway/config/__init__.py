"""Settings, declared once: read from a file and the environment, checked whole, explained with file and line.

Settings   every setting with its type, limits, default and one sentence   (schema.py)
Loaded     settings of one file and environment, and all that is wrong      (load.py)
Problem    one thing that is wrong: where, file, line, what to do           (problem.py)
outline    where each key stands in a TOML text                             (locate.py)
walk       wrong types and unknown keys, all of them at once                (walk.py)
overrides  KILO_GATEWAY__SECTION__NAME variables                            (overrides.py)
checks     what one type cannot tell: vendors, URLs, aliases, secrets       (checks.py)
resolve    "env:NAME", "file:PATH" or literal text -> Secret                (secrets.py)
Watch      has the file changed?                                            (watch.py)
"""
