"""New plugins of third parties: what ``crmcore plugins new`` writes. The command itself is the command line's.

:mod:`crmcore.kit.naming` makes all names from one, :mod:`crmcore.kit.writing` fills in the templates of a kind.
"""
