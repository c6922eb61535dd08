"""Takes whatever looks like a key out of a provider's text, before anybody reads it: some providers quote keys back."""

import re

from genesis.core.secret import Secret

HIDDEN = "***"
_LOOKS_LIKE_A_KEY = re.compile(
    r"(?i:\bbearer\s+)[^\s\"',;]+"
    r"|\b(?:sk|pk|rk|kg|kk|gsk|xai|ghp|gho|glpat|hf|nvapi|pplx)[-_](?!_)[\w.*-]{6,}"
    r"|\bAIza[\w-]{10,}|\beyJ[\w-]{8,}(?:\.[\w-]+){0,2}"
    r"|(?i:\b(?:api[ _-]?key|token|secret|password)(?: provided)?[\"']?\s*[:=]\s*[\"']?)(?=[\w./+=-]*[\d*])[\w.*/+=-]{4,}"
    # Model ids are as long, but have dashes or dots in them.
    r"|\b(?=\w*\d)(?=\w*[A-Za-z])\w{32,}"
)


def redacted(text: str, *secrets: Secret) -> str:
    """The text without the secrets that are known, and without what looks like one."""
    # The longest first: one may be a part of another.
    for secret in sorted(secrets, key=lambda one: -len(one.reveal())):
        if secret:
            text = text.replace(secret.reveal(), HIDDEN)
    return _LOOKS_LIKE_A_KEY.sub(HIDDEN, text)
