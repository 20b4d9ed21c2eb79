"""The commands, one module for each; what they work with is imported when they run."""
