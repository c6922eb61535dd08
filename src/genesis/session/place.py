"""In which folder an agent works: the one that was asked for, the settings', or where the person is."""

from pathlib import Path

from genesis.config.files import make_private_dir
from genesis.config.paths import Paths
from genesis.config.schema import Settings
from genesis.core.fault import GenesisError
from genesis.core.text import one_line
from genesis.tools.workspace import Workspace


def workspace_folder(
    paths: Paths, settings: Settings, *, chosen: Path | None = None, folder: Path | None = None
) -> Path:
    """`chosen` is a flag, `folder` where the person is.

    The workspace that onboarding writes stands for "none was chosen": a person who begins in a project means that
    project. Their home, and what lies above it, is no project.
    """
    if chosen is not None:
        return chosen.expanduser().absolute()
    text = (settings.agents.defaults.workspace or "").strip()
    configured = paths.expand(text) if text else paths.workspace_default
    if configured != paths.workspace_default or folder is None:
        return configured
    is_too_wide = paths.home.resolve().is_relative_to(folder.resolve())
    is_own = folder.resolve().is_relative_to(paths.state_dir.resolve())
    return configured if is_too_wide or is_own else folder


def open_workspace(paths: Paths, root: Path) -> Workspace:
    """The workspace, with the state of Genesis out of bounds. The default one is made if it is missing."""
    if root == paths.workspace_default:
        make_private_dir(root)
    if not root.is_dir():
        raise GenesisError(
            f"The workspace {one_line(str(root))} is no folder. Make it, or choose another with --workspace."
        )
    private = [paths.state_dir, paths.config_path, paths.home / ".config" / "genesis"]
    return Workspace(root, home=paths.home, protected=private, open_inside=paths.workspace_default)
