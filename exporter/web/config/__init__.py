"""TLS, passwords and headers of our own port, by a file in the format of Prometheus' exporter-toolkit.

options (the file's words) → tls, passwords, turns (what they mean) → protection (all of it, read at once) → door (in
force).
"""
