"""Power cuts: recorder.c notes what a process does to its disk, disk.py says what a cut would have left of it."""
