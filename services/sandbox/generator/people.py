"""People, decided before any row: what each of them has left with each vendor."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from sandbox.generator import names
from sandbox.generator.phones import PhoneBook, e164, masked, spelled


class Kind(StrEnum):
    """What a person is on the two sides."""

    PHONE = "phone"
    RENUMBERED = "renumbered"
    ADDRESS_PHONE = "address_phone"
    TWO_NUMBERS = "two_numbers"
    LANDLINE = "landline"
    OLD_LANDLINE = "old_landline"
    LABELLED_NOTE = "labelled_note"
    EMAIL = "email"
    NHANH_ONLY = "nhanh_only"
    SHOPIFY_ONLY = "shopify_only"
    TWICE_AT_NHANH = "twice_at_nhanh"
    TWICE_AT_SHOPIFY = "twice_at_shopify"
    TAX_CODE = "tax_code"
    """Somebody else's note holds a tax code that looks like the phone."""
    JUNK = "junk"
    """Both sides hold the same number, and it is nobody's."""


MIX = {
    Kind.PHONE: 46,
    Kind.RENUMBERED: 5,
    Kind.ADDRESS_PHONE: 6,
    Kind.TWO_NUMBERS: 2,
    Kind.LANDLINE: 2,
    Kind.OLD_LANDLINE: 1,
    Kind.LABELLED_NOTE: 4,
    Kind.EMAIL: 5,
    Kind.NHANH_ONLY: 12,
    Kind.SHOPIFY_ONLY: 6,
    Kind.TWICE_AT_NHANH: 3,
    Kind.TWICE_AT_SHOPIFY: 3,
    Kind.TAX_CODE: 3,
    Kind.JUNK: 2,
}
BEYOND_DOUBT = {Kind.PHONE, Kind.RENUMBERED, Kind.ADDRESS_PHONE, Kind.TWO_NUMBERS, Kind.LANDLINE}
FOR_REVIEW = {Kind.OLD_LANDLINE, Kind.LABELLED_NOTE, Kind.EMAIL}
"""Linked, or left in the list for review: the key is weaker."""
JUNK_NUMBERS = ("0000000000", "0123456789", "1111111111", "1800 1234", "19006017", "113")


@dataclass(slots=True)
class Person:
    """A person's texts on one side."""

    phone: str | None = None
    address_phone: str | None = None
    note: str | None = None
    email: str | None = None


Sides = tuple[list[Person], list[Person]]
"""What a person has at Nhanh, and at Shopify."""


class PeopleMaker:
    """Makes people of each kind. No two identities share a phone or a mailbox unless their kind says so."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._phones = PhoneBook(rng)
        self._mailboxes = 0
        self._makers: dict[Kind, Callable[[str], Sides]] = {
            Kind.PHONE: self._phone,
            Kind.RENUMBERED: self._renumbered,
            Kind.ADDRESS_PHONE: self._address_phone,
            Kind.TWO_NUMBERS: self._two_numbers,
            Kind.LANDLINE: self._landline,
            Kind.OLD_LANDLINE: self._old_landline,
            Kind.LABELLED_NOTE: self._labelled_note,
            Kind.EMAIL: self._by_email,
            Kind.NHANH_ONLY: self._nhanh_only,
            Kind.SHOPIFY_ONLY: self._shopify_only,
            Kind.TWICE_AT_NHANH: self._twice_at_nhanh,
            Kind.TWICE_AT_SHOPIFY: self._twice_at_shopify,
            Kind.TAX_CODE: self._tax_code,
            Kind.JUNK: self._junk,
        }

    def sides(self, kind: Kind, name: str) -> Sides:
        """Make a person of a kind."""
        return self._makers[kind](name)

    def _phone(self, name: str) -> Sides:
        rng, number = self._rng, self._phones.mobile()
        email = self._email(name) if rng.random() < 0.4 else None
        shown = email if rng.random() < 0.5 else None
        return [Person(spelled(rng, number), email=email)], [Person(self._at_shopify(number), email=shown)]

    def _renumbered(self, _name: str) -> Sides:
        number, old = self._phones.renumbered()
        return [Person(f"0{old}")], [Person(e164(number))]

    def _address_phone(self, _name: str) -> Sides:
        rng, number = self._rng, self._phones.mobile()
        return [Person(spelled(rng, number))], [Person(address_phone=spelled(rng, number))]

    def _two_numbers(self, _name: str) -> Sides:
        number, other = self._phones.mobile(), self._phones.mobile()
        between = self._rng.choice((" / ", " - ", ", ", " hoặc "))
        return [Person(f"0{other}{between}0{number}")], [Person(e164(number))]

    def _landline(self, _name: str) -> Sides:
        number, _ = self._phones.landline()
        return [Person(spelled(self._rng, number))], [Person(e164(number))]

    def _old_landline(self, _name: str) -> Sides:
        number, old = self._phones.landline()
        return [Person(f"0{old}")], [Person(e164(number))]

    def _labelled_note(self, _name: str) -> Sides:
        rng, number = self._rng, self._phones.mobile()
        label = rng.choice(("SĐT: ", "sđt ", "Zalo ", "LH: ", "đt: "))
        return [Person(spelled(rng, number))], [Person(note=f"Khách quen. {label}0{number}")]

    def _by_email(self, name: str) -> Sides:
        email = self._email(name)
        return [Person(email=self._rng.choice((email, email.upper(), f" {email}")))], [Person(email=email)]

    def _nhanh_only(self, _name: str) -> Sides:
        return [Person(spelled(self._rng, self._phones.mobile()) if self._rng.random() < 0.9 else None)], []

    def _shopify_only(self, name: str) -> Sides:
        phone = self._at_shopify(self._phones.mobile()) if self._rng.random() < 0.7 else None
        return [], [Person(phone, email=self._email(name))]

    def _twice_at_nhanh(self, _name: str) -> Sides:
        rng, number = self._rng, self._phones.mobile()
        return [Person(spelled(rng, number)), Person(spelled(rng, number))], [Person(e164(number))]

    def _twice_at_shopify(self, _name: str) -> Sides:
        rng, number = self._rng, self._phones.mobile()
        return [Person(spelled(rng, number))], [Person(e164(number)), Person(address_phone=spelled(rng, number))]

    def _tax_code(self, name: str) -> Sides:
        number = self._phones.mobile()
        veto = self._rng.choice(("MST: ", "MST ", "mã đơn ", "STK: ", "CCCD "))
        return [Person(f"0{number}")], [Person(note=f"Xuất hóa đơn, {veto}0{number}", email=self._email(name))]

    def _junk(self, name: str) -> Sides:
        text = self._rng.choice((*JUNK_NUMBERS, masked(self._phones.mobile())))
        return [Person(text)], [Person(address_phone=text, email=self._email(name))]

    def _at_shopify(self, number: str) -> str:
        """Write a number as Shopify keeps it; imports have left a few as they came."""
        return e164(number) if self._rng.random() < 0.95 else f"0{number}"

    def _email(self, name: str) -> str:
        self._mailboxes += 1
        return f"{names.ascii_name(name)}.{self._mailboxes}@example.com"
