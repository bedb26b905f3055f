"""Journeys: people in real browsers, in front of the whole portal as `make run` starts it.

Every module has a portal of its own, with the company's incident under way, and the journeys in it use
different services, so that each starts from the state that its first line describes.
"""
