"""Measurements of glmgate, as ratios against something in the same run."""
