"""Records → families → bytes."""
