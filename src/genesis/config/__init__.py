"""Settings and the environment: where files are, what they say, what is in force. Knows nothing of providers.

paths.py          Paths: every file and folder of Genesis, from GENESIS_HOME, GENESIS_STATE_DIR, GENESIS_CONFIG_PATH
files.py          private files: 0600, whole or not at all, with rotated backups
document.py       one settings file: JSON5 in, two-space JSON out
section.py        what sections are made of: strict keys, secrets
schema.py         Settings: every setting with its type, default and meaning
schema_models.py  the same for providers and models
validate.py       what is wrong with a settings file, each issue with its path, its message, and a name that was meant
substitution.py   `${VAR}` in texts of the settings
dotenv.py         `.env` files, trusted and untrusted
environment.py    the environment in force: process, `.env` files, the settings' `env` block, the login shell
shell_env.py      what is imported from the login shell, and when
load.py           load() and edit(): the doors that others use
"""
