"""Which models there are: discovered, configured and static ones together, kept in `models.json` between starts.

merge.py      what was discovered, configured and is static as one list, field by field
file.py       `models.json`: read, and written without secrets when it changed
catalog.py    Catalog: models by provider and by reference
discovery.py  asks providers once at a time, beside whatever else happens
"""
