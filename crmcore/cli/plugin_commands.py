"""Commands that plugins bring: known from manifests, so that ``--help`` imports no plugin; imported when they run."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import click
from attrs import frozen

from crmcore.cli.lazy import Command
from crmcore.errors import CRMError, ManifestError, PluginError, UsageError
from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from crmcore.manifest import Command as Declared
    from crmcore.manifest import Manifest
    from crmcore.plugins.discovery import Found

__all__ = ["Offer", "PluginCommand", "offers"]


@frozen
class Offer:
    """A command in the manifest of an enabled plugin."""

    found: Found
    manifest: Manifest
    declared: Declared

    def imported(self) -> click.Command:
        """Import the plugin and return the click command.

        Raises:
            PluginError: the import failed, or what the manifest names is no click command.
        """
        from crmcore.plugins.loading import import_plugin  # noqa: PLC0415  # only a command that runs needs it

        import_plugin(self.found, self.manifest.version)
        module, _colon, name = self.declared.function.partition(":")
        try:
            command = getattr(import_module(module), name)
            if not isinstance(command, click.Command):
                raise TypeError(_("{function} is no click command").format(function=self.declared.function))  # noqa: TRY301  # reported as the plugin's
        except (Exception, SystemExit) as error:
            raise self._failure(error) from error
        return command

    def run(self, ctx: click.Context) -> Any:
        """Run the command; what it raises that is not meant for people is the plugin's failure.

        Raises:
            PluginError: it failed.
        """
        command = self.imported()
        with command.make_context(ctx.info_name, list(ctx.args), parent=ctx.parent) as inner:
            try:
                return command.invoke(inner)
            except (CRMError, click.ClickException, click.Abort, click.exceptions.Exit, OSError):
                raise
            except Exception as error:
                raise self._failure(error) from error

    def _failure(self, error: BaseException) -> PluginError:
        where = _("command {name}").format(name=self.declared.name)
        return PluginError(self.manifest.name, self.manifest.version, where, error)


class PluginCommand(Command):
    """Stands for a plugin's command until it is called, with its help too."""

    def __init__(self, name: str, offers: Sequence[Offer]) -> None:
        super().__init__(
            name,
            short_help=offers[0].declared.summary,
            add_help_option=False,
            context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
        )
        self.offers = offers

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Leave the arguments to the plugin's command."""
        ctx.args = args
        return args

    def invoke(self, ctx: click.Context) -> Any:
        """Import the plugin's command and run it."""
        if len(self.offers) > 1:
            plugins = ", ".join(offer.manifest.name for offer in self.offers)
            raise UsageError(
                _("more than one plugin brings the command {name}: {plugins}").format(name=self.name, plugins=plugins),
                hint=_("Disable one of them: crmcore plugins disable NAME"),
            )
        return self.offers[0].run(ctx)


def offers(config_file: Path) -> Mapping[str, tuple[Offer, ...]]:
    """Return the commands of enabled plugins by name; plugins that cannot be read offer none.

    Nothing is judged here: help must be there when the configuration or a plugin is broken.
    """
    if not config_file.is_file():
        return {}
    from crmcore.config import examine  # noqa: PLC0415  # no configuration, no cost
    from crmcore.plugins.discovery import discover, manifest_at  # noqa: PLC0415  # the same

    config, _problems = examine(config_file)
    if config is None or not config.enabled:
        return {}
    found: dict[str, tuple[Offer, ...]] = {}
    for plugin in discover(config)[0]:
        if plugin.name in config.enabled:
            try:
                manifest = manifest_at(plugin)
            except ManifestError:
                continue
            for declared in manifest.commands:
                found[declared.name] = (*found.get(declared.name, ()), Offer(plugin, manifest, declared))
    return found
