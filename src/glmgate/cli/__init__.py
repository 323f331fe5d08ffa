"""The commands, a file each. The only package that prints."""
