"""The four pulls: what a vendor tells of goes into the catalog, step after step."""
