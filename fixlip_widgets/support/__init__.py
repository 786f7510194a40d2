"""Utilities shared by all packages: files, argument checks, formatting, threads, templates and progress."""
