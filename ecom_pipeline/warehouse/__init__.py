"""The engine: raw log, running .sql files for the days that changed, publishing for readers."""
