"""``crm.toml``: what an instance says of itself, its plugins and its roles, read and judged without any plugin."""

from crmcore.config.editing import add_plugin_dir, disable, enable
from crmcore.config.model import Config, EntityRights, Role
from crmcore.config.reading import examine, read_config

__all__ = ["Config", "EntityRights", "Role", "add_plugin_dir", "disable", "enable", "examine", "read_config"]
