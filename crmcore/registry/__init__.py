"""What was loaded: plugins, schemas and declarations, merged and frozen. A registry knows no database."""

from crmcore.registry.model import Registry
from crmcore.registry.startup import Diagnosis, diagnose, load

__all__ = ["Diagnosis", "Registry", "diagnose", "load"]
