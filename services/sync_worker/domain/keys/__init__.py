"""Canonical keys: what makes two spellings of a phone, a SKU, a barcode or an e-mail address the same."""
