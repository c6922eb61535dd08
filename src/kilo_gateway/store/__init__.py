"""The only room that speaks SQL: keys and entries in SQLite (or PostgreSQL), by SQLAlchemy Core.

tables      keys, entries, meta                              (tables.py)
Store       everything asked of the database                 (store.py)
connect     the engine, as each database wants it            (engine.py)
KeyRow      a key as it is stored                            (rows.py)
migrate     brings a database to the present tables          (migrate.py, migrations/)
"""
