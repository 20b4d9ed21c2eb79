"""How plugins are found, ordered, imported and called. What they are is :mod:`crmcore.manifest`.

The folder ``plugins/`` at the root of the project is something else: the plugins that come with crmcore.
"""
