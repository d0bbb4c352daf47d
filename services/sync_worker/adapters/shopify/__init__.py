"""Shopify's Admin GraphQL API: transport, typed errors, limiter, documents, decoding."""
