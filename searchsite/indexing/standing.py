"""How things stand between the embedder that is configured and the space that answers."""

from __future__ import annotations

from dataclasses import dataclass

from searchsite.indexing import fingerprints, provider, spaces
from searchsite.indexing.models import Space, SpaceStatus
from searchsite.inference.stages import Endpoint


@dataclass(frozen=True)
class Standing:
    """What the configuration names, and what answers. `differs`: they are not the same."""

    configured: Endpoint
    serving: Space | None

    @property
    def differs(self) -> bool:
        """Whether a new space would have to be built for what is configured."""
        return self.serving is not None and not is_of(self.serving, self.configured)

    @property
    def beside(self) -> Space | None:
        """The space of what is configured that does not answer: it is being built, or is kept from earlier."""
        others = Space.objects.filter(status__in=[SpaceStatus.BUILDING, SpaceStatus.RETIRED]).order_by("status", "-pk")
        return next((space for space in others if is_of(space, self.configured)), None)


def now() -> Standing:
    """How things stand; asks no embedder."""
    return Standing(provider.configured(), spaces.active())


def is_of(space: Space, endpoint: Endpoint) -> bool:
    """Whether a space may be the one of an endpoint, by names and numbers alone."""
    if (space.embedder, space.adapter) != (endpoint.network, endpoint.dialect):
        return False
    most = endpoint.dimensions
    if space.most_dimensions is None or most is None or most == space.most_dimensions:
        return True
    # Where the embedder gives fewer than it may, the setting makes no difference until it is less.
    return space.dimensions < space.most_dimensions and space.dimensions <= most


def follow(space: Space) -> None:
    """Note where the space's embedder answers by now, when the configuration says so and it is the same indeed.

    Raises an InferenceError when it can't be asked, or has other weights.
    """
    endpoint = provider.configured()
    here = (provider.plain_url(endpoint), endpoint.dimensions)
    if not is_of(space, endpoint) or here == (space.url, space.most_dimensions):
        return
    client = provider.client()
    if not spaces.serves(space, client.info()):
        return
    fingerprints.require_same(space, client)
    Space.objects.filter(pk=space.pk).update(url=here[0], most_dimensions=here[1])
