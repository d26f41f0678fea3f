"""Slugline says which topics a news article is about.

The core that training and service share. Data flows one way: text, features, scores, topics.
"""

__version__ = "0.1.0"
