"""Numbers and how they are written."""

from random import Random

from sandbox.generator.phones import PhoneBook, e164, masked, spelled

from tests.unit.sandbox.generator.normaliser import phone_key, phone_keys


def test_no_number_is_given_twice() -> None:
    """Mobiles, renumbered ones and landlines are all different as dialled today."""
    book = PhoneBook(Random(1))
    given = [book.mobile() for _ in range(300)]
    given += [book.renumbered()[0] for _ in range(300)] + [book.landline()[0] for _ in range(300)]
    assert len(set(given)) == 900


def test_every_spelling_is_the_same_number() -> None:
    """Fourteen ways at least of writing a number lead to it."""
    rng, number = Random(2), "912345678"
    forms = {spelled(rng, number) for _ in range(500)} | {e164(number)}
    assert len(forms) >= 14
    assert {tuple(phone_keys(form)) for form in forms} == {(f"tel {number}",)}


def test_old_numbers_are_those_of_before_2018_and_2017() -> None:
    """Eleven digits lead to the ten of today, the last seven kept; a Hà Nội landline got a 2."""
    book = PhoneBook(Random(3))
    for _ in range(200):
        number, old = book.renumbered()
        assert len(old) == 10
        assert old[-7:] == number[-7:]
        assert phone_key(f"0{old}") == f"tel {number}"
        landline, before = book.landline()
        assert landline == f"2{before}"
        assert phone_key(f"0{before}") == f"tel {landline}"


def test_a_masked_number_is_none() -> None:
    """Only the first digit and the last four are left."""
    assert masked("912345678") == "09xxxx5678"
    assert list(phone_keys("09xxxx5678")) == []
