"""Everything that touches live video: small, starts fast, survives bad cameras."""
