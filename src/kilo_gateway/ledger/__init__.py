"""What it cost and who pays: append-only, in local files first, never waiting for a database.

Attribution   who asked for what, with which client    (entry.py)
Opening       what is known before an attempt          (entry.py)
Entry         the record of one attempt that has ended (entry.py)
cost          Usage x Price -> whole nanodollars       (pricing.py)
Segment       one preallocated, memory-mapped file     (segment.py)
Spool         the segments of one directory            (spool.py)
Journal       openings and entries in the spool        (journal.py)
former_entry  a record that a former version left      (former.py)
Settler       journal -> priced entries -> sink        (settle.py)
UsageRow      one line of a usage table                (reports.py)
"""
