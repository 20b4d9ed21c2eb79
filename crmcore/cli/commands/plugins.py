"""``crmcore plugins``: what is installed and enabled. Nothing is imported here, so a broken plugin stops nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from attrs import evolve, frozen

from crmcore.cli.commands.plugins_new import new
from crmcore.cli.commands.plugins_purge import purge
from crmcore.cli.instance import Instance, pass_instance
from crmcore.cli.lazy import Group
from crmcore.cli.output import Heading, json_option, print_json, print_pairs, print_table
from crmcore.errors import ConfigError, ManifestError, UsageError
from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from crmcore.config import Config
    from crmcore.manifest import Manifest

__all__ = ["plugins"]


@frozen
class _Listed:
    """A plugin that is installed, enabled, or both."""

    name: str
    enabled: bool
    origin: str = ""
    manifest: Manifest | None = None
    problems: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        if self.problems:
            return _("broken")
        return _("enabled") if self.enabled else _("disabled")

    def as_json(self) -> dict[str, Any]:
        described = self.manifest
        return {
            "name": self.name,
            "enabled": self.enabled,
            "version": described.version if described else None,
            "summary": described.summary if described else None,
            "origin": self.origin or None,
            "problems": list(self.problems),
        }


@click.group(cls=Group, help=_("List plugins, and switch them on and off."))
def plugins() -> None:
    """Group the commands about plugins."""


plugins.add_command(new)
plugins.add_command(purge)


@plugins.command("list", help=_("List the plugins that are installed."))
@json_option(_("Print the plugins as JSON."))
@pass_instance
def list_(instance: Instance, *, as_json: bool) -> None:
    """Print a line for each plugin."""
    found = _listed(_config(instance))
    if as_json:
        print_json([plugin.as_json() for plugin in found])
        return
    headings = [Heading(title) for title in (_("Name"), _("Version"), _("State"), _("Summary"))]
    print_table(headings, [[p.name, p.manifest.version if p.manifest else "", p.state, _summary(p)] for p in found])


@plugins.command(help=_("Show what a plugin brings and needs."))
@click.argument("name")
@json_option(_("Print the plugin as JSON, its settings as a JSON Schema."))
@pass_instance
def info(instance: Instance, name: str, *, as_json: bool) -> None:
    """Print what the manifest says."""
    config = _config(instance)
    plugin = _named(_listed(config), name)
    if as_json:
        print_json(plugin.as_json() | (_manifest_json(plugin.manifest) if plugin.manifest else {}))
        return
    pairs = [(_("Name"), plugin.name), (_("State"), plugin.state), (_("From"), plugin.origin)]
    if plugin.manifest:
        pairs += _manifest_pairs(plugin.manifest, config.written_settings.get(name, {}))
    pairs += [(_("Problem"), problem) for problem in plugin.problems]
    print_pairs([(title, value) for title, value in pairs if value])


@plugins.command(help=_("Enable plugins in crm.toml, whose comments stay."))
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option(
    "--dir",
    "folder",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help=_("The folder that they are in, where they are not installed; it is added to plugin_dirs."),
)
@pass_instance
def enable(instance: Instance, names: Sequence[str], folder: Path | None) -> None:
    """Add plugins to the configuration."""
    from crmcore.config import add_plugin_dir  # noqa: PLC0415  # commands are imported for --help too
    from crmcore.config import enable as enable_in  # noqa: PLC0415  # the same

    config = _config(instance)
    known = _listed(evolve(config, plugin_dirs=[*config.plugin_dirs, folder]) if folder else config)
    for name in names:
        _named(known, name)
    if folder is not None and add_plugin_dir(instance.path, folder):
        click.echo(_("{folder} added to plugin_dirs").format(folder=folder))
    _switch(instance.path, names, enable_in, done=_("{name} enabled"), unchanged=_("{name} is enabled already"))
    click.echo(_("Now run: crmcore db upgrade"))


@plugins.command(help=_("Disable plugins in crm.toml; their settings and their data stay."))
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@pass_instance
def disable(instance: Instance, names: Sequence[str]) -> None:
    """Take plugins out of the configuration."""
    from crmcore.config import disable as disable_in  # noqa: PLC0415  # commands are imported for --help too

    _switch(instance.path, names, disable_in, done=_("{name} disabled"), unchanged=_("{name} is not enabled"))


def _config(instance: Instance) -> Config:
    """Return the configuration as far as it can be read: these commands are there to mend it."""
    from crmcore.config import examine  # noqa: PLC0415  # commands are imported for --help too

    config, problems = examine(instance.path)
    if config is None:
        raise ConfigError(problems)
    return config


def _listed(config: Config) -> list[_Listed]:
    from crmcore.plugins.discovery import discover, manifest_at  # noqa: PLC0415  # commands are imported for --help too
    from crmcore.plugins.loading import missing_packages  # noqa: PLC0415  # the same

    found, _warnings = discover(config)
    listed = []
    for plugin in found:
        enabled = plugin.name in config.enabled
        try:
            manifest = manifest_at(plugin)
        except ManifestError as error:
            listed.append(_Listed(plugin.name, enabled, plugin.origin, None, tuple(map(str, error.problems))))
            continue
        missing = tuple(map(str, missing_packages(manifest))) if enabled else ()
        listed.append(_Listed(plugin.name, enabled, plugin.origin, manifest, missing))
    installed = {plugin.name for plugin in listed}
    absent = [name for name in config.enabled if name not in installed]
    listed += [_Listed(name, enabled=True, problems=(_("it is not installed"),)) for name in absent]
    return sorted(listed, key=lambda plugin: plugin.name)


def _named(known: Sequence[_Listed], name: str) -> _Listed:
    from crmcore.conformance import did_you_mean  # noqa: PLC0415  # commands are imported for --help too

    for plugin in known:
        if plugin.name == name:
            return plugin
    message = _("there is no plugin {name!r}").format(name=name)
    raise UsageError(message, hint=did_you_mean(name, [plugin.name for plugin in known]))


def _summary(plugin: _Listed) -> str:
    return plugin.problems[0] if plugin.problems else plugin.manifest.summary if plugin.manifest else ""


def _switch(
    path: Path, names: Sequence[str], switch: Callable[[Path, str], bool], *, done: str, unchanged: str
) -> None:
    for name in names:
        click.echo((done if switch(path, name) else unchanged).format(name=name))


def _manifest_pairs(manifest: Manifest, written: Mapping[str, Any]) -> list[tuple[str, str]]:
    settings = [_setting(name, schema, written) for name, schema in manifest.config.get("properties", {}).items()]
    return [
        (_("Version"), manifest.version),
        (_("Summary"), manifest.summary),
        (_("Needs core"), manifest.requires_core),
        (_("Needs plugins"), ", ".join(manifest.requires)),
        (_("Starts after"), ", ".join(manifest.after)),
        (_("Needs packages"), ", ".join(manifest.needs)),
        (_("Settings"), "\n".join(settings)),
        (_("Commands"), "\n".join(f"{command.name}  {command.summary}" for command in manifest.commands)),
        (_("Listens to"), "\n".join(f"{hook}: {', '.join(names)}" for hook, names in manifest.listens.items())),
    ]


def _setting(name: str, schema: Mapping[str, Any], written: Mapping[str, Any]) -> str:
    """Return a setting as crm.toml would say it: what is written there, else the default."""
    value = written.get(name, schema.get("default"))
    said = name if value is None else f"{name} = {json.dumps(value, ensure_ascii=False)}"
    title = schema.get("title", "")
    return f"{said}  # {title}" if title else said


def _manifest_json(manifest: Manifest) -> dict[str, Any]:
    return {
        "requires_core": manifest.requires_core or None,
        "requires": list(manifest.requires),
        "after": list(manifest.after),
        "needs": dict(manifest.needs),
        "config": manifest.config,
        "commands": [{"name": command.name, "summary": command.summary} for command in manifest.commands],
        "listens": {hook: list(names) for hook, names in manifest.listens.items()},
    }
