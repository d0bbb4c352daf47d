"""Rate limits of vendor accounts, shared by all workers that serve them, and kept over restarts.

What is known of a limit is one row of the catalog's database (`tables`, `ledger`). Pure functions decide on it: how callers
take turns (`turns`), Nhanh's sliding window (`windows`), Shopify's bucket of points (`buckets`). In each process a line of
callers waits for their decisions (`line`); the vendors' own limiters stand in front of it.
"""
