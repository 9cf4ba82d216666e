"""`python -m faceir` is `faceir`."""

from faceir.cli import main

main()
