"""Changes ``crm.toml`` where a command does it for people: plugins are found, switched on and off; comments stay."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmcore.errors import ConfigError, UsageError
from crmcore.i18n import gettext as _
from crmcore.schema.documents import NAME
from crmcore.types import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomlkit import TOMLDocument
    from tomlkit.items import Array

__all__ = ["add_plugin_dir", "disable", "enable"]


def enable(path: Path, name: str) -> bool:
    """Add a plugin to ``enabled``, keeping comments and layout; whether there is such a plugin is not asked.

    Returns:
        Whether the file was changed: False where the plugin is enabled already.

    Raises:
        UsageError: that cannot be the name of a plugin.
        ConfigError: the file cannot be read or written.
    """
    if not NAME.fullmatch(name):
        raise UsageError(_("{name} cannot be the name of a plugin").format(name=name))
    return _edited(path, "enabled", lambda enabled: _added(enabled, name))


def add_plugin_dir(path: Path, folder: Path) -> bool:
    """Add a folder with plugins to ``plugin_dirs``, as it is seen from the folder of the file.

    Returns:
        Whether the file was changed: False where the folder is among them already.

    Raises:
        ConfigError: the file cannot be read or written.
    """
    beside = path.absolute().parent
    seen = Path(os.path.relpath(folder.absolute(), beside)).as_posix()

    def added(folders: Array) -> bool:
        known = [(beside / str(one)).resolve() for one in folders]
        return folder.resolve() not in known and _added(folders, seen)

    return _edited(path, "plugin_dirs", added)


def disable(path: Path, name: str) -> bool:
    """Take a plugin out of ``enabled``; its settings stay for the day when it comes back.

    Returns:
        Whether the file was changed: False where the plugin is not enabled.

    Raises:
        ConfigError: the file cannot be read or written.
    """
    return _edited(path, "enabled", lambda enabled: _removed(enabled, name))


def _added(enabled: Array, name: str) -> bool:
    if name in enabled:
        return False
    enabled.append(name)
    return True


def _removed(enabled: Array, name: str) -> bool:
    if name not in enabled:
        return False
    while name in enabled:
        enabled.remove(name)
    return True


def _edited(path: Path, key: str, change: Callable[[Array], bool]) -> bool:
    """Change a list in the table ``plugins``, and return whether it differs now."""
    import tomlkit  # noqa: PLC0415  # reading a configuration does not need it
    from tomlkit.exceptions import TOMLKitError  # noqa: PLC0415

    try:
        document = tomlkit.parse(path.read_bytes().decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError, TOMLKitError) as error:
        raise _unreadable(path, error) from error
    changed = change(_list(document, key, path))
    if changed:
        try:
            _replace(path.resolve(), tomlkit.dumps(document).encode())
        except OSError as error:
            message = _("cannot be written: {reason}").format(reason=error)
            raise ConfigError([Problem(message=message, code="unwritable", file=path)]) from error
    return changed


def _list(document: TOMLDocument, key: str, path: Path) -> Array:
    """Return the list ``plugins.<key>``; make it where there is none."""
    import tomlkit  # noqa: PLC0415
    from tomlkit.items import Array  # noqa: PLC0415

    plugins: Any = document.setdefault("plugins", tomlkit.table())
    found = plugins.setdefault(key, tomlkit.array()) if hasattr(plugins, "setdefault") else None
    if not isinstance(found, Array):
        message = _("expected a list of texts")
        raise ConfigError([Problem(message=message, code="type", file=path, pointer=f"plugins.{key}")])
    return found


def _unreadable(path: Path, error: Exception) -> ConfigError:
    message = _("cannot be read: {reason}").format(reason=error)
    return ConfigError([Problem(message=message, code="unreadable", file=path, line=getattr(error, "line", None))])


def _replace(path: Path, content: bytes) -> None:
    """Put new content in the place of a file, so that a reader finds the old or the new one, also after a crash."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(path.stat().st_mode & 0o777)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
