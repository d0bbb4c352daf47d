"""The test of a store's connections: what both vendors grant, held against the stores file."""
