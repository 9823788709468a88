"""What the service takes from strangers, at most: the block `service` of params.yaml."""

from __future__ import annotations

from pydantic import Field

from reelops.params import Config, Count, ParamsBlock


class ServiceLimits(ParamsBlock):
    """The block `service`.

    Attributes:
        most_upload_mb: size of a picture or clip that is sent, in megabytes of a million bytes.
        most_megapixels: width by height of a picture, in millions.
        most_seconds: length of a clip that is asked for.
        most_jobs: of one account that have not ended at once, unless its key says otherwise.
        requests_a_minute: of one key, unless the key says otherwise.
        retries: further tries of a clip that the gate rejects, each with a seed of its own.
        keep_uploads_days: how long pictures and clips stay that no job needs any more.
        webhooks_to_private_addresses: tell addresses of private networks, and by http, too.
    """

    most_upload_mb: float = Field(50.0, gt=0, le=2000)
    most_megapixels: float = Field(50.0, gt=0, le=100)
    most_seconds: float = Field(60.0, gt=0, le=600)
    most_jobs: Count = 1000
    requests_a_minute: Count = 6000
    retries: int = Field(1, ge=0, le=20)
    keep_uploads_days: float = Field(1.0, ge=0.1, le=3650)
    webhooks_to_private_addresses: bool = False

    @property
    def most_upload_bytes(self) -> int:
        return int(self.most_upload_mb * 1e6)


def load_limits(config: Config) -> ServiceLimits:
    """The limits as params.yaml has them.

    Raises:
        SettingsError: a value cannot be used.
    """
    return config.block("service", ServiceLimits)
