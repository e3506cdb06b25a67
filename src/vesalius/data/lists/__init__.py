"""Lists of volumes as JSON, one file per form: MONAI and Decathlon, nnU-Net, nnssl, plain. A form is recognised by its content."""
