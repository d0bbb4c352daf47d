"""The phones by which a customer is found, with how sure each is."""

from collections.abc import Iterator
from typing import NamedTuple

from sync_worker.domain.customers import NhanhCustomer, ShopifyCustomer
from sync_worker.domain.keys.notes import read_note
from sync_worker.domain.keys.phone import read_phones
from sync_worker.domain.keys.vietnam_plan import PhoneForm
from sync_worker.domain.mappings import Rule

PHONE_RULES_VERSION = 1
"""Raised whenever a customer may have other phones than before: rows that have not changed are then written once more."""

SOURCE_CONFIDENCE = {Rule.PHONE: 1.00, Rule.ADDRESS_PHONE: 0.95}
LABELLED_NOTE_CONFIDENCE = 0.85
UNLABELLED_NOTE_CONFIDENCE = 0.60

FORM_CONFIDENCE = {
    PhoneForm.CURRENT: 1.00,
    PhoneForm.RENUMBERED: 0.98,
    PhoneForm.FOREIGN: 0.95,
    PhoneForm.OLD_AREA: 0.80,
    PhoneForm.UNALLOCATED: 0.80,
    PhoneForm.GUESSED: 0.80,
}

PHONE_RULES = (Rule.PHONE, Rule.ADDRESS_PHONE, Rule.NOTE_PHONE)
"""Sources of phones, the strongest first."""


class PhoneKey(NamedTuple):
    """A canonical phone of a customer (E.164 digits as a number), where it stood, and how sure it is (0 to 1)."""

    key: int
    rule: Rule
    confidence: float


def customer_phone_keys(customer: NhanhCustomer | ShopifyCustomer) -> tuple[PhoneKey, ...]:
    """Collect a customer's phones, each once with its surest source, in order of the number."""
    all_found = tuple(_found(customer))
    if len(all_found) < 2:
        return all_found
    best: dict[int, PhoneKey] = {}
    for found in all_found:
        known = best.get(found.key)
        if known is None or _strength(found) > _strength(known):
            best[found.key] = found
    return tuple(best[key] for key in sorted(best))


def _found(customer: NhanhCustomer | ShopifyCustomer) -> Iterator[PhoneKey]:
    fields = [(Rule.PHONE, customer.phone)]
    if isinstance(customer, ShopifyCustomer):
        fields.append((Rule.ADDRESS_PHONE, customer.address_phone))
    for rule, text in fields:
        for key, form in read_phones(text):
            yield PhoneKey(key, rule, min(SOURCE_CONFIDENCE[rule], FORM_CONFIDENCE[form]))
    for (key, form), labelled in read_note(customer.note):
        source = LABELLED_NOTE_CONFIDENCE if labelled else UNLABELLED_NOTE_CONFIDENCE
        yield PhoneKey(key, Rule.NOTE_PHONE, min(source, FORM_CONFIDENCE[form]))


def _strength(phone: PhoneKey) -> tuple[float, int]:
    return phone.confidence, -PHONE_RULES.index(phone.rule)
