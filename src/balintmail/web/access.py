"""What kinds of route there are; every route declares one as its tag, and the gate goes by it.

It decides nothing by itself. An application with a route that has no kind does not start (standards.md 3.2: deny by
default).
"""

from enum import StrEnum

from fastapi.routing import APIRoute


class Kind(StrEnum):
    """Who may come in, and how a route's answers are kept."""

    PAGE = "page"  # for everybody
    TOKEN = "token"  # noqa: S105  (whoever holds the link; never stored, indexed, or told to another site)
    ASSET = "asset"  # for everybody; kept by browsers until its address changes
    HEALTH = "health"  # for the machine that watches


class Takes(StrEnum):
    """What a route takes in besides a form's words; without any, a body is as small as forms are."""

    FILES = "files"


class UnguardedRoute(RuntimeError):
    """A route has not said who may come in: a fault of ours, found when the application is made."""


def kind_of(route: APIRoute) -> Kind:
    """Return the kind that `route` has declared; raise UnguardedRoute unless it is exactly one."""
    kinds = [tag for tag in route.tags if isinstance(tag, Kind)]
    if len(kinds) != 1:
        raise UnguardedRoute(f"{route.path} declares {len(kinds)} kinds of access, not one")
    return kinds[0]


def takes_files(route: APIRoute) -> bool:
    """Say whether `route` has declared that files are sent to it."""
    return Takes.FILES in route.tags
