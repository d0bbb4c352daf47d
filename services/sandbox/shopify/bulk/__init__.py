"""Bulk operations: queries and mutations that Shopify runs by itself, with their results in a file.

https://shopify.dev/docs/api/usage/bulk-operations/queries and …/imports
"""
