"""Simulator, exporter, Prometheus and Alertmanager on one machine, with the shipped rules and routes."""
