import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connectors.table import CONNECTORS
from relay.errors import ConfigError
from relay.settings import read_settings

ENVIRONMENT = {"RELAY_HOOK_SECRET": "false-secret-0001-0001-0001"}


@pytest.fixture(scope="session")
def service_account():
    """A key file in the shape of Google's, with a key made for this run."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return json.dumps(
        {
            "type": "service_account",
            "project_id": "false",
            "private_key_id": "false",
            "private_key": pem,
            "client_email": "relay@false.iam.gserviceaccount.example",
            "token_uri": "https://oauth2.example.com/token",
        }
    )


@pytest.fixture
def load(tmp_path):
    def read(text, environment=None, mode=0o600):
        path = tmp_path / "relay.yaml"
        path.write_text(text) if isinstance(text, str) else path.write_bytes(text)
        path.chmod(mode)
        return read_settings(path, CONNECTORS, ENVIRONMENT | (environment or {}))

    return read


@pytest.fixture
def mistakes(load, tmp_path):
    """Every mistake as `line:column: message`."""

    def read(text, environment=None, mode=0o600):
        with pytest.raises(ConfigError) as refused:
            load(text, environment, mode)
        return [str(mistake).removeprefix(f"{tmp_path}/relay.yaml:") for mistake in refused.value.mistakes]

    return read
