"""What tests of connectors need besides the stand-ins."""

from tests.connectors.http_client.conftest import certificate

__all__ = ["certificate"]
