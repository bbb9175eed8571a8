"""What is right, what is wrong, and whose duty it is: one look over an instance, its names in the DNS and its relays.

It changes nothing and sends nothing. One file per subject; examination.py calls them all, at once and not for long.
"""
