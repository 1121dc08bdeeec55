"""Backups: a folder with a dump of the database, the files that its rows name, and a manifest of both."""
