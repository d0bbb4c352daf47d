"""A Nhanh business's state. Rows are kept in the form in which they are sent."""

from dataclasses import dataclass, field

from sandbox.by_id import ById
from sandbox.nhanh.dated_rows import DatedRows, Row

__all__ = ["PARENT", "Business", "Depot", "Row"]

PARENT = -2
"""The `parentId` of a product that only groups others, and is not sold itself."""


@dataclass(slots=True)
class Depot:
    """A place where the business keeps stock."""

    depot_id: int
    name: str


@dataclass(slots=True)
class Business:
    """One business's whole state.

    `stock` has the inventory of products that have a stock record; one that has none is left out of `product/inventory`
    although `product/list` knows it. `granted_depots` are those that the access token grants, None grants all.
    """

    app_id: int
    business_id: int
    access_token: str
    secret_key: str
    token_expires_at: int
    depots: dict[int, Depot] = field(default_factory=dict)
    granted_depots: set[int] | None = None
    products: DatedRows = field(default_factory=DatedRows)
    customers: DatedRows = field(default_factory=DatedRows)
    stock: ById[dict[int, float]] = field(default_factory=ById)
    """What can be sold of a product, by depot."""
    token_revoked: bool = False

    def sellable(self) -> dict[int, Row]:
        """Find the products that can be sold, by id."""
        return {one: row for one, row in self.products.items() if int(row["parentId"]) != PARENT}
