"""Reads the keys of rows, simply: it shares nothing with the generator or with SyncWorker."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping

from sandbox.world import StoreWorld

OLD_MOBILE = {
    "120": "70", "121": "79", "122": "77", "126": "76", "128": "78", "123": "83", "124": "84", "125": "85", "127": "81",
    "129": "82", "162": "32", "163": "33", "164": "34", "165": "35", "166": "36", "167": "37", "168": "38", "169": "39",
    "186": "56", "188": "58", "199": "59",
}  # fmt: skip
FILLERS = {"", "-", "n/a", "0", "không có"}
Keys = Mapping[int, set[str]]


def clean(text: str) -> str:
    """Drop what cannot be seen, and write one form of what looks alike."""
    shown = "".join(each for each in unicodedata.normalize("NFKC", text) if unicodedata.category(each) != "Cf")
    dashed = "".join("-" if unicodedata.category(each) == "Pd" or each == "\u2212" else each for each in shown)
    return " ".join(dashed.split()).removeprefix("'")


def phone_key(text: str) -> str | None:
    """Read one number, as dialled today; None for what is none."""
    digits = re.sub(r"\D", "", text.replace("(0)", ""))
    digits = digits.removeprefix("00")
    national = digits.removeprefix("84") if len(digits) >= 11 and digits.startswith("84") else digits.removeprefix("0")
    if len(national) == 10 and national[:3] in OLD_MOBILE:
        national = OLD_MOBILE[national[:3]] + national[3:]
    if len(national) == 9 and national[0] == "4":
        national = f"2{national}"
    mobile = len(national) == 9 and national[0] in "35789" and len(set(national)) > 1
    return f"tel {national}" if mobile or (len(national) == 10 and national[:2] == "24") else None


def phone_keys(text: str | None) -> Iterator[str]:
    """Read a field that holds one number or two."""
    for part in re.split(r" / | - |, | hoặc ", clean(text or "")):
        key = phone_key(part) if not re.search(r"[a-z]", part) else None
        if key:
            yield key


def labelled(note: str | None) -> str | None:
    """Take the number of a note that says that it is a phone."""
    found = re.search(r"(?:sđt:?|zalo|lh:|đt:) (\d+)$", (note or "").lower())
    return found[1] if found else None


def mail_keys(text: str | None) -> Iterator[str]:
    """Read a mailbox."""
    if text:
        yield f"mail {clean(text).lower()}"


def mutual(here: Keys, there: Keys) -> set[tuple[int, int]]:
    """Pair those of whom every key leads to the other alone, both ways."""
    owners: dict[str, tuple[set[int], set[int]]] = defaultdict(lambda: (set(), set()))
    for side, known in enumerate((here, there)):
        for one, keys in known.items():
            for key in keys:
                owners[key][side].add(one)
    pairs = set()
    for one, keys in here.items():
        rivals = {other for key in keys for other in owners[key][1]}
        if len(rivals) == 1:
            (other,) = rivals
            if {each for key in there[other] for each in owners[key][0]} == {one}:
                pairs.add((one, other))
    return pairs


def customer_keys(store: StoreWorld) -> tuple[Keys, Keys]:
    """Every customer's numbers and mailboxes, on both sides."""
    nhanh = {
        one: {*phone_keys(row["mobile"]), *mail_keys(row["email"])} for one, row in store.business.customers.items()
    }
    shopify = {
        one: {
            *phone_keys(row.phone),
            *phone_keys(row.address_phone),
            *phone_keys(labelled(row.note)),
            *mail_keys(row.email),
        }
        for one, row in store.shop.customers.items()
    }
    return nhanh, shopify


def code_keys(sku: str | None, barcode: str | None) -> Iterator[str]:
    """A row's SKU and barcode."""
    code = clean(sku or "").casefold()
    if code not in FILLERS:
        yield f"sku {code}"
    if barcode:
        yield f"gtin {barcode.zfill(14)}"


def product_keys(store: StoreWorld) -> tuple[Keys, Keys]:
    """Every sellable thing's codes, on both sides."""
    nhanh = {
        one: set(code_keys(row["code"], row["barcode"]))
        for one, row in store.business.products.items()
        if int(row["parentId"]) != -2
    }
    return nhanh, {one: set(code_keys(row.sku, row.barcode)) for one, row in store.shop.variants.items()}
