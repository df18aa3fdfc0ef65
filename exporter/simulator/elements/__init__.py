"""The world in the words of AvePoint Elements, v3 and v1 (reference sections 3 to 6)."""
