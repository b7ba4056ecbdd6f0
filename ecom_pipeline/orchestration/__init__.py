"""Dagster: the steps of the pipeline as assets, with partitions, checks, jobs and schedules."""
