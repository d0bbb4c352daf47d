"""The stores file: what it gives, and every fault at once."""

from pathlib import Path

import pytest
from chassis.settings import SettingsFaultsError
from sync_worker.adapters.stores_file import load_stores
from sync_worker.domain.stores import ClientCredentials, LocationMapping

EXAMPLE = Path(__file__).resolve().parents[4] / "docs" / "stores.example.toml"
ENVIRONMENT = {
    "MAIN_STREET_NHANH_TOKEN": "nhanh-token\n",
    "MAIN_STREET_NHANH_SECRET_KEY": "nhanh-key",
    "MAIN_STREET_SHOPIFY_TOKEN": "shopify-token",
}


def faults(path: Path, text: str, environment: dict[str, str] | None = None) -> list[str]:
    """Load a file that must not load: its faults, without the file's name."""
    path.write_text(text)
    with pytest.raises(SettingsFaultsError) as refused:
        load_stores(path, ENVIRONMENT if environment is None else environment)
    return [fault.removeprefix(f"the stores file {path}").lstrip(": ") for fault in refused.value.faults]


def test_the_example_loads() -> None:
    """Every key of it is known; locations may be gids or numbers; secrets are trimmed."""
    store = load_stores(EXAMPLE, ENVIRONMENT)["main-street"]
    assert (store.nhanh.base_url, store.shopify.base_url) == (
        "https://pos.open.nhanh.vn",
        "https://main-street.myshopify.com",
    )
    assert (store.nhanh.access_token, store.nhanh.secret_key) == ("nhanh-token", "nhanh-key")
    assert store.shopify.credentials == "shopify-token"
    assert store.locations == (LocationMapping(7, 70), LocationMapping(8, 71))
    assert "token" not in repr(store).replace("access_token", "")


def test_secrets_may_lie_in_files_beside_it(tmp_path: Path) -> None:
    """A relative file is looked for beside the stores file."""
    (tmp_path / "token").write_text("from-a-file\n")
    path = tmp_path / "stores.toml"
    path.write_text(
        EXAMPLE.read_text()
        .replace('access_token_env = "MAIN_STREET_NHANH_TOKEN"', 'access_token_file = "token"')
        .replace('secret_key_env = "MAIN_STREET_NHANH_SECRET_KEY"', "")
    )
    nhanh = load_stores(path, ENVIRONMENT)["main-street"].nhanh
    assert (nhanh.access_token, nhanh.secret_key) == ("from-a-file", None)


def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    """With its store and key, secrets among them; nothing of a secret is told."""
    text = (
        EXAMPLE.read_text()
        .replace('name = "Main Street"', 'title = "Main Street"')
        .replace("max_gone_percent = 10", "max_gone_percent = 101")
        .replace("app_id = 101", 'app_id = "many"')
        .replace("business_id = 1001\n", "")
        .replace("quota_window_seconds = 30", "quota_window_seconds = 0")
        .replace('access_token_env = "MAIN_STREET_NHANH_TOKEN"', 'access_token_file = "nowhere"')
        .replace('api_version = "2026-07"', 'api_version = "latest"')
        .replace('access_token_env = "MAIN_STREET_SHOPIFY_TOKEN"', 'access_token_env = "NOT_SET"')
        .replace("depot_id = 8", "depot_id = 7")
        .replace("location_id = 71", 'location_id = "gid://shopify/Product/71"')
    )
    found = faults(tmp_path / "stores.toml", text)
    for said in (
        "store 'main-street'.name: is missing",
        "store 'main-street'.title: is not a key of the stores file",
        "store 'main-street'.max_gone_percent:",
        "store 'main-street'.nhanh.app_id:",
        "store 'main-street'.nhanh.business_id: is missing",
        "store 'main-street'.nhanh.quota_window_seconds:",
        "store 'main-street'.nhanh.access_token_file: the file nowhere cannot be read",
        "store 'main-street'.shopify.api_version:",
        "store 'main-street'.shopify.access_token_file: the environment variable NOT_SET is empty or not set",
        "store 'main-street'.locations.1.location_id:",
    ):
        assert any(fault.startswith(said) for fault in found), (said, found)
    assert "token\n" not in "\n".join(found)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("depot_id = 8", "depot_id = 7", "depots 7 are mapped twice"),
        ("app_id = 101", 'app_id = 101\nbase_url = "ftp://x"', "must be an http or https address"),
        ("app_id = 101", 'app_id = 101\nbase_url = "http://x:99999"', "must be an http or https address"),
        ("app_id = 101", 'app_id = 101\nbase_url = "http://u:p@x"', "must not hold credentials"),
        ('shop = "main-street" ', 'shop = "Main Street"', "shopify.shop"),
        ('store_id = "main-street"', 'store_id = "Main"', "store_id"),
        (
            'access_token_env = "MAIN_STREET_NHANH_TOKEN"',
            'access_token_env = "A"\naccess_token_file = "b"',
            "not both",
        ),
        (
            'access_token_env = "MAIN_STREET_NHANH_TOKEN"',
            "",
            "name the secret by access_token_env or access_token_file",
        ),
    ],
)
def test_single_faults(tmp_path: Path, old: str, new: str, said: str) -> None:
    """Each is refused with what to do."""
    text = EXAMPLE.read_text()
    assert old in text
    (fault,) = faults(tmp_path / "stores.toml", text.replace(old, new))
    assert said in fault


CLIENT = 'client_id = "0123abcd"\nclient_secret_env = "MAIN_STREET_CLIENT_SECRET"'
STATIC = 'access_token_env = "MAIN_STREET_SHOPIFY_TOKEN"'


def test_a_client_of_shopifys_stands_in_place_of_a_token(tmp_path: Path) -> None:
    """Its id is no secret, and its secret lies where secrets lie; it is never shown."""
    path = tmp_path / "stores.toml"
    path.write_text(EXAMPLE.read_text().replace(STATIC, CLIENT))
    account = load_stores(path, ENVIRONMENT | {"MAIN_STREET_CLIENT_SECRET": "shpss_0\n"})["main-street"].shopify
    assert account.credentials == ClientCredentials("0123abcd", "shpss_0")
    assert "shpss" not in f"{account!r} {account.credentials!r}"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", ["access_token_file: name the secret by access_token_env or access_token_file, or give client_id"]),
        (f"{STATIC}\n{CLIENT}", ["access_token_file: give an access token, or client_id and its secret, not both"]),
        (
            f'{STATIC}\nclient_id = "0123abcd"',
            ["client_secret_file: name the secret by client_secret_env", "access_token_file: give an access token, or"],
        ),
        ('client_id = "0123abcd"', ["client_secret_file: name the secret by client_secret_env or client_secret_file"]),
        ('client_secret_env = "A"', ["client_secret_file: is the secret of a client, and client_id is missing"]),
        (
            f'{CLIENT}\nclient_secret_file = "b"',
            ["client_secret_file: name client_secret_env or client_secret_file, not"],
        ),
        ('client_id = "a b"\nclient_secret_env = "MAIN_STREET_CLIENT_SECRET"', ["client_id: "]),
        (
            'client_id = "a b"\nclient_secret_env = "NOT_SET"',
            ["client_id: ", "client_secret_file: the environment variable NOT_SET is empty or not set"],
        ),
    ],
)
def test_exactly_one_way_of_proving_who_we_are(tmp_path: Path, given: str, said: list[str]) -> None:
    """A token, or a client with its secret; each fault is named at its key, and only what is a fault."""
    text = EXAMPLE.read_text().replace(STATIC, given)
    found = faults(tmp_path / "stores.toml", text, ENVIRONMENT | {"MAIN_STREET_CLIENT_SECRET": "shpss_0"})
    assert len(found) == len(said), found
    for fault, start in zip(found, said, strict=True):
        assert fault.startswith(f"store 'main-street'.shopify.{start}"), found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "stores: is missing"),
        ("stores = []", "stores: "),
        ("[[stores]", "is not TOML"),
        ("stores = 3", "stores: "),
    ],
)
def test_files_that_describe_nothing(tmp_path: Path, text: str, said: str) -> None:
    """A file without stores, or that is no TOML, is refused."""
    (fault,) = faults(tmp_path / "stores.toml", text)
    assert said in fault


def test_a_secret_that_no_header_can_carry(tmp_path: Path) -> None:
    """It is refused without being shown."""
    found = faults(tmp_path / "stores.toml", EXAMPLE.read_text(), ENVIRONMENT | {"MAIN_STREET_NHANH_TOKEN": "bí mật"})
    assert any("printable ASCII" in fault for fault in found)
    assert "bí mật" not in "".join(found)


def test_a_store_is_described_once(tmp_path: Path) -> None:
    """Two stores of one id are refused."""
    text = EXAMPLE.read_text()
    (fault,) = faults(tmp_path / "stores.toml", text + text[text.index("[[stores]]") :])
    assert "main-street are described twice" in fault


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """It is named."""
    with pytest.raises(SettingsFaultsError, match=r"nowhere\.toml cannot be read"):
        load_stores(tmp_path / "nowhere.toml", {})
