"""The phones by which a customer is found."""

from sync_worker.domain.customers import NhanhCustomer, ShopifyCustomer
from sync_worker.domain.keys import PhoneKey, customer_phone_keys
from sync_worker.domain.mappings import Rule


def nhanh(phone: str | None = None, note: str | None = None) -> NhanhCustomer:
    """A customer of Nhanh with nothing but these."""
    return NhanhCustomer(
        nhanh_id=1, type=1, name="Lan", phone=phone, email=None, address=None, code=None, note=note, gender=None,
        birthday=None, points=None, level_name=None, group_name=None, total_spent=None, updated_at=None,
    )  # fmt: skip


def shopify(phone: str | None = None, address_phone: str | None = None, note: str | None = None) -> ShopifyCustomer:
    """A customer of Shopify with nothing but these."""
    return ShopifyCustomer(
        customer_id=1, first_name="Lan", last_name=None, email=None, phone=phone, address_phone=address_phone, note=note,
        amount_spent=0, currency="VND", orders=0, updated_at=0,
    )  # fmt: skip


def test_each_source_has_its_confidence() -> None:
    """Phone, default address and notes count in this order."""
    keys = customer_phone_keys(shopify("+84912345678", "0987654321", "SĐT 0901234567, nhà: 0851234567"))
    assert keys == (
        PhoneKey(84851234567, Rule.NOTE_PHONE, 0.60),
        PhoneKey(84901234567, Rule.NOTE_PHONE, 0.85),
        PhoneKey(84912345678, Rule.PHONE, 1.00),
        PhoneKey(84987654321, Rule.ADDRESS_PHONE, 0.95),
    )


def test_how_a_number_was_read_lowers_its_confidence() -> None:
    """Renumbered numbers, old area codes and foreign shapes are less sure, and never surer than their source."""
    assert customer_phone_keys(nhanh("01212345678")) == (PhoneKey(84792345678, Rule.PHONE, 0.98),)
    assert customer_phone_keys(nhanh("0511 3812345")) == (PhoneKey(842363812345, Rule.PHONE, 0.80),)
    assert customer_phone_keys(nhanh("+14155552671")) == (PhoneKey(14155552671, Rule.PHONE, 0.95),)
    assert customer_phone_keys(shopify(None, "01212345678")) == (PhoneKey(84792345678, Rule.ADDRESS_PHONE, 0.95),)


def test_a_phone_is_given_once_by_its_surest_source() -> None:
    """The same number in several places is one key."""
    keys = customer_phone_keys(shopify("01212345678", "0792345678", "zalo 0792345678"))
    assert keys == (PhoneKey(84792345678, Rule.PHONE, 0.98),)
    assert customer_phone_keys(nhanh("0792345678 / 01212345678")) == (PhoneKey(84792345678, Rule.PHONE, 1.0),)


def test_nobody_has_no_phones() -> None:
    """Empty fields and junk give nothing."""
    assert customer_phone_keys(nhanh("0000000000", "MST 0312345678")) == ()
    assert customer_phone_keys(shopify()) == ()
