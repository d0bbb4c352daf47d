"""The stores file: which shops a deployment serves, in TOML; secrets come from the environment or from files it names."""

import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from chassis.settings import SettingsFaultsError
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from yarl import URL

from sync_worker.adapters.http.addresses import address_of
from sync_worker.domain.stores import ClientCredentials, LocationMapping, NhanhAccount, ShopifyAccount, Store

DEFAULT_API_VERSION = "2026-07"
"""Every document is held against Shopify's own schema of this version; Shopify supports a version for a year at least."""

_LOCATION = re.compile(r"(?:gid://shopify/Location/)?([1-9][0-9]{0,18})")
_WORDS = {"missing": "is missing", "extra_forbidden": "is not a key of the stores file"}


def load_stores(path: Path, environ: Mapping[str, str]) -> dict[str, Store]:
    """Read the stores file and the secrets that it names; stores by their id.

    Raises:
        SettingsFaultsError: With a sentence for every fault, each with its store and key.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsFaultsError([f"the stores file {path} cannot be read: {error.strerror}"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsFaultsError([f"the stores file {path} is not TOML: {error}"]) from None
    secrets = _Secrets(path.parent, environ)
    try:
        file = _File.model_validate(document, context=secrets)
    except ValidationError as error:
        faults = [
            f"the stores file {path}: {_place(fault['loc'], document)}: {_words(fault['type'], fault['msg'])}"
            for fault in error.errors(include_url=False, include_input=False)
        ]
        raise SettingsFaultsError(faults) from None
    return {store.store_id: store.as_store(secrets) for store in file.stores}


def _words(fault: str, message: str) -> str:
    return _WORDS.get(fault, message.removeprefix("Value error, "))


class _Secrets:
    """Finds secrets where the file says they are; relative files lie beside the stores file."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._environ = environ

    def read(self, file: str | None, env: str | None) -> str:
        """Read one secret.

        Raises:
            ValueError: It is not there, or nothing is in it. The message never holds what was read.
        """
        if env is not None:
            found = self._environ.get(env, "")
            where = f"the environment variable {env}"
        else:
            where = f"the file {file}"
            try:
                found = (self._folder / str(file)).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                raise ValueError(f"{where} cannot be read") from None
        found = found.strip()
        if not found:
            raise ValueError(f"{where} is empty or not set")
        if not found.isascii() or not found.isprintable():
            raise ValueError(f"{where} holds what cannot be sent in a header; a secret is printable ASCII")
        return found


def _base_url(url: str) -> str:
    try:
        address = address_of(url)
    except ValueError:
        address = URL()
    if not address.host or address.raw_query_string or address.raw_fragment:
        raise ValueError("must be an http or https address without a query")
    if address.raw_user is not None or address.raw_password is not None:
        raise ValueError("must not hold credentials")
    return url.rstrip("/")


def _location_id(given: object) -> object:
    found = _LOCATION.fullmatch(str(given)) if isinstance(given, str | int) else None
    if found is None:
        raise ValueError("must be a Shopify location, as its number or as gid://shopify/Location/NUMBER")
    return int(found[1])


_Url = Annotated[str, Field(max_length=500), AfterValidator(_base_url)]
_VendorId = Annotated[int, Field(ge=1, lt=2**63, strict=True)]


class _Table(BaseModel):
    """A table of the file; a key that is not known is a fault, since a misspelt one must not be passed over."""

    model_config = ConfigDict(extra="forbid", frozen=True)


_SecretFile = Annotated[str | None, Field(validate_default=True)]
"""Where a secret lies; tried even when it is not given, since then the environment must name it."""


def _try_secret(file: str | None, info: ValidationInfo, *, required: bool) -> str | None:
    """Try the secret whose `…_file` is being read; its `…_env` stands before it.

    Raises:
        ValueError: It is named twice, or not at all although required, or cannot be read.
    """
    secret = str(info.field_name).removesuffix("_file")
    env = info.data.get(f"{secret}_env")
    if file is not None and env is not None:
        raise ValueError(f"name {secret}_env or {secret}_file, not both")
    if file is not None or env is not None:
        if isinstance(info.context, _Secrets):
            info.context.read(file, env)
    elif required:
        raise ValueError(f"name the secret by {secret}_env or {secret}_file")
    return file


class _Nhanh(_Table):
    base_url: _Url = "https://pos.open.nhanh.vn"
    app_id: _VendorId
    business_id: _VendorId
    access_token_env: str | None = None
    access_token_file: _SecretFile = None
    secret_key_env: str | None = None
    secret_key_file: _SecretFile = None
    quota_calls: Annotated[int, Field(ge=0, le=1_000_000, strict=True)] = 145
    quota_window_seconds: Annotated[float, Field(gt=0, le=3600)] = 30.0

    @field_validator("access_token_file")
    @classmethod
    def _token(cls, file: str | None, info: ValidationInfo) -> str | None:
        return _try_secret(file, info, required=True)

    @field_validator("secret_key_file")
    @classmethod
    def _key(cls, file: str | None, info: ValidationInfo) -> str | None:
        return _try_secret(file, info, required=False)


class _Shopify(_Table):
    shop: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,99}$")]
    base_url: _Url | None = None
    api_version: Annotated[str, Field(pattern=r"^20[0-9]{2}-(01|04|07|10)$")] = DEFAULT_API_VERSION
    client_id: Annotated[str, Field(pattern=r"^[!-~]{1,200}$")] | None = None
    client_secret_env: str | None = None
    client_secret_file: _SecretFile = None
    access_token_env: str | None = None
    access_token_file: _SecretFile = None

    @field_validator("client_secret_file")
    @classmethod
    def _secret(cls, file: str | None, info: ValidationInfo) -> str | None:
        """The secret is there if the id is, and the other way round; an id that is faulty is there."""
        client_id = info.data.get("client_id", "faulty")
        if client_id is None and (file is not None or info.data.get("client_secret_env") is not None):
            raise ValueError("is the secret of a client, and client_id is missing")
        return _try_secret(file, info, required=client_id is not None)

    @field_validator("access_token_file")
    @classmethod
    def _token(cls, file: str | None, info: ValidationInfo) -> str | None:
        """Exactly one of the two ways is taken: an access token, or a client's id and secret."""
        client = ("client_id", "client_secret_env", "client_secret_file")
        if all(info.data.get(name, "faulty") is None for name in client):
            if file is None and info.data.get("access_token_env") is None:
                raise ValueError(
                    "name the secret by access_token_env or access_token_file, or give client_id and its secret by "
                    "client_secret_env or client_secret_file"
                )
            return _try_secret(file, info, required=True)
        if file is not None or info.data.get("access_token_env") is not None:
            raise ValueError("give an access token, or client_id and its secret, not both")
        return file

    def credentials(self, secrets: _Secrets) -> str | ClientCredentials:
        """Read whichever of the two is given."""
        if self.client_id is None:
            return secrets.read(self.access_token_file, self.access_token_env)
        return ClientCredentials(self.client_id, secrets.read(self.client_secret_file, self.client_secret_env))


class _Location(_Table):
    depot_id: _VendorId
    location_id: Annotated[int, BeforeValidator(_location_id)]


class _Store(_Table):
    store_id: Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,64}$")]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    nhanh: _Nhanh
    shopify: _Shopify
    locations: tuple[_Location, ...] = ()
    auto_link_confidence: Annotated[float, Field(ge=0, le=1)] = 0.90
    max_gone_percent: Annotated[int, Field(ge=0, le=100, strict=True)] = 10
    max_confirmed_age_seconds: Annotated[int, Field(ge=60, le=365 * 24 * 3600, strict=True)] = 7 * 24 * 3600

    @field_validator("locations")
    @classmethod
    def _each_depot_once(cls, locations: tuple[_Location, ...]) -> tuple[_Location, ...]:
        twice = sorted(depot for depot, n in Counter(each.depot_id for each in locations).items() if n > 1)
        if twice:
            raise ValueError(f"depots {', '.join(map(str, twice))} are mapped twice: their stock would be sold twice")
        return locations

    def as_store(self, secrets: _Secrets) -> Store:
        """Make the store, with its secrets read."""
        nhanh, shopify = self.nhanh, self.shopify
        has_key = nhanh.secret_key_file is not None or nhanh.secret_key_env is not None
        return Store(
            store_id=self.store_id,
            name=self.name,
            nhanh=NhanhAccount(
                base_url=nhanh.base_url,
                app_id=nhanh.app_id,
                business_id=nhanh.business_id,
                access_token=secrets.read(nhanh.access_token_file, nhanh.access_token_env),
                secret_key=secrets.read(nhanh.secret_key_file, nhanh.secret_key_env) if has_key else None,
                quota_calls=nhanh.quota_calls,
                quota_window_seconds=nhanh.quota_window_seconds,
            ),
            shopify=ShopifyAccount(
                base_url=shopify.base_url or f"https://{shopify.shop}.myshopify.com",
                shop=shopify.shop,
                api_version=shopify.api_version,
                credentials=shopify.credentials(secrets),
            ),
            locations=tuple(LocationMapping(each.depot_id, each.location_id) for each in self.locations),
            auto_link_confidence=self.auto_link_confidence,
            max_gone_percent=self.max_gone_percent,
            max_confirmed_age_seconds=self.max_confirmed_age_seconds,
        )


class _File(_Table):
    stores: tuple[_Store, ...]

    @field_validator("stores")
    @classmethod
    def _each_once(cls, stores: tuple[_Store, ...]) -> tuple[_Store, ...]:
        if not stores:
            raise ValueError("describe at least one store")
        twice = sorted(store for store, n in Counter(each.store_id for each in stores).items() if n > 1)
        if twice:
            raise ValueError(f"stores {', '.join(twice)} are described twice")
        return stores


def _place(location: tuple[int | str, ...], document: Mapping[str, Any]) -> str:
    """Name a key for people: by the store's id where it has one, else by its place in the file."""
    parts = list(location)
    if len(parts) > 1 and parts[0] == "stores" and isinstance(parts[1], int):
        given = document["stores"][parts[1]]
        store_id = given.get("store_id") if isinstance(given, dict) else None
        name = f"store {store_id!r}" if isinstance(store_id, str) else f"store number {parts[1] + 1}"
        return ".".join([name, *(str(part) for part in parts[2:])])
    return ".".join(map(str, parts)) or "the document"
