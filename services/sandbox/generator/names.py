"""Names of people and of things to sell."""

import unicodedata
from random import Random

SURNAMES = (
    "Nguyễn",
    "Trần",
    "Lê",
    "Phạm",
    "Hoàng",
    "Huỳnh",
    "Phan",
    "Vũ",
    "Võ",
    "Đặng",
    "Bùi",
    "Đỗ",
    "Hồ",
    "Ngô",
    "Dương",
    "Lý",
)
MIDDLES = ("Thị", "Văn", "Thanh", "Minh", "Ngọc", "Đức", "Hữu", "Thu", "Quang", "Bảo", "Khánh", "Gia")
GIVEN = (
    "An", "Bình", "Chi", "Dung", "Đạt", "Giang", "Hà", "Hải", "Hạnh", "Hiếu", "Hoa", "Hòa", "Hùng", "Hương", "Khoa", "Lan",
    "Linh", "Long", "Mai", "Nam", "Nga", "Nhung", "Phong", "Phương", "Quân", "Sơn", "Tâm", "Thảo", "Thủy", "Trang", "Tuấn", "Yến",
)  # fmt: skip
THINGS = (
    "Áo sơ mi",
    "Áo thun",
    "Quần jean",
    "Quần tây",
    "Đầm",
    "Chân váy",
    "Áo khoác",
    "Giày",
    "Dép",
    "Túi xách",
    "Thắt lưng",
    "Mũ",
)
LOOKS = (
    "trơn",
    "kẻ sọc",
    "hoa nhí",
    "cổ tròn",
    "cổ tim",
    "dáng rộng",
    "dáng ôm",
    "tay dài",
    "tay lỡ",
    "vải lanh",
    "vải lụa",
)
SIZES = ("S", "M", "L", "XL", "XXL")


def person(rng: Random) -> tuple[str, str]:
    """Make a person's name: the surname with the middle name, and the given name."""
    return f"{rng.choice(SURNAMES)} {rng.choice(MIDDLES)}", rng.choice(GIVEN)


def thing(rng: Random) -> str:
    """Make the name of a thing to sell."""
    return f"{rng.choice(THINGS)} {rng.choice(LOOKS)}"


def ascii_name(name: str) -> str:
    """Write a name with ASCII letters and dots, as in an e-mail address."""
    plain = unicodedata.normalize("NFD", name.replace("đ", "d").replace("Đ", "D"))
    return ".".join("".join(each for each in plain if not unicodedata.combining(each)).lower().split())
