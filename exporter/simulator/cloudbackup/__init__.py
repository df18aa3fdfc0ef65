"""The world in the words of Cloud Backup for Microsoft 365: legacy, v1 and v2 (reference 4.3, 4.4 and 7 to 9)."""
