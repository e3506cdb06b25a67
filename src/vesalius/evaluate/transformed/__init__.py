"""Images transformed by known amounts, to see what a representation minds: eighteen transforms, their parameters, their views."""
