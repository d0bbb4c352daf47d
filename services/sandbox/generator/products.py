"""Products of both vendors, written from identities: who is the same thing is decided before either row exists."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from random import Random
from typing import Any

from sandbox.generator import names
from sandbox.generator.codes import CodeBook, filler, printed, typed
from sandbox.generator.truth import EntityTruth
from sandbox.nhanh.business import PARENT, Business
from sandbox.shopify.shop import DEFAULT_TITLE, Product, Shop, Variant

DAY = 86_400


class Kind(StrEnum):
    """What an identity is on the two sides."""

    SAME_SKU = "same_sku"
    SAME_BARCODE = "same_barcode"
    NHANH_ONLY = "nhanh_only"
    SHOPIFY_ONLY = "shopify_only"
    TWICE_AT_NHANH = "twice_at_nhanh"
    TWICE_AT_SHOPIFY = "twice_at_shopify"
    DISAGREE = "disagree"
    """The SKU says one variant, the barcode another."""


MIX = {
    Kind.SAME_SKU: 74,
    Kind.SAME_BARCODE: 8,
    Kind.NHANH_ONLY: 6,
    Kind.SHOPIFY_ONLY: 5,
    Kind.TWICE_AT_NHANH: 2,
    Kind.TWICE_AT_SHOPIFY: 2,
    Kind.DISAGREE: 3,
}


@dataclass(slots=True)
class Codes:
    """A row's SKU and barcode, as that vendor has them."""

    sku: str | None = None
    barcode: str | None = None


@dataclass(slots=True)
class Identity:
    """A thing to sell: the rows that it has on each side. Only a pair of one and one, with `linkable`, must be linked."""

    name: str
    size: str | None
    kind: Kind
    at_nhanh: list[Codes] = field(default_factory=list)
    at_shopify: list[Codes] = field(default_factory=list)

    @property
    def linkable(self) -> bool:
        """Whether its one row here and its one row there belong together beyond doubt."""
        return self.kind in (Kind.SAME_SKU, Kind.SAME_BARCODE)


class ProductWriter:
    """Writes groups of identities into both vendors: a parent with children, or a thing that stands alone."""

    def __init__(self, rng: Random, business: Business, shop: Shop, now: int) -> None:
        self._rng = rng
        self._business = business
        self._shop = shop
        self._now = now
        self._codes = CodeBook(rng)
        self._nhanh_id = 40_000_000
        self._shopify_id = 7_000_000_000_000
        self.truth = EntityTruth()

    def write(self, groups: int) -> None:
        """Write so many groups."""
        for _ in range(groups):
            name = names.thing(self._rng)
            if self._rng.random() < 0.6:
                self._write_group([self._identity(name, None)])
            else:
                sizes = names.SIZES[: self._rng.randint(2, 5)]
                self._write_group([self._identity(name, size) for size in sizes])

    def _identity(self, name: str, size: str | None) -> Identity:
        rng, codes = self._rng, self._codes
        kind = rng.choices(list(MIX), list(MIX.values()))[0]
        identity = Identity(name, size, kind)
        sku = codes.sku(size)
        match kind:
            case Kind.SAME_SKU:
                nhanh, shopify = Codes(sku), Codes(typed(rng, sku))
                chance = rng.random()
                if chance < 0.7:
                    nhanh.barcode = codes.ean13()
                if chance < 0.5:
                    shopify.barcode = nhanh.barcode
                identity.at_nhanh, identity.at_shopify = [nhanh], [shopify]
            case Kind.SAME_BARCODE:
                upc = codes.upc()
                identity.at_nhanh = [Codes(sku, printed(rng, upc))]
                identity.at_shopify = [Codes(filler(rng), printed(rng, upc))]
            case Kind.NHANH_ONLY:
                identity.at_nhanh = [Codes(sku if rng.random() < 0.8 else filler(rng))]
            case Kind.SHOPIFY_ONLY:
                identity.at_shopify = [Codes(sku if rng.random() < 0.8 else filler(rng))]
            case Kind.TWICE_AT_NHANH:
                identity.at_nhanh, identity.at_shopify = [Codes(sku), Codes(typed(rng, sku))], [Codes(sku)]
            case Kind.TWICE_AT_SHOPIFY:
                identity.at_nhanh, identity.at_shopify = [Codes(sku)], [Codes(sku), Codes(typed(rng, sku))]
            case Kind.DISAGREE:
                barcode = codes.ean13()
                identity.at_nhanh, identity.at_shopify = [Codes(sku, barcode)], [Codes(sku), Codes(None, barcode)]
        return identity

    def _write_group(self, identities: list[Identity]) -> None:
        parent_id = -1
        if len(identities) > 1:
            parent_id = self._next_nhanh_id()
            self._business.products[parent_id] = self._nhanh_row(parent_id, PARENT, identities[0].name, Codes(None))
        at_nhanh = [[self._write_nhanh(parent_id, one, codes) for codes in one.at_nhanh] for one in identities]
        first = [(one, codes) for one in identities for codes in one.at_shopify[:1]]
        product = self._write_shopify(identities[0].name, first) if first else []
        variants = dict(zip((id(one) for one, _ in first), product, strict=True))
        for identity, nhanh_ids in zip(identities, at_nhanh, strict=True):
            shopify_ids = [variants[id(identity)]] if id(identity) in variants else []
            for codes in identity.at_shopify[1:]:
                shopify_ids += self._write_shopify(f"{identity.name} (2)", [(identity, codes)])
            if identity.linkable:
                self.truth.must_link.append((nhanh_ids[0], shopify_ids[0]))
            else:
                self.truth.must_not_link_nhanh += nhanh_ids
                self.truth.must_not_link_shopify += shopify_ids

    def _next_nhanh_id(self) -> int:
        self._nhanh_id += self._rng.randint(1, 9)
        return self._nhanh_id

    def _next_shopify_id(self) -> int:
        self._shopify_id += self._rng.randint(1, 90_000)
        return self._shopify_id

    def _write_nhanh(self, parent_id: int, identity: Identity, codes: Codes) -> int:
        nhanh_id = self._next_nhanh_id()
        name = identity.name if identity.size is None else f"{identity.name} {identity.size}"
        self._business.products[nhanh_id] = self._nhanh_row(nhanh_id, parent_id, name, codes)
        self._write_stock(nhanh_id)
        return nhanh_id

    def _write_stock(self, nhanh_id: int) -> None:
        """Give stock: whole and positive mostly, now and then fractional or below zero, and for some no record at all."""
        rng = self._rng
        if rng.random() < 0.04:
            return
        stock: dict[int, float] = {}
        for depot_id in self._business.depots:
            if rng.random() < 0.15:
                continue  # a depot that is not listed holds none
            amount: float = rng.randint(0, 40)
            if rng.random() < 0.05:
                amount += rng.choice((0.25, 0.5, 0.75))
            if rng.random() < 0.03:
                amount = -rng.randint(1, 3)
            stock[depot_id] = amount
        self._business.stock[nhanh_id] = stock

    def _nhanh_row(self, nhanh_id: int, parent_id: int, name: str, codes: Codes) -> dict[str, Any]:
        rng = self._rng
        retail = rng.randint(49, 990) * 1_000
        old: Any = retail + rng.randint(1, 20) * 10_000 if rng.random() < 0.4 else rng.choice((0, None))
        updated_at = self._now - rng.randint(0, 400 * DAY)
        row: dict[str, Any] = {
            "id": nhanh_id,
            "parentId": parent_id,
            "code": codes.sku,
            "barcode": codes.barcode,
            "name": name,
            "otherName": None,
            "status": rng.choices((2, 1, 3, 4), (90, 4, 3, 3))[0],
            "priceVatMode": 2,
            "categoryId": rng.randint(1, 20),
            "brandId": rng.choice((3, 4, 5, None)),
            "type": 1,
            "prices": {
                "retail": retail,
                "retailVat": 0,
                "import": retail * 0.45,
                "importVat": 0,
                "old": old,
                "wholesale": retail * 0.8,
                "avgCost": retail * 0.46,
            },
            "images": {"avatar": "", "others": []},
            "units": {"name": "cái", "list": []},
            "combos": [],
            "attributes": [],
            "createdAt": updated_at - rng.randint(0, 100 * DAY),
            "updatedAt": updated_at,
            "tagIds": [],
        }
        if rng.random() < 0.03:  # PHP now and then sends numbers as text, and empty objects as lists
            row["status"] = str(row["status"])
            row["prices"]["retail"] = str(retail)
            row["images"] = []
        return row

    def _write_shopify(self, title: str, members: list[tuple[Identity, Codes]]) -> list[int]:
        """Write a product with its variants; the ids of the variants."""
        rng, shop = self._rng, self._shop
        only_at_shopify = all(identity.kind is Kind.SHOPIFY_ONLY for identity, _ in members)
        product_id = self._next_shopify_id()
        status = rng.choices(("ACTIVE", "DRAFT", "ARCHIVED"), (92, 8, 30 if only_at_shopify else 0))[0]
        product = Product(product_id, title, status, self._now - rng.randint(0, 400 * DAY))
        shop.products[product_id] = product
        for identity, codes in members:
            variant_id, item_id = self._next_shopify_id(), self._next_shopify_id()
            price = Decimal(rng.randint(49, 990) * 1_000)
            alone = len(members) == 1
            shop.variants[variant_id] = Variant(
                variant_id=variant_id,
                product_id=product_id,
                inventory_item_id=item_id,
                title=DEFAULT_TITLE if alone else str(identity.size),
                sku=codes.sku,
                barcode=codes.barcode,
                price=price,
                compare_at_price=price + 50_000 if rng.random() < 0.3 else None,
                updated_at=product.updated_at,
                quantities={
                    location_id: rng.randint(0, 60)
                    for location_id in shop.locations
                    if location_id != max(shop.locations) or rng.random() < 0.2
                },
            )
            shop.variant_of_item[item_id] = variant_id
            product.variant_ids.append(variant_id)
        return product.variant_ids
