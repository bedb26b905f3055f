"""Journeys: people in real browsers, in front of the whole portal as `make run` starts it.

Each module has its own portal with an incident in progress, and its journeys use different services, so that
each starts from the state that its first line describes.
"""
