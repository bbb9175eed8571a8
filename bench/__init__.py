"""Measured promises: every script here prints a table and writes `bench/results/`."""
