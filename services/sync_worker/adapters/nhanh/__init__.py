"""Nhanh.vn's Open API v3.0: transport, typed errors, limiter, decoding."""
