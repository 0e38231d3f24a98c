"""Language models: messages with pictures go out to an endpoint, by the one protocol that all have; text comes in."""
