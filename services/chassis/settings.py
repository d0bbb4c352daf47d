"""Settings: read once from the environment, every fault reported together."""

import re
from collections.abc import Mapping
from typing import TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource

Settings = TypeVar("Settings", bound=BaseSettings)

_SERVICE_LINK = re.compile(r"SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?")
"""Kubernetes puts these into every container, named for the services beside it, and nobody meant them as settings:
https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables"""


class SettingsFaultsError(Exception):
    """One or more settings cannot be used; `faults` has a sentence for each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def load_settings(cls: type[Settings], environment: Mapping[str, str]) -> Settings:
    """Read a service's settings from an environment; the class's `env_prefix` names them.

    A variable with the prefix that is no setting is a fault too: a misspelt setting must not be passed over.

    Raises:
        SettingsFaultsError: With a sentence for every setting that is missing or out of bounds.
    """
    prefix = str(cls.model_config.get("env_prefix", ""))

    class Given(EnvSettingsSource):
        def _load_env_vars(self) -> Mapping[str, str | None]:
            return {name.lower(): value for name, value in environment.items()}

    class FromGiven(cls):  # type: ignore[valid-type, misc]  # a subclass only to hand the environment in
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return (Given(settings_cls),)

    known = {f"{prefix}{name}".upper() for name in cls.model_fields}
    unknown = sorted(
        name
        for name in environment
        if name.startswith(prefix) and name not in known and not _SERVICE_LINK.fullmatch(name.removeprefix(prefix))
    )
    faults = [f"{name} is not a setting; the settings are {', '.join(sorted(known))}" for name in unknown]
    try:
        loaded = FromGiven()
    except ValidationError as error:
        faults += [f"{_name(prefix, fault['loc'])}: {fault['msg']}" for fault in error.errors(include_url=False)]
        raise SettingsFaultsError(faults) from None
    if faults:
        raise SettingsFaultsError(faults)
    return cls.model_construct(**{name: getattr(loaded, name) for name in cls.model_fields})


def _name(prefix: str, location: tuple[int | str, ...]) -> str:
    first = str(location[0]) if location else ""
    return first.upper() if first.upper().startswith(prefix) else f"{prefix}{first}".upper()
