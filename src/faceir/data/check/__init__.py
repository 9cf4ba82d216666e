"""The labelling guidelines as rules: what is wrong with a data set, and corrections that a person approved."""
