"""Questions a shop's people ask before they decide: where to spend, what a sale brought, what to reorder.

A question is a module with a function `answer` and, beside it under the same name, a `.toml` with its words in both
languages. It is found by being there: report, JSON and `ecom-pipeline ask` show it by themselves.
"""
