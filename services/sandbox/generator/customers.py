"""Customers of both vendors: each person's rows."""

from decimal import Decimal
from random import Random
from typing import Any

from sandbox.generator import names
from sandbox.generator.people import BEYOND_DOUBT, FOR_REVIEW, MIX, PeopleMaker, Person
from sandbox.generator.truth import EntityTruth
from sandbox.nhanh.business import Business
from sandbox.shopify.shop import Customer, Shop

DAY = 86_400


class CustomerWriter:
    """Writes people into both vendors."""

    def __init__(self, rng: Random, business: Business, shop: Shop, now: int) -> None:
        self._rng = rng
        self._business = business
        self._shop = shop
        self._now = now
        self._people = PeopleMaker(rng)
        self._nhanh_id = 90_000_000
        self._shopify_id = 6_000_000_000_000
        self.truth = EntityTruth()

    def write(self, people: int) -> None:
        """Write so many people."""
        kinds = self._rng.choices(list(MIX), list(MIX.values()), k=people)
        for kind in kinds:
            surname, given = names.person(self._rng)
            at_nhanh, at_shopify = self._people.sides(kind, f"{surname} {given}")
            nhanh_ids = [self._write_nhanh(f"{surname} {given}", person) for person in at_nhanh]
            shopify_ids = [self._write_shopify(surname, given, person) for person in at_shopify]
            if kind in BEYOND_DOUBT:
                self.truth.must_link.append((nhanh_ids[0], shopify_ids[0]))
            elif kind in FOR_REVIEW:
                self.truth.link_or_review.append((nhanh_ids[0], shopify_ids[0]))
            else:
                self.truth.must_not_link_nhanh += nhanh_ids
                self.truth.must_not_link_shopify += shopify_ids

    def _write_nhanh(self, name: str, person: Person) -> int:
        rng = self._rng
        self._nhanh_id += rng.randint(1, 9)
        chance = rng.random()
        spent: Any = rng.choices((0, rng.randint(1, 400) * 50_000, rng.randint(1, 400) * 500_000), (15, 65, 20))[0]
        if chance < 0.05:
            spent += rng.choice((0.4, 0.5, 1_499.5))
        elif chance < 0.08:
            spent = str(spent)
        elif chance < 0.10:
            spent = None
        location: Any = {"cityId": rng.randint(1, 63), "wardId": rng.randint(1, 900)}
        self._business.customers[self._nhanh_id] = {
            "id": self._nhanh_id,
            "type": rng.choices((1, 2, 3), (92, 6, 2))[0],
            "name": name,
            "mobile": person.phone,
            "code": None,
            "gender": rng.choice((1, 2, None)),
            "address": f"{rng.randint(1, 300)} phố {rng.randint(1, 40)}" if rng.random() < 0.7 else "",
            "email": person.email,
            "birthday": rng.choice((None, f"19{rng.randint(60, 99)}-0{rng.randint(1, 9)}-1{rng.randint(0, 9)}")),
            "points": rng.randint(0, 500),
            "saleName": "",
            "startedDate": "2021-09-25",
            "taxCode": "",
            "location": [] if rng.random() < 0.05 else location,
            "business": [],
            "level": {"id": 2, "name": "VIP"} if rng.random() < 0.2 else [],
            "group": {"id": 1, "name": "Khách lẻ"} if rng.random() < 0.5 else None,
            "totalAmount": spent,
            "updatedAt": self._now - rng.randint(0, 400 * DAY),
            "lastBoughtDate": f"2026-{rng.randint(1, 9):02d}-{rng.randint(1, 28):02d}",
        }
        return self._nhanh_id

    def _write_shopify(self, surname: str, given: str, person: Person) -> int:
        rng = self._rng
        self._shopify_id += rng.randint(1, 90_000)
        self._shop.customers[self._shopify_id] = Customer(
            customer_id=self._shopify_id,
            first_name=given,
            last_name=surname,
            email=person.email,
            phone=person.phone,
            address_phone=person.address_phone,
            note=person.note,
            amount_spent=Decimal(rng.randint(0, 200) * 10_000),
            orders=rng.randint(0, 30),
            updated_at=self._now - rng.randint(0, 400 * DAY),
        )
        return self._shopify_id


def forget_times(business: Business, rng: Random, share: float) -> None:
    """Take the time of their last change from this share of Nhanh's customers: null for some, 0 for others."""
    if share:
        for nhanh_id, row in list(business.customers.items()):
            if rng.random() < share:
                business.customers[nhanh_id] = {**row, "updatedAt": rng.choice((None, 0))}
