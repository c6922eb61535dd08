"""Words of strangers (a server, a file, a model's id) made harmless before people read them: they may not steer a terminal."""


def printable(text: str) -> str:
    """Only what prints; line ends and controls are gone."""
    return "".join(char for char in text if char.isprintable())


def quoted(text: str, most: int = 300) -> str:
    """On one line, only what prints, at most so many characters."""
    return printable(" ".join(text.split()))[:most]
