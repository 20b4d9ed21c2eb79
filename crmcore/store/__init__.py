"""Storage on SQLite and PostgreSQL: tables made from schemas, upgrades, history, outbox, backups."""
