"""``python -m crmcore``: the command line, where its script is not on the path."""

from crmcore.cli import main

main()
