"""`python -m faceir` is `faceir`."""

from faceir.cli import main

if __name__ == "__main__":  # workers of the training import this file under another name
    main()
