"""The commands of `ecom-pipeline`, one module for each group; `cli` puts them together."""
