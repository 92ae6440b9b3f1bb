"""Drivers that come with `rgnn_hal`; each is found by its URI scheme, none is imported directly."""
