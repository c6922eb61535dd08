"""What `genesis onboard --reset` takes away. Conversations and the workspace are moved aside, not deleted; keys are deleted."""

from datetime import UTC, datetime
from pathlib import Path

from genesis.config.files import back_up, make_private_dir
from genesis.config.paths import Paths

CREDENTIALS = "config+creds+sessions"
FULL = "full"


def takes_keys(scope: str) -> bool:
    """Does this reset forget stored keys?"""
    return scope in {CREDENTIALS, FULL}


def reset(paths: Paths, scope: str, at: datetime) -> list[str]:
    """Take away what the scope names; sentences about it. Of workspaces only the default one is ever moved."""
    told = []
    if paths.config_path.exists():
        back_up(paths.config_path)
        paths.config_path.unlink()
        kept = paths.config_path.with_name(paths.config_path.name + ".bak")
        told.append(f"The old settings are kept in {paths.shown(kept)}")
    if not takes_keys(scope):
        return told
    for path in (paths.auth_profiles, paths.auth_state, paths.models_file):
        if path.exists():
            path.unlink()
            told.append(f"Deleted {paths.shown(path)}")
    aside = paths.state_dir / "removed" / at.astimezone(UTC).strftime("%Y%m%d-%H%M%S")
    folders = [paths.sessions_dir] + ([paths.workspace_default] if scope == FULL else [])
    return told + [_moved(paths, folder, aside) for folder in folders if folder.exists()]


def _moved(paths: Paths, folder: Path, aside: Path) -> str:
    make_private_dir(aside)
    target = aside / folder.name
    folder.rename(target)
    return f"Moved {paths.shown(folder)} to {paths.shown(target)}"
