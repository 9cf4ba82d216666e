"""DeepStream's configuration files, read for a pipeline without DeepStream; see docs/deepstream.md."""
