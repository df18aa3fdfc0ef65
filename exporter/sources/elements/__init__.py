"""AvePoint Elements: every customer of a partner behind one credential."""
