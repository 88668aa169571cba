"""A local server that speaks every source's contract over real HTTP, with faults on demand and the truth on request."""

from tests.world.faults import Fault
from tests.world.server import World

__all__ = ["Fault", "World"]
