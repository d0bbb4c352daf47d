"""Canonical keys: what makes two spellings of a phone, a SKU, a barcode or an e-mail address the same."""

from sync_worker.domain.keys.barcode import barcode_key
from sync_worker.domain.keys.customer_phones import PHONE_RULES, PHONE_RULES_VERSION, PhoneKey, customer_phone_keys
from sync_worker.domain.keys.email import email_key
from sync_worker.domain.keys.phone import phone_key, phone_keys, phone_text
from sync_worker.domain.keys.sku import sku_key

__all__ = [
    "PHONE_RULES",
    "PHONE_RULES_VERSION",
    "PhoneKey",
    "barcode_key",
    "customer_phone_keys",
    "email_key",
    "phone_key",
    "phone_keys",
    "phone_text",
    "sku_key",
]
