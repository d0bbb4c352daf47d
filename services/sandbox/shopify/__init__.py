"""Shopify's Admin GraphQL API, executed on a subset of its schema."""
