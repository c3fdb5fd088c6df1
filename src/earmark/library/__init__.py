"""A collection of tracks: what is known of them, what stands in their files, and how other programs get to know it.

It takes any callable from a path to an `Analysis`; it never imports the networks.
"""
