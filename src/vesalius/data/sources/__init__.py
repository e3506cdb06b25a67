"""One data set a file: ``index(root)`` reads its layout as it was downloaded and gives a sample table."""
