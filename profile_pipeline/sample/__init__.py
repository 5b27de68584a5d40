"""An invented borough with ground truth: for demonstration, tests and accuracy figures."""
