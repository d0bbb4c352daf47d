"""Settings from the environment."""

import pytest
from chassis.settings import DatabaseUrl, SettingsFaultsError, load_settings
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Example(BaseSettings):
    """Settings of some service."""

    model_config = SettingsConfigDict(env_prefix="SOME_SERVICE_")

    listen: str = "127.0.0.1:1"
    concurrency: int = Field(4, ge=1, le=64)
    token: SecretStr


def test_settings_come_from_the_environment_that_is_handed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process's own environment does not matter, and what is not given is the default."""
    monkeypatch.setenv("SOME_SERVICE_LISTEN", "elsewhere:1")
    loaded = load_settings(Example, {"SOME_SERVICE_TOKEN": "s3cret", "SOME_SERVICE_CONCURRENCY": "8", "PATH": "/bin"})
    assert type(loaded) is Example
    assert (loaded.listen, loaded.concurrency, loaded.token.get_secret_value()) == ("127.0.0.1:1", 8, "s3cret")


def test_secrets_are_not_shown() -> None:
    """A secret is neither in the settings' picture nor in a fault's sentence."""
    assert "s3cret" not in repr(load_settings(Example, {"SOME_SERVICE_TOKEN": "s3cret"}))
    with pytest.raises(SettingsFaultsError) as refused:
        load_settings(Example, {"SOME_SERVICE_TOKEN": "s3cret", "SOME_SERVICE_CONCURRENCY": "s3cret"})
    assert "s3cret" not in str(refused.value)


class Stored(BaseSettings):
    """Settings of a service with a database of either kind."""

    model_config = SettingsConfigDict(env_prefix="STORED_")

    url: DatabaseUrl


def test_a_database_is_of_a_kind_that_can_be_opened() -> None:
    """Others are refused with a sentence that says which can be, and shows no password."""
    for url in ("postgresql://u:s3cret@h/d", "sqlite:///a.db"):
        assert load_settings(Stored, {"STORED_URL": url}).url == url
    with pytest.raises(SettingsFaultsError) as refused:
        load_settings(Stored, {"STORED_URL": "mysql://u:s3cret@h/d"})
    assert refused.value.faults == [
        "STORED_URL: Value error, mysql is no kind of database that can be used here; use sqlite:///relative.db or"
        " sqlite:////absolute.db or postgresql://user:password@host:port/name"
    ]


def test_all_faults_are_reported_together() -> None:
    """Missing, out of bounds and misspelt settings are each named once, by their variables."""
    with pytest.raises(SettingsFaultsError) as refused:
        load_settings(Example, {"SOME_SERVICE_CONCURRENCY": "0", "SOME_SERVICE_TOKENN": "x"})
    assert refused.value.faults == [
        "SOME_SERVICE_TOKENN is not a setting; the settings are "
        "SOME_SERVICE_CONCURRENCY, SOME_SERVICE_LISTEN, SOME_SERVICE_TOKEN",
        "SOME_SERVICE_CONCURRENCY: Input should be greater than or equal to 1",
        "SOME_SERVICE_TOKEN: Field required",
    ]
    assert str(refused.value).splitlines() == refused.value.faults


@pytest.mark.parametrize(
    "name",
    [
        "SERVICE_HOST",
        "SERVICE_PORT",
        "SERVICE_PORT_GRPC",
        "PORT",
        "PORT_50051_TCP",
        "PORT_50051_TCP_ADDR",
        "PORT_50051_TCP_PORT",
        "PORT_50051_TCP_PROTO",
    ],
)
def test_what_kubernetes_adds_is_no_setting(name: str) -> None:
    """A Service beside the container may have the prefix's name; nobody misspelt anything."""
    load_settings(Example, {"SOME_SERVICE_TOKEN": "x", f"SOME_SERVICE_{name}": "tcp://10.0.0.1:1"})
