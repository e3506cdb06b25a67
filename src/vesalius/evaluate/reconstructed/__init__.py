"""An image found again from what a layer made of it: the network that paints it, and how it is fitted."""
