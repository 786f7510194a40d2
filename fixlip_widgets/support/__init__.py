"""Utilities shared by all packages: files, argument checks, formatting, threads, markup and progress."""
