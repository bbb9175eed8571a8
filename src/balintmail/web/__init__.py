"""Public pages, the console and the API. Built by a later issue."""
