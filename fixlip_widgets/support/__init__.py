"""Files, checks of arguments, formatting, threads, markup and progress: what every other package uses."""
