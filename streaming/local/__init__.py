"""The job on a laptop: Prism and the emulators as child processes, and the workers that run it."""
