"""A synthetic world of customers and their backups, served as the vendors' APIs."""
