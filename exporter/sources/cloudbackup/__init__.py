"""AvePoint Cloud Backup for Microsoft 365: one tenant behind one app registration, in three generations of its API."""
