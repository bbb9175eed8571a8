"""What a helper needs to run an instance: backup, restore, importers."""
