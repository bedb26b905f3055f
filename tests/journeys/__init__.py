"""Journeys: people in real browsers, in front of the whole portal as `make run` starts it.

Every module has a portal of its own, with the company's incident under way, and the journeys in it use
different services, so that each begins where its first line says.
"""
