"""What ``crmcore demo`` shows: an example configuration, invented companies and their invented orders."""
