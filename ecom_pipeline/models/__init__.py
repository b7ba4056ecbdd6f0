"""The canonical tables: `canonical.yaml` says what sources feed, each .sql file is one model."""
