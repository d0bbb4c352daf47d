"""Nhanh.vn's Open API v3.0: envelopes, pages, limits and the oddities of its answers."""
