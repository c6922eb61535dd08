"""Settings and the environment: where files are, what they say, what is in force. Knows nothing of providers.

paths.py          Paths: every file and folder of Genesis, from GENESIS_HOME, GENESIS_STATE_DIR, GENESIS_CONFIG_PATH
files.py          private files: 0600, whole or not at all, with rotated backups
json5_text.py     reads JSON5 and remembers where each value stands
splice.py         changes a JSON5 text in place
document.py       one settings file: what it holds, and its text after a change
section.py        what sections are made of: strict keys, secrets
schema.py         Settings: every setting with its type, default and meaning
schema_models.py  the same for providers and models
shape.py          what the type of a setting may hold
setting_path.py   `a.b[0].c`: finds, puts and takes away
validate.py       what is wrong with a settings file, each issue with its path, its message, and a name that was meant
reference.py      the table of settings and the JSON Schema
substitution.py   `${VAR}` in texts of the settings
dotenv.py         `.env` files, trusted and untrusted
environment.py    the environment in force: process, `.env` files, the settings' `env` block, the login shell
shell_env.py      what is imported from the login shell, and when
login_shell.py    runs the login shell
load.py           load() and edit(): the doors that others use
doctor.py         what is wrong with an installation, and how it is mended
"""
