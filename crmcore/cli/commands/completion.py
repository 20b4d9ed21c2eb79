"""``crmcore completion``: the script that lets a shell complete commands, options and names."""

from __future__ import annotations

import click

from crmcore.cli.lazy import Command
from crmcore.i18n import gettext as _

__all__ = ["completion"]

_SHELLS = ("bash", "zsh", "fish")


@click.command(
    cls=Command,
    help=_("""Print the script that completes crmcore's commands in a shell.

    bash: eval "$(crmcore completion bash)" in ~/.bashrc; zsh: the same with zsh in ~/.zshrc; fish: crmcore completion
    fish > ~/.config/fish/completions/crmcore.fish"""),
)
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script of a shell."""
    from click.shell_completion import get_completion_class  # noqa: PLC0415  # it starts a shell to ask its version

    program = ctx.find_root()
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101  # click knows these three
    click.echo(kind(program.command, {}, "crmcore", "_CRMCORE_COMPLETE").source())
