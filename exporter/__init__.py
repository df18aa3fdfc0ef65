"""Prometheus exporter for SaaS backups of Microsoft 365 tenants."""

__version__ = "0.1.0"
