"""The benchmark: the product beside a reference and a floor, in one run."""
