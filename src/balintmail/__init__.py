"""balintmail: newsletters and mailing lists for a Balint society.

This file holds the version and nothing else, so that importing the package costs nothing.
"""

__version__ = "0.1.0"
