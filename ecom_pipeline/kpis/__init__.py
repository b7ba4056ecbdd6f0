"""The KPIs: each .sql file in a family's folder is one, found by itself."""
