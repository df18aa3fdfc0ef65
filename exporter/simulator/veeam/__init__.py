"""The world as a server of Veeam Backup for Microsoft 365, API versions 6, 7 and 8 side by side."""
