"""What can still be read of a damaged state file: its pages are read by us, never by SQLite, and never written."""
