"""Veeam Backup for Microsoft 365: one server, many organizations."""
