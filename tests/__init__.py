"""Tests, from the promises down."""
