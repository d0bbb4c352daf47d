"""Pushing values to Shopify: only what differs from what it last confirmed, each item by its own result."""
