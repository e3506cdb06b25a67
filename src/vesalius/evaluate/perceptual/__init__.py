"""Perceptual distance between a picture and what was made of it: three networks, trained, checked and never fetched unasked."""
